// Elementwise nodes as programs of kernels/pointwise.h.
//
// A table maps each op to a few instructions. PyTorch's promotion is kept: operands are cast to the
// computing type (the result's, or for comparisons and the like the operands' common one); numbers
// held by values are read on each call.
#ifndef INGOT_BACKENDS_ONEDNN_POINTWISE_H_
#define INGOT_BACKENDS_ONEDNN_POINTWISE_H_

#include "absl/status/status.h"
#include "backends/onednn/lowering.h"
#include "core/ir/graph.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {

// Whether the node is an elementwise op that a program can contain.
bool IsPointwise(const ir::Graph& graph, ir::NodeId node);

// For ops that are elementwise only sometimes (casts).
absl::Status SupportsPointwise(const ir::Graph& graph, const ops::OpView& view);
absl::Status LowerPointwise(Lowering& lowering, const Unit& unit);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_POINTWISE_H_
