#include "tools/ingot/verify_case.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/plugin/partitioner.h"
#include "core/runtime/stored_options.h"
#include "tools/ingot/first_difference.h"

namespace ingot::tools {
namespace {

// A session on the backend that is taken to be right: LibTorch's own, or the reference when that is
// what is being checked.
absl::StatusOr<std::shared_ptr<runtime::Session>> PeerSession(const std::string& checked,
                                                              const runtime::Options& options) {
  runtime::Options peer;
  peer.plugin_folders = options.plugin_folders;
  peer.threads = options.threads;
  absl::Status first;
  for (const char* backend : {"torchscript", "reference"}) {
    if (checked == backend) continue;
    peer.backend = backend;
    auto session = CreateSession(peer);
    if (session.ok()) return session;
    first.Update(session.status());
  }
  // Not a mistake in the options: the user named no such backend.
  return absl::FailedPreconditionError(absl::StrCat("nothing to compare with: ", OneLine(first)));
}

std::map<std::string, int64_t> CountFallbacks(const runtime::CompiledGraph& graph) {
  std::map<std::string, int64_t> counts;
  for (const plugin::Fallback& fallback : graph.fallbacks()) {
    ++counts[std::string(plugin::OpWithoutOverload(fallback.op))];
  }
  return counts;
}

class CaseVerifier {
 public:
  CaseVerifier(const std::string& path, const CommonFlags& flags, const VerifySettings& settings,
               CaseResult& result)
      : path_(path), flags_(flags), settings_(settings), result_(result) {}

  absl::Status Run(std::optional<Arguments> given) {
    INGOT_ASSIGN_OR_RETURN(opened_, Open(path_, flags_, std::move(given)));
    result_.backend = opened_.options.backend;
    INGOT_ASSIGN_OR_RETURN(session_, CreateSession(opened_.options));
    absl::StatusOr<ir::Recording> recording = Record(path_, opened_);
    if (recording.ok()) {
      recording_ = *std::move(recording);
      INGOT_ASSIGN_OR_RETURN(graph_, CompileOrCountFallbacks());
      result_.backend = runtime::BackendNames(*session_, *graph_);
      result_.fallback = CountFallbacks(*graph_);
    } else {
      INGOT_ASSIGN_OR_RETURN(whole_, WholeModelFallback(opened_, recording.status()));
      result_.backend = whole_.runner->name();
      result_.fallback = {{whole_.op, 1}};
    }
    INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Oracle> eager, EagerOracle());
    std::unique_ptr<Oracle> float64;
    if (settings_.float64) {
      INGOT_ASSIGN_OR_RETURN(float64, opened_.model->CreateOracle(OracleMode::kFloat64));
    }
    CheckOptions options;
    options.tolerances = flags_.tolerances(opened_.options);
    options.fresh = settings_.fresh;
    INGOT_ASSIGN_OR_RETURN(const std::optional<uint64_t> seed, flags_.Seed());
    options.seed = seed.value_or(0);
    if (!settings_.float64 && opened_.model->signature() == nullptr) {
      options.arbiter = [this] { return opened_.model->CreateOracle(OracleMode::kFloat64); };
    }
    const Progress progress(absl::StrCat("verifying ", path_));
    INGOT_ASSIGN_OR_RETURN(
        result_.report,
        graph_ == nullptr
            ? Check(*whole_.runner, {}, *eager, float64.get(), opened_.arguments, options)
            : Check(graph_, *eager, float64.get(), opened_.arguments, options));
    result_.message = result_.report.message;
    if (result_.report.ok && graph_ == nullptr) {
      result_.message = absl::StrCat("the whole model runs on LibTorch: ", whole_.reason);
    }
    if (!result_.report.ok) {
      result_.code = ExitCode::kMismatch;
      if (graph_ != nullptr) {
        absl::StrAppend(&result_.message, "; first differing op: ", DescribeDifference());
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> CompileOrCountFallbacks() {
    auto graph = Compile(*session_, recording_);
    if (absl::IsUnimplemented(graph.status())) {
      // The same with fallback allowed, to count what stood in the way.
      runtime::Options options = opened_.options;
      options.fallback = runtime::FallbackPolicy::kAllow;
      auto session = CreateSession(options);
      if (session.ok()) {
        auto allowed = Compile(**session, recording_);
        if (allowed.ok()) result_.fallback = CountFallbacks(**allowed);
      }
    }
    return graph;
  }

  absl::StatusOr<std::unique_ptr<Oracle>> EagerOracle() {
    if (opened_.model->signature() == nullptr) {
      auto oracle = opened_.model->CreateOracle(OracleMode::kEager);
      if (!absl::IsUnimplemented(oracle.status())) return oracle;
    }
    INGOT_ASSIGN_OR_RETURN(const auto peer, PeerSession(result_.backend, opened_.options));
    INGOT_ASSIGN_OR_RETURN(const auto graph, Compile(*peer, recording_));
    return std::make_unique<GraphOracle>(runtime::BackendNames(*peer, *graph), graph);
  }

  std::string DescribeDifference() {
    auto peer = PeerSession(result_.backend, opened_.options);
    if (!peer.ok()) return absl::StrCat("not found: ", OneLine(peer.status()));
    auto where = FirstDifference(recording_, *session_, **peer, result_.report.failing,
                                 result_.report.failing_seed, flags_.tolerances(opened_.options));
    return where.ok() ? *where : absl::StrCat("not found: ", OneLine(where.status()));
  }

  const std::string& path_;
  const CommonFlags& flags_;
  const VerifySettings& settings_;
  CaseResult& result_;
  Opened opened_;
  std::shared_ptr<runtime::Session> session_;
  ir::Recording recording_;
  std::shared_ptr<const runtime::CompiledGraph> graph_;  // nullptr: `whole_` runs it
  WholeModel whole_;
};

}  // namespace

CaseResult VerifyCase(const std::string& path, std::optional<Arguments> arguments,
                      const CommonFlags& flags, const VerifySettings& settings) {
  CaseResult result;
  result.model = path;
  result.backend = flags.backend.value_or("auto");
  const absl::Status status = CaseVerifier(path, flags, settings, result).Run(std::move(arguments));
  if (!status.ok()) {
    result.code = ExitCodeOf(status);
    result.message = OneLine(status);
  }
  return result;
}

Json ToJson(const CaseResult& result) {
  Json fallback = Json::object();
  for (const auto& [op, count] : result.fallback) fallback[op] = count;
  return {{"model", result.model},
          {"backend", result.backend},
          {"status", VerifyStatusName(result.code)},
          {"message", result.message},
          {"max_abs_err", result.report.max_abs_err},
          {"max_rel_err", result.report.max_rel_err},
          {"fallback", fallback},
          {"arbitrated", result.report.arbitrated},
          {"draws", result.report.draws},
          {"left_out", result.report.left_out}};
}

std::string ToText(const CaseResult& result) {
  std::string text = absl::StrFormat("%-11s %s on %s", VerifyStatusName(result.code), result.model,
                                     result.backend);
  if (result.report.draws > 0) {
    absl::StrAppendFormat(&text, ": max abs error %.3g, max rel error %.3g, %d calls",
                          result.report.max_abs_err, result.report.max_rel_err,
                          result.report.draws);
  }
  if (result.report.left_out > 0) {
    absl::StrAppendFormat(&text, " (%d more left out: eager refuses them)", result.report.left_out);
  }
  for (const auto& [op, count] : result.fallback) {
    absl::StrAppendFormat(&text, ", fallback %s=%d", op, count);
  }
  if (!result.message.empty()) absl::StrAppend(&text, ": ", result.message);
  return text;
}

}  // namespace ingot::tools
