// One call of a compiled graph with at::Tensor in and out: what CompiledGraph and CompiledModule
// share.
//
// May throw what LibTorch throws: callers are guarded. Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCH_CALL_H_
#define INGOT_FRONTENDS_TORCH_CALL_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/plugin/abi/ingot_backend.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/run_context.h"
#include "frontends/torch/result_pool.h"
#include "frontends/torch/tensor_adapter.h"

namespace ingot {

using TensorViews = absl::InlinedVector<ingot_tensor, 8>;

// Views of the tensors. InvalidArgument names the first that is not a dense CPU tensor.
absl::StatusOr<TensorViews> Views(absl::Span<const at::Tensor> tensors);

// See ingot::CompiledGraph::RunFlat. Here and below, new results come from `pool`, which is the
// graph's, or are allocated if it is null.
absl::Status CallFlat(const runtime::CompiledGraph& graph, ResultPool* pool,
                      absl::Span<const at::Tensor> arguments, std::vector<at::Tensor>& results,
                      const runtime::RunContext& context);

// Names of the graph's state inputs.
absl::flat_hash_set<std::string> StateNames(const ir::Graph& graph);

// The call's result, nested as the program nests it. `views`, of the arguments, spares making them
// again for whoever knows already that they fit.
absl::StatusOr<c10::IValue> Call(const runtime::CompiledGraph& graph, ResultPool* pool,
                                 const FlatArguments& arguments,
                                 const runtime::RunContext& context);
absl::StatusOr<c10::IValue> Call(const runtime::CompiledGraph& graph, ResultPool* pool,
                                 const FlatArguments& arguments, const TensorViews& views,
                                 const runtime::RunContext& context);

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_CALL_H_
