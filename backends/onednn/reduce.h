// Reductions that are done along with the elementwise nodes before them.
#ifndef INGOT_BACKENDS_ONEDNN_REDUCE_H_
#define INGOT_BACKENDS_ONEDNN_REDUCE_H_

#include "core/ir/graph.h"

namespace ingot::onednn {

// Whether the node reduces whole rows of f32 (the last dimensions of its first operand) of a length
// that can be kept in L1 until it is reduced, and is worth it.
bool IsRowReduction(const ir::Graph& graph, ir::NodeId node);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_REDUCE_H_
