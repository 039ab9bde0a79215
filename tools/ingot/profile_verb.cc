// ingot profile: which steps a call's time goes to.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "tools/ingot/call.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/files.h"
#include "tools/ingot/step_profile.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

constexpr int kWarmUpCalls = 3;

class ProfileVerb : public Verb {
 public:
  std::string name() const override { return "profile"; }
  std::string summary() const override { return "show which steps a call's time goes to"; }
  void Declare(OptionSet& options) override {
    options.Positional("MODEL", "a .pt, .pt2 or .ingot file", &model_);
    options.Value("runs", "calls that are traced; times are their medians (default 20)", &runs_, 1,
                  int64_t{1} << 20);
    options.Value("top", "how many of the slowest steps are shown (default 20; 0: all)", &top_, 0,
                  int64_t{1} << 20);
    options.Value("trace", "also write the last call as trace events, for Perfetto or Chrome",
                  &trace_);
    flags_.Declare(options);
  }
  absl::StatusOr<ExitCode> Run() override {
    INGOT_ASSIGN_OR_RETURN(const Compiled compiled, OpenAndCompile(model_, flags_));
    INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(compiled.graph, compiled.opened.arguments));
    runtime::RunContext context;
    INGOT_ASSIGN_OR_RETURN(context.seed, flags_.Seed());
    for (int i = 0; i < kWarmUpCalls; ++i) INGOT_RETURN_IF_ERROR(call.Run(context));
    StepProfile profile(*compiled.graph);
    const auto add = [&](const runtime::TraceEvent& event) { profile.Add(event); };
    const absl::FunctionRef<void(const runtime::TraceEvent&)> trace = add;
    context.trace = &trace;
    {
      const Progress progress(absl::StrCat("profiling ", model_));
      for (int64_t i = 0; i < runs_; ++i) {
        profile.BeginCall();
        INGOT_RETURN_IF_ERROR(call.Run(context));
      }
    }
    if (!trace_.empty()) {
      INGOT_RETURN_IF_ERROR(
          AtStage(Stage::kOutput, WriteFile(trace_, JsonText(profile.ToTrace()))));
    }
    if (flags_.json) {
      PrintJsonLine(profile.ToJson());
    } else {
      PrintText(profile.ToText(static_cast<size_t>(top_)));
    }
    return ExitCode::kOk;
  }

 private:
  std::string model_, trace_;
  int64_t runs_ = 20, top_ = 20;
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeProfileVerb() { return std::make_unique<ProfileVerb>(); }

}  // namespace ingot::tools
