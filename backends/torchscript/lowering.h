// ingot's graph as a TorchScript graph.
//
// Nodes become calls of ATen's own operators, by the overload that they name; constants become
// graph constants over the host's memory (not copied); scalar inputs become numbers. Two rewrites
// give LibTorch's frozen-graph passes the forms that they look for: `aten::convolution` becomes
// conv1d/2d/3d where it can, and the passes themselves fold batch norms into convolutions. Values
// have their sizes and dtypes as types; strides are left open.
//
// No exception leaves these functions. Thread-safe.
#ifndef INGOT_BACKENDS_TORCHSCRIPT_LOWERING_H_
#define INGOT_BACKENDS_TORCHSCRIPT_LOWERING_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"

namespace torch::jit {
struct Graph;
struct Node;
}  // namespace torch::jit

namespace ingot::torchscript_backend {

// OK if LibTorch has the node's operator, takes its arguments, and computes tensors from them and
// does nothing else (core/ir/opaque_op.h says what no graph may name); else why not.
absl::Status CheckNode(const ir::Graph& graph, ir::NodeId node);

// The TorchScript graph of `graph`: inputs are its non-constant inputs but the seed, in order;
// outputs are its outputs in order. It points into the constants' memory.
absl::StatusOr<std::shared_ptr<torch::jit::Graph>> Lower(
    const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants);

inline constexpr ir::NodeId kNoNode = static_cast<ir::NodeId>(-1);
// Which of the lowered graph's nodes this one stands for; kNoNode for none. Nodes that passes
// put in the place of others keep it, if their metadata is copied.
ir::NodeId NodeOf(torch::jit::Node& node);

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_LOWERING_H_
