#include "tools/ingot/compile.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/runtime/stored_options.h"
#include "tools/ingot/console.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/sandboxed_model.h"

namespace ingot::tools {

absl::StatusOr<Opened> Open(const std::string& path, const CommonFlags& flags,
                            std::optional<Arguments> given) {
  Opened opened;
  // Mistakes in options and inputs are told before a big file is read.
  INGOT_ASSIGN_OR_RETURN(opened.options, flags.Resolve());
  if (!given) {
    INGOT_ASSIGN_OR_RETURN(given, flags.GivenArguments());
  }
  INGOT_ASSIGN_OR_RETURN(const std::optional<uint64_t> seed, flags.Seed());
  const Progress progress(absl::StrCat("loading ", path));
  const absl::Time begin = absl::Now();
  // An .ingot file is a graph with weights: reading it is what happens to a sandbox's answer too.
  const bool in_sandbox = flags.untrusted && !absl::EndsWith(path, ".ingot");
  INGOT_ASSIGN_OR_RETURN(opened.model, in_sandbox
                                           ? OpenSandboxedModel(path, opened.options, flags.sandbox)
                                           : OpenModel(path, opened.options));
  opened.load_time = absl::Now() - begin;
  INGOT_ASSIGN_OR_RETURN(opened.options, flags.Resolve(opened.model->stored_options()));
  if (given) {
    opened.arguments = *std::move(given);
  } else {
    INGOT_ASSIGN_OR_RETURN(opened.arguments, DefaultArguments(*opened.model, seed.value_or(0)));
  }
  return opened;
}

absl::StatusOr<std::shared_ptr<runtime::Session>> CreateSession(const runtime::Options& options) {
  auto session = runtime::Session::Create(options);
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kBackend, session.status()));
  return session;
}

absl::StatusOr<ir::Recording> Record(const std::string& path, Opened& opened) {
  const Progress progress(absl::StrCat("recording ", path));
  absl::StatusOr<ir::Recording> recording = opened.model->Record(opened.arguments);
  if (!recording.ok()) {
    const bool hint = opened.arguments.empty() && opened.model->signature() == nullptr;
    return AtStage(
        Stage::kModel,
        Annotate(recording.status(),
                 absl::StrCat(path, hint ? " (no arguments given: see --inputs, --input)" : "")));
  }
  return recording;
}

absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> Compile(runtime::Session& session,
                                                                      ir::Recording recording) {
  const Progress progress("compiling");
  auto graph = session.Compile(std::move(recording));
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kCompile, graph.status()));
  return graph;
}

absl::StatusOr<Compiled> OpenAndCompile(const std::string& path, const CommonFlags& flags,
                                        IfNoGraph if_no_graph) {
  Compiled compiled;
  INGOT_ASSIGN_OR_RETURN(compiled.opened, Open(path, flags));
  INGOT_ASSIGN_OR_RETURN(compiled.session, CreateSession(compiled.opened.options));
  const absl::Time begin = absl::Now();
  absl::StatusOr<ir::Recording> recording = Record(path, compiled.opened);
  const absl::Time recorded = absl::Now();
  compiled.record_time = recorded - begin;
  if (!recording.ok()) {
    if (if_no_graph == IfNoGraph::kRefuse) return recording.status();
    INGOT_ASSIGN_OR_RETURN(compiled.whole, WholeModelFallback(compiled.opened, recording.status()));
    return compiled;
  }
  INGOT_ASSIGN_OR_RETURN(compiled.graph, Compile(*compiled.session, *std::move(recording)));
  compiled.compile_time = absl::Now() - recorded;
  return compiled;
}

std::string Compiled::backend() const {
  return graph == nullptr ? whole.runner->name() : runtime::BackendNames(*session, *graph);
}

absl::StatusOr<WholeModel> WholeModelFallback(const Opened& opened, const absl::Status& refusal) {
  const bool is_no_graph = absl::IsFailedPrecondition(refusal) || absl::IsUnimplemented(refusal);
  if (!is_no_graph || ExitCodeOf(refusal) != ExitCode::kRefused ||
      opened.options.fallback == runtime::FallbackPolicy::kForbid ||
      opened.model->signature() != nullptr) {
    return refusal;
  }
  WholeModel whole;
  whole.reason = OneLine(refusal);
  INGOT_ASSIGN_OR_RETURN(whole.runner, opened.model->CreateOracle(OracleMode::kEager));
  // Frontends begin with the op: "data-dependent: aten::item reads …".
  constexpr absl::string_view kDataDependent = "data-dependent: ";
  const std::vector<std::string> parts =
      absl::StrSplit(whole.reason, absl::MaxSplits(absl::ByString(kDataDependent), 1));
  whole.op = parts.size() < 2 ? "whole model" : parts[1].substr(0, parts[1].find(' '));
  PrintNote(absl::StrCat("fallback: the whole model runs on LibTorch: ", whole.reason));
  return whole;
}

}  // namespace ingot::tools
