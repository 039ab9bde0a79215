#include "frontends/torch/ingot.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"
#include "frontends/torch/call.h"
#include "frontends/torch/result_pool.h"
#include "frontends/torch/tensor_adapter.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/module_guard.h"
#include "frontends/torchscript/record.h"

namespace ingot {

using torchscript::Guard;
using torchscript::ModuleGuard;

CompiledGraph::CompiledGraph(std::shared_ptr<const runtime::CompiledGraph> graph, Origin origin)
    : graph_(std::move(graph)),
      pool_(std::make_shared<ResultPool>(graph_->results())),
      origin_(std::move(origin)) {}

absl::Status CompiledGraph::CheckOrigin() const {
  return origin_.guard == nullptr ? absl::OkStatus() : origin_.guard->Check();
}

absl::Status CompiledGraph::RunFlat(absl::Span<const at::Tensor> arguments,
                                    std::vector<at::Tensor>& results,
                                    const RunContext& context) const {
  return Guard("running the compiled graph", [&]() -> absl::Status {
    INGOT_RETURN_IF_ERROR(CheckOrigin());
    return CallFlat(*graph_, pool_.get(), arguments, results, context);
  });
}

absl::StatusOr<c10::IValue> CompiledGraph::Run(const std::vector<c10::IValue>& arguments,
                                               const RunContext& context) const {
  return Guard("running the compiled graph", [&]() -> absl::StatusOr<c10::IValue> {
    INGOT_RETURN_IF_ERROR(CheckOrigin());
    INGOT_ASSIGN_OR_RETURN(const FlatArguments flat,
                           Flatten(graph_->signature().arguments_structure, arguments));
    return Call(*graph_, pool_.get(), flat, context);
  });
}

absl::StatusOr<c10::IValue> CompiledGraph::Run(const std::vector<c10::IValue>& arguments,
                                               const KeywordArguments& keywords,
                                               const RunContext& context) const {
  if (origin_.schema == nullptr && !keywords.empty()) {
    return absl::InvalidArgumentError(
        "the graph is of a function, which has no keyword arguments: pass all by position");
  }
  if (origin_.schema == nullptr) return Run(arguments, context);
  INGOT_ASSIGN_OR_RETURN(const std::vector<c10::IValue> positional,
                         ToPositional(*origin_.schema, arguments, keywords));
  return Run(positional, context);
}

absl::StatusOr<Session> Session::Create(const Options& options, runtime::Sinks sinks) {
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Session> session,
                         runtime::Session::Create(options, std::move(sinks)));
  return Session(std::move(session));
}

namespace {

absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> Compile(
    runtime::Session& session, absl::StatusOr<ir::Recording> recording, absl::Time start) {
  INGOT_RETURN_IF_ERROR(recording.status());
  session.metrics().Record("ExtractTime", absl::Now() - start);
  return session.Compile(*std::move(recording));
}

// With number arguments as data where they are nothing else.
absl::StatusOr<ir::Recording> Record(const torch::jit::Module& module,
                                     const std::vector<c10::IValue>& arguments) {
  const torchscript::DataNumbers numbers = torchscript::DataNumbers::Of(module);
  torchscript::RecordOptions options;
  options.numbers = &numbers;
  absl::StatusOr<ir::Recording> recording = torchscript::Record(module, arguments, options);
  if (!recording.status().GetPayload(torchscript::kNumbersAreNoData)) return recording;
  return torchscript::Record(module, arguments);
}

}  // namespace

absl::StatusOr<CompiledGraph> Session::Extract(const torch::jit::Module& module,
                                               const std::vector<c10::IValue>& example_arguments,
                                               const KeywordArguments& keywords) const {
  return Guard("extracting", [&]() -> absl::StatusOr<CompiledGraph> {
    const absl::Time start = absl::Now();
    const auto method = module.find_method("forward");
    if (!method) return absl::FailedPreconditionError("the module has no method forward");
    CompiledGraph::Origin origin;
    origin.schema = std::make_shared<const c10::FunctionSchema>(method->function().getSchema());
    INGOT_ASSIGN_OR_RETURN(const std::vector<c10::IValue> positional,
                           ToPositional(*origin.schema, example_arguments, keywords));
    INGOT_ASSIGN_OR_RETURN(auto graph, Compile(*session_, Record(module, positional), start));
    origin.guard =
        std::make_shared<const ModuleGuard>(ModuleGuard::Of(module, StateNames(graph->graph())));
    return CompiledGraph(std::move(graph), std::move(origin));
  });
}

absl::StatusOr<CompiledGraph> Session::Extract(const Function& function,
                                               const std::vector<c10::IValue>& example_arguments,
                                               const std::string& name) const {
  return Guard("extracting", [&]() -> absl::StatusOr<CompiledGraph> {
    const absl::Time start = absl::Now();
    std::vector<at::Tensor> captured;
    INGOT_ASSIGN_OR_RETURN(
        auto graph,
        Compile(*session_, torchscript::Record(function, example_arguments, {name, &captured}),
                start));
    CompiledGraph::Origin origin;
    origin.guard = std::make_shared<const ModuleGuard>(ModuleGuard::Of(std::move(captured)));
    return CompiledGraph(std::move(graph), std::move(origin));
  });
}

}  // namespace ingot
