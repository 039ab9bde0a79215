// Groups the nodes of a graph into units, each lowered as one.
//
//   kNode       one node
//   kChain      an anchor (matmul or convolution kind) and what its primitive does on the way out:
//               batch normalisation folded into a convolution's weights, a zero padding before it,
//               then eltwise and binary post-ops in order
//   kPointwise  elementwise nodes of one shape, run as one pass over cache-sized tiles
//
// An intermediate value of a unit has no other use, so a unit can run where its last node stands.
// Units are in an order of execution. Dead nodes are in no unit. Pure.
#ifndef INGOT_BACKENDS_ONEDNN_FUSION_H_
#define INGOT_BACKENDS_ONEDNN_FUSION_H_

#include <optional>
#include <vector>

#include "core/ir/graph.h"
#include "oneapi/dnnl/dnnl_types.h"

namespace ingot::onednn {

// What a node does to the value of its chain, as oneDNN's post-op.
struct PostOp {
  ir::NodeId node = 0;
  dnnl_alg_kind_t algorithm = dnnl_alg_kind_undef;
  bool binary = false;
  float alpha = 0, beta = 0;           // eltwise
  ir::ValueId operand = ir::kNoValue;  // binary: chain value (op) operand
};

struct Unit {
  enum class Kind : uint8_t { kNode, kChain, kPointwise };
  Kind kind = Kind::kNode;
  ir::NodeId anchor = 0;  // kPointwise: the last node
  std::optional<ir::NodeId> padding, batch_norm;
  std::vector<PostOp> post_ops;
  std::vector<ir::NodeId> nodes;  // all, ascending
};

// What may be fused; for tests and for finding out what pays.
struct FusionOptions {
  bool post_ops = true;
  bool batch_norm = true;
  bool padding = true;
  bool pointwise = true;
};

std::vector<Unit> PlanFusion(const ir::Graph& graph, const FusionOptions& options = {});

// The post-op that `node` is for a chain whose last value is `chain`; nullopt if it is none.
// `convolution`: the operand of a binary post-op may be per channel (dimension 1) instead of per
// last dimension.
std::optional<PostOp> MatchPostOp(const ir::Graph& graph, ir::NodeId node, ir::ValueId chain,
                                  bool convolution);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_FUSION_H_
