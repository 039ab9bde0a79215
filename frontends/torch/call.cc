#include "frontends/torch/call.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot {

absl::StatusOr<TensorViews> Views(absl::Span<const at::Tensor> tensors) {
  TensorViews views;
  for (size_t i = 0; i < tensors.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(ingot_tensor view, ToIngotTensor(tensors[i], i));
    views.push_back(view);
  }
  return views;
}

namespace {

absl::Status CallViews(const runtime::CompiledGraph& graph, ResultPool* pool,
                       absl::Span<const at::Tensor> arguments, const TensorViews& argument_views,
                       std::vector<at::Tensor>& results, const runtime::RunContext& context) {
  const absl::Span<const runtime::ResultSpec> specs = graph.results();
  results.resize(specs.size());
  TensorViews result_views;
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].is_alias) {
      results[i] = AliasResult(specs[i], arguments);
    } else if (!results[i].defined()) {
      results[i] = pool == nullptr ? EmptyResult(specs[i]) : pool->Take(i);
    }
    INGOT_ASSIGN_OR_RETURN(ingot_tensor view, ToIngotTensor(results[i], i));
    result_views.push_back(view);
  }
  INGOT_RETURN_IF_ERROR(graph.Run(argument_views, result_views, context));
  // As eager would: autograd must notice that an argument was written in place.
  for (uint32_t written : graph.written_arguments()) {
    if (!arguments[written].is_inference())
      arguments[written].unsafeGetTensorImpl()->bump_version();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CallFlat(const runtime::CompiledGraph& graph, ResultPool* pool,
                      absl::Span<const at::Tensor> arguments, std::vector<at::Tensor>& results,
                      const runtime::RunContext& context) {
  const size_t slots = graph.results().size();
  if (!results.empty() && results.size() != slots) {
    return absl::InvalidArgumentError(absl::StrCat("the graph has ", slots, " result slots, but ",
                                                   results.size(), " tensors were given"));
  }
  INGOT_ASSIGN_OR_RETURN(const TensorViews views, Views(arguments));
  INGOT_RETURN_IF_ERROR(graph.CheckArguments(views));
  return CallViews(graph, pool, arguments, views, results, context);
}

absl::flat_hash_set<std::string> StateNames(const ir::Graph& graph) {
  absl::flat_hash_set<std::string> names;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role == ir::InputRole::kState) names.insert(input.name);
  }
  return names;
}

absl::StatusOr<c10::IValue> Call(const runtime::CompiledGraph& graph, ResultPool* pool,
                                 const FlatArguments& arguments,
                                 const runtime::RunContext& context) {
  INGOT_ASSIGN_OR_RETURN(const TensorViews views, Views(arguments.tensors));
  INGOT_RETURN_IF_ERROR(graph.CheckArguments(views));
  return Call(graph, pool, arguments, views, context);
}

absl::StatusOr<c10::IValue> Call(const runtime::CompiledGraph& graph, ResultPool* pool,
                                 const FlatArguments& arguments, const TensorViews& views,
                                 const runtime::RunContext& context) {
  std::vector<at::Tensor> results;
  if (arguments.scalars.empty()) {
    INGOT_RETURN_IF_ERROR(CallViews(graph, pool, arguments.tensors, views, results, context));
  } else {
    runtime::RunContext with_scalars = context;
    with_scalars.scalars = arguments.scalars;
    INGOT_RETURN_IF_ERROR(CallViews(graph, pool, arguments.tensors, views, results, with_scalars));
  }
  return Unflatten(graph.result_structure(), results);
}

}  // namespace ingot
