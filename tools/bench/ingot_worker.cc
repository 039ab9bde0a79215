// The worker for ingot itself: ingot_worker MODEL BACKEND THREADS INPUTS.npz…
//
// MODEL is a .pt or .ingot file; with the latter, LibTorch is in the process only if the backend
// brings it.
#include <memory>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/runtime/compiled_graph.h"
#include "tools/bench/worker.h"
#include "tools/ingot/call.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/exit_code.h"

namespace ingot::bench {
namespace {

using Graph = std::shared_ptr<const runtime::CompiledGraph>;

// Holds each input set once and one set of results, as a service would and the peers do.
class IngotWorkload : public Workload {
 public:
  // Takes the sets' memory as it goes.
  static absl::StatusOr<IngotWorkload> Create(Graph graph, std::vector<tools::Arguments> sets) {
    IngotWorkload workload(std::move(graph));
    for (tools::Arguments& set : sets) {
      INGOT_ASSIGN_OR_RETURN(tools::Arguments arguments,
                             tools::CopyArguments(*workload.graph_, set));
      set.clear();
      workload.argument_views_.push_back(tools::Views(arguments));
      workload.sets_.push_back(std::move(arguments));
    }
    INGOT_ASSIGN_OR_RETURN(workload.results_, tools::NewResults(*workload.graph_));
    workload.result_views_ = tools::Views(workload.results_);
    if (workload.graph_->is_stateful()) workload.state_ = workload.graph_->NewState();
    return workload;
  }

  int sets() const override { return static_cast<int>(sets_.size()); }
  absl::Status Run(int set) override {
    return tools::AtStage(tools::Stage::kRun, graph_->Run(argument_views_[static_cast<size_t>(set)],
                                                          result_views_, Context()));
  }
  absl::StatusOr<tools::Arguments> Results(int set) override {
    INGOT_ASSIGN_OR_RETURN(tools::Call call,
                           tools::Call::Create(graph_, sets_[static_cast<size_t>(set)]));
    INGOT_RETURN_IF_ERROR(call.Run(Context()));
    INGOT_ASSIGN_OR_RETURN(tools::Outcome outcome, tools::OutcomeOf(call));
    return std::move(outcome.results);
  }
  absl::StatusOr<std::unique_ptr<Workload>> ForClient() override {
    std::vector<tools::Arguments> sets;
    for (const tools::Arguments& set : sets_) {
      INGOT_ASSIGN_OR_RETURN(tools::Arguments copy, tools::CopyTensors(set));
      sets.push_back(std::move(copy));
    }
    INGOT_ASSIGN_OR_RETURN(IngotWorkload workload, Create(graph_, std::move(sets)));
    return std::make_unique<IngotWorkload>(std::move(workload));
  }

 private:
  explicit IngotWorkload(Graph graph) : graph_(std::move(graph)) {}

  runtime::RunContext Context() const {
    runtime::RunContext context;
    context.state = state_.get();
    return context;
  }

  Graph graph_;
  std::vector<tools::Arguments> sets_;
  std::vector<std::vector<ingot_tensor>> argument_views_;  // by set
  tools::Arguments results_;
  std::vector<ingot_tensor> result_views_;
  std::unique_ptr<runtime::State> state_;
};

double Milliseconds(absl::Duration d) { return tools::Rounded(absl::ToDoubleMilliseconds(d)); }

absl::StatusOr<int> Main(const std::vector<std::string>& arguments) {
  if (arguments.size() < 4) {
    return tools::AtStage(
        tools::Stage::kUsage,
        absl::InvalidArgumentError("usage: ingot_worker MODEL BACKEND THREADS INPUTS.npz…"));
  }
  tools::CommonFlags flags;
  flags.backend = arguments[1];
  flags.threads = arguments[2];
  flags.inputs = arguments[3];
  INGOT_ASSIGN_OR_RETURN(std::vector<tools::Arguments> sets,
                         ReadInputSets({arguments.begin() + 3, arguments.end()}));
  INGOT_ASSIGN_OR_RETURN(tools::Compiled compiled, tools::OpenAndCompile(arguments[0], flags));
  compiled.opened.arguments.clear();  // the first set, again
  INGOT_ASSIGN_OR_RETURN(IngotWorkload workload,
                         IngotWorkload::Create(compiled.graph, std::move(sets)));
  INGOT_ASSIGN_OR_RETURN(const double first_run, TimeOneCall(workload));
  return Serve({{"ready", true},
                {"load_ms", Milliseconds(compiled.opened.load_time)},
                {"extract_ms", Milliseconds(compiled.record_time)},
                {"compile_ms", Milliseconds(compiled.compile_time)},
                {"first_run_ms", tools::Rounded(first_run, 6)}},
               workload);
}

}  // namespace
}  // namespace ingot::bench

int main(int argc, char** argv) {
  const absl::StatusOr<int> code = ingot::bench::Main({argv + 1, argv + argc});
  return code.ok() ? *code : ingot::bench::Refuse(code.status());
}
