#include "frontends/torch/ingot.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"
#include "frontends/torch/tensor_adapter.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/record.h"

namespace ingot {
namespace {

using TensorViews = absl::InlinedVector<ingot_tensor, 8>;

absl::StatusOr<TensorViews> Views(absl::Span<const at::Tensor> tensors) {
  TensorViews views;
  for (size_t i = 0; i < tensors.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(ingot_tensor view, ToIngotTensor(tensors[i], i));
    views.push_back(view);
  }
  return views;
}

absl::Status RunOn(const runtime::CompiledGraph& graph, absl::Span<const at::Tensor> arguments,
                   std::vector<at::Tensor>& results, const RunContext& context) {
  const absl::Span<const runtime::ResultSpec> specs = graph.results();
  if (!results.empty() && results.size() != specs.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the graph has ", specs.size(),
                                                   " result slots, but ", results.size(),
                                                   " tensors were given"));
  }
  INGOT_ASSIGN_OR_RETURN(TensorViews argument_views, Views(arguments));
  INGOT_RETURN_IF_ERROR(graph.CheckArguments(argument_views));
  results.resize(specs.size());
  TensorViews result_views;
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].is_alias) {
      results[i] = AliasResult(specs[i], arguments);
    } else if (!results[i].defined()) {
      results[i] = EmptyResult(specs[i]);
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

CompiledGraph::CompiledGraph(std::shared_ptr<const runtime::CompiledGraph> graph)
    : graph_(std::move(graph)) {}

absl::Status CompiledGraph::RunFlat(absl::Span<const at::Tensor> arguments,
                                    std::vector<at::Tensor>& results,
                                    const RunContext& context) const {
  return torchscript::Guard("running the compiled graph",
                            [&] { return RunOn(*graph_, arguments, results, context); });
}

absl::StatusOr<c10::IValue> CompiledGraph::Run(const std::vector<c10::IValue>& arguments,
                                               const RunContext& context) const {
  return torchscript::Guard("running the compiled graph", [&]() -> absl::StatusOr<c10::IValue> {
    INGOT_ASSIGN_OR_RETURN(FlatArguments flat,
                           Flatten(graph_->signature().arguments_structure, arguments));
    RunContext with_scalars = context;
    if (!flat.scalars.empty()) with_scalars.scalars = flat.scalars;
    std::vector<at::Tensor> results;
    INGOT_RETURN_IF_ERROR(RunOn(*graph_, flat.tensors, results, with_scalars));
    return Unflatten(graph_->result_structure(), results);
  });
}

absl::StatusOr<Session> Session::Create(const Options& options) {
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Session> session,
                         runtime::Session::Create(options));
  return Session(std::move(session));
}

namespace {

absl::StatusOr<CompiledGraph> Compile(runtime::Session& session,
                                      absl::StatusOr<ir::Recording> recording, absl::Time start) {
  INGOT_RETURN_IF_ERROR(recording.status());
  session.metrics().Record("ExtractTime", absl::Now() - start);
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const runtime::CompiledGraph> graph,
                         session.Compile(*std::move(recording)));
  return CompiledGraph(std::move(graph));
}

}  // namespace

absl::StatusOr<CompiledGraph> Session::Extract(
    const torch::jit::Module& module, const std::vector<c10::IValue>& example_arguments) const {
  const absl::Time start = absl::Now();
  return Compile(*session_, torchscript::Record(module, example_arguments), start);
}

absl::StatusOr<CompiledGraph> Session::Extract(const Function& function,
                                               const std::vector<c10::IValue>& example_arguments,
                                               const std::string& name) const {
  const absl::Time start = absl::Now();
  return Compile(*session_, torchscript::Record(function, example_arguments, {name}), start);
}

}  // namespace ingot
