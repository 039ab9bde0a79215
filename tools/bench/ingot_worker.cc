// The worker for ingot itself: ingot_worker MODEL BACKEND THREADS INPUTS.npz…
//
// MODEL is a .pt or .ingot file; with the latter, LibTorch is in the process only if the backend
// brings it.
#include <memory>
#include <utility>

#include "core/base/status_macros.h"
#include "tools/bench/worker.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/exit_code.h"

namespace ingot::bench {
namespace {

class IngotWorkload : public Workload {
 public:
  static absl::StatusOr<IngotWorkload> Create(const tools::Compiled& compiled,
                                              const std::vector<tools::Arguments>& sets) {
    IngotWorkload workload(compiled, sets);
    if (compiled.graph->is_stateful()) workload.state_ = compiled.graph->NewState();
    for (const tools::Arguments& arguments : sets) {
      INGOT_ASSIGN_OR_RETURN(tools::Call call, tools::Call::Create(compiled.graph, arguments));
      workload.calls_.push_back(std::move(call));
    }
    return workload;
  }

  int sets() const override { return static_cast<int>(calls_.size()); }
  absl::Status Run(int set) override {
    runtime::RunContext context;
    context.state = state_.get();
    return calls_[static_cast<size_t>(set)].Run(context);
  }
  absl::StatusOr<tools::Arguments> Results(int set) override {
    INGOT_RETURN_IF_ERROR(Run(set));
    INGOT_ASSIGN_OR_RETURN(tools::Outcome outcome,
                           tools::OutcomeOf(calls_[static_cast<size_t>(set)]));
    return std::move(outcome.results);
  }
  absl::StatusOr<std::unique_ptr<Workload>> ForClient() override {
    INGOT_ASSIGN_OR_RETURN(IngotWorkload workload, Create(compiled_, sets_));
    return std::make_unique<IngotWorkload>(std::move(workload));
  }

 private:
  IngotWorkload(const tools::Compiled& compiled, const std::vector<tools::Arguments>& sets)
      : compiled_(compiled), sets_(sets) {}

  const tools::Compiled& compiled_;
  const std::vector<tools::Arguments>& sets_;
  std::vector<tools::Call> calls_;
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
  INGOT_ASSIGN_OR_RETURN(const std::vector<tools::Arguments> sets,
                         ReadInputSets({arguments.begin() + 3, arguments.end()}));
  INGOT_ASSIGN_OR_RETURN(const tools::Compiled compiled,
                         tools::OpenAndCompile(arguments[0], flags));
  INGOT_ASSIGN_OR_RETURN(IngotWorkload workload, IngotWorkload::Create(compiled, sets));
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
