// Elementwise nodes as programs of kernels/pointwise.h.
//
// A table maps each op to a few instructions. PyTorch's promotion is kept: operands are cast to the
// computing type (the result's, or for comparisons and the like the operands' common one); numbers
// held by values are read on each call.
#ifndef INGOT_BACKENDS_ONEDNN_POINTWISE_H_
#define INGOT_BACKENDS_ONEDNN_POINTWISE_H_

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/onednn/kernels/pointwise.h"
#include "backends/onednn/lowering.h"
#include "core/ir/graph.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {

// Whether the node is an elementwise op that a program can contain.
bool IsPointwise(const ir::Graph& graph, ir::NodeId node);

// For ops that are elementwise only sometimes (casts).
absl::Status SupportsPointwise(const ir::Graph& graph, const ops::OpView& view);
absl::Status LowerPointwise(Lowering& lowering, const Unit& unit);

// What a step that runs the nodes as one pass needs. All have the shape of the last.
struct PointwiseProgram {
  std::shared_ptr<const kernels::Pointwise> program;
  std::vector<Tensor> inputs;  // in the program's order
  ir::Dims order;              // of the dimensions, in which the program walks
};
absl::StatusOr<PointwiseProgram> BuildPointwise(Lowering& lowering,
                                                absl::Span<const ir::NodeId> nodes);
// Whether BuildPointwise refused the nodes of `unit` as too many for one pass.
bool NeedsParts(const absl::Status& built, const Unit& unit);
// 16 nodes of at most 4 operands.
inline constexpr size_t kMaxPointwiseOperands = 64;

// Adds a step of its own: a function of the elements of `inputs`, which have strides and are
// broadcast to the sizes of `out`, a tensor that is new. `emit` gets the builder's numbers of the
// inputs, in the types that the builder widens them to, and returns the result's, which is cast to
// out's type.
using EmitFn = absl::FunctionRef<int(kernels::PointwiseBuilder&, absl::Span<const int>)>;
absl::Status AddMap(Lowering& lowering, absl::string_view implementation,
                    absl::Span<const Tensor> inputs, const Tensor& out, EmitFn emit);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_POINTWISE_H_
