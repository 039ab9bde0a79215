// Groups the nodes of a graph into units, each lowered as one.
//
//   kNode       one node
//   kChain      an anchor (matmul or convolution kind) and what its primitive or kernel does on the
//               way out: batch normalisation folded into a convolution's weights, a zero padding
//               before it, then elementwise post-ops in order
//   kPointwise  elementwise nodes of one shape, run as one pass over cache-sized tiles; then,
//               perhaps, a reduction of their result's rows
//
// An intermediate value of a unit has no other use, so a unit can run where its last node stands.
// Units are in an order of execution. Dead nodes are in no unit. Pure.
#ifndef INGOT_BACKENDS_ONEDNN_FUSION_H_
#define INGOT_BACKENDS_ONEDNN_FUSION_H_

#include <optional>
#include <vector>

#include "backends/onednn/kernels/epilogue.h"
#include "core/ir/graph.h"
#include "core/ops/op_view.h"
#include "oneapi/dnnl/dnnl_types.h"

namespace ingot::onednn {

// What a node does to the value of its chain.
struct PostOp {
  ir::NodeId node = 0;
  kernels::EpilogueOp op = kernels::EpilogueOp::kRelu;
  float alpha = 0, beta = 0;
  ir::ValueId operand = ir::kNoValue;  // binary: chain value (op) operand
};

// oneDNN's post-op for one of ours; nullopt where it turns NaN into a number, which eager doesn't.
struct PrimitivePostOp {
  dnnl_alg_kind_t algorithm;
  float alpha, beta;
};
std::optional<PrimitivePostOp> AsPrimitive(const PostOp& post_op);

// Who runs an anchor: a oneDNN primitive, or an own kernel, which has all post-ops and wants
// constant weights: kernels/packed_gemm.h for products and convolutions of one tap (or of several,
// where the chain has a post-op that oneDNN lacks), kernels/winograd.h, kernels/depthwise.h.
enum class RunsAs : uint8_t {
  kPrimitive,
  kProduct,
  kPrimitiveConvolution,
  kProductConvolution,
  kTapConvolution,       // several taps
  kWinogradConvolution,  // 3x3
  kDepthwiseConvolution,
};

struct Unit {
  enum class Kind : uint8_t { kNode, kChain, kPointwise };
  Kind kind = Kind::kNode;
  ir::NodeId anchor = 0;                // kPointwise: the last node
  RunsAs runs_as = RunsAs::kPrimitive;  // kChain
  std::optional<ir::NodeId> padding, batch_norm;
  std::vector<PostOp> post_ops;
  std::vector<ir::NodeId> nodes;  // all, ascending
};

// What may be fused; for tests and for finding out what pays.
struct FusionOptions {
  static FusionOptions All(bool value) { return {value, value, value, value, value, value, value}; }

  bool post_ops = true;
  bool batch_norm = true;
  bool padding = true;
  bool pointwise = true;
  bool strips = true;     // steps over images, after lowering: strips.h
  bool roundings = true;  // results that products read in bf16, after lowering: rounding.h
  bool rows = true;       // batches row by row, around the program: by_row.h
};

std::vector<Unit> PlanFusion(const ir::Graph& graph, const FusionOptions& options = {});

// The work of a unit of several nodes in more units. Of a chain: the anchor with its padding and
// batch normalisation, then one a post-op. Of an elementwise pass: one a node.
std::vector<Unit> InParts(const Unit& unit);

// The post-op that `node` is for a chain whose last value is `chain`; nullopt if it is none for
// whoever runs that chain. The operand of a convolution's binary post-op may be per channel
// (dimension 1), others' per last dimension.
std::optional<PostOp> MatchPostOp(const ir::Graph& graph, ir::NodeId node, ir::ValueId chain,
                                  RunsAs runs_as);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_FUSION_H_
