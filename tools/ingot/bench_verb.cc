// ingot bench: how long loading, extraction and calls take, alone or beside LibTorch.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "tools/ingot/call.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/load_generator.h"
#include "tools/ingot/statistics.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

// Calls before anything is measured, and the calls of one block when two peers alternate.
constexpr int kWarmUpCalls = 3;
constexpr double kBlockSeconds = 0.1;

double Milliseconds(absl::Duration d) { return Rounded(absl::ToDoubleMilliseconds(d)); }

// Resident memory of this process in MB (10^6 bytes).
double ResidentMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    int64_t kilobytes = 0;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() >= 2 && words[0] == "VmRSS:" && absl::SimpleAtoi(words[1], &kilobytes)) {
      return Rounded(static_cast<double>(kilobytes) * 1024 / 1e6, 1);
    }
  }
  return 0;
}

struct Times {
  std::vector<double> own, peer;  // microseconds
};

// Blocks of calls in the order ABBA ABBA …, so that a machine that grows slower or faster treats
// both alike.
absl::StatusOr<Times> RunAlternating(absl::Duration duration, const LoadFunction& own,
                                     const LoadFunction& peer) {
  Times times;
  LoadOptions block;
  block.duration = absl::Seconds(kBlockSeconds);
  const absl::Time end = absl::Now() + 2 * duration;
  do {
    for (const bool is_own : {true, false, false, true}) {
      INGOT_ASSIGN_OR_RETURN(const std::vector<double> measured,
                             RunClosedLoop(block, is_own ? own : peer));
      std::vector<double>& all = is_own ? times.own : times.peer;
      all.insert(all.end(), measured.begin(), measured.end());
    }
  } while (absl::Now() < end);
  return times;
}

class BenchVerb : public Verb {
 public:
  std::string name() const override { return "bench"; }
  std::string summary() const override {
    return "measure loading, extraction, first call and calls";
  }
  void Declare(OptionSet& options) override {
    options.Positional("MODEL", "a .pt, .pt2 or .ingot file", &model_);
    options.Value("seconds", "how long calls are measured (default 2)", &seconds_);
    options.Value("runs", "at most this many calls (default: as many as there is time for)", &runs_,
                  0, int64_t{1} << 40);
    options.Value("clients", "callers at the same time, each with its own tensors", &clients_, 1,
                  1024);
    options.Value("rate",
                  "open loop: calls arrive at random (Poisson), this many a second, and a call's "
                  "time counts from its arrival",
                  &rate_);
    options.Choice("peer",
                   "also time LibTorch on the same inputs, in alternating blocks: eager, or frozen "
                   "(freeze and optimize_for_inference); .pt only",
                   {"eager", "frozen"}, &peer_);
    flags_.Declare(options);
  }
  absl::StatusOr<ExitCode> Run() override {
    INGOT_RETURN_IF_ERROR(CheckFlags());
    // A module in a sandbox is a process for each call, which nobody wants measured.
    INGOT_ASSIGN_OR_RETURN(
        Compiled compiled,
        OpenAndCompile(model_, flags_,
                       flags_.untrusted ? IfNoGraph::kRefuse : IfNoGraph::kFallBack));
    INGOT_RETURN_IF_ERROR(PrepareCalls(compiled));
    const absl::Time begin = absl::Now();
    INGOT_RETURN_IF_ERROR(CallOnce(0));
    const absl::Duration first = absl::Now() - begin;
    std::unique_ptr<Oracle> peer;
    if (!peer_.empty()) {
      INGOT_ASSIGN_OR_RETURN(
          peer, compiled.opened.model->CreateOracle(peer_ == "frozen" ? OracleMode::kFrozen
                                                                      : OracleMode::kEager));
    }
    INGOT_ASSIGN_OR_RETURN(const Times times, Measure(compiled, peer.get()));
    Json json = {{"model", model_},
                 {"backend", compiled.backend()},
                 {"threads", runtime::EffectiveThreads(compiled.opened.options.threads)},
                 {"load_ms", Milliseconds(compiled.opened.load_time)},
                 {"extract_ms", Milliseconds(compiled.record_time)},
                 {"compile_ms", Milliseconds(compiled.compile_time)},
                 {"first_run_us", Rounded(absl::ToDoubleMicroseconds(first))},
                 {"min_us", Rounded(Percentile(times.own, 0))},
                 {"p50_us", Rounded(Percentile(times.own, 50))},
                 {"p90_us", Rounded(Percentile(times.own, 90))},
                 {"p99_us", Rounded(Percentile(times.own, 99))},
                 {"runs", times.own.size()},
                 {"rss_mb", ResidentMegabytes()}};
    if (!times.peer.empty()) AddPeer(times, json);
    Print(json);
    return ExitCode::kOk;
  }

 private:
  absl::Status CheckFlags() const {
    const auto usage = [](absl::string_view text) {
      return AtStage(Stage::kUsage, absl::InvalidArgumentError(text));
    };
    if (rate_ && !(*rate_ > 0 && *rate_ <= 1e7)) {
      return usage("--rate must be above 0 and at most 1e7 calls a second");
    }
    if (seconds_ && !(*seconds_ > 0 && *seconds_ <= 1e5)) {
      return usage("--seconds must be above 0 and at most 1e5");
    }
    if (!peer_.empty() && (rate_ || clients_ > 1 || runs_ > 0)) {
      return usage("--peer compares single calls: leave --rate, --clients and --runs out");
    }
    if (!peer_.empty() && flags_.untrusted) {
      return usage("--peer runs the model itself: leave --untrusted out");
    }
    return absl::OkStatus();
  }

  absl::Status PrepareCalls(Compiled& compiled) {
    INGOT_ASSIGN_OR_RETURN(seed_, flags_.Seed());
    if (compiled.graph == nullptr) return PrepareWholeModel(compiled);
    for (int64_t k = 0; k < clients_; ++k) {
      INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(compiled.graph, compiled.opened.arguments));
      calls_.push_back(std::move(call));
      // Clients of a stateful model don't wait for each other.
      if (compiled.graph->is_stateful()) states_.push_back(compiled.graph->NewState());
    }
    return absl::OkStatus();
  }

  // A module for each client: none is thread-safe.
  absl::Status PrepareWholeModel(const Compiled& compiled) {
    arguments_ = &compiled.opened.arguments;
    for (int64_t k = 0; k < clients_; ++k) {
      INGOT_ASSIGN_OR_RETURN(whole_.emplace_back(),
                             compiled.opened.model->CreateOracle(OracleMode::kEager));
    }
    return absl::OkStatus();
  }

  absl::Status CallOnce(int client) {
    if (!whole_.empty()) {
      return whole_[static_cast<size_t>(client)]->RunOnly(*arguments_, seed_.value_or(0));
    }
    runtime::RunContext context;
    context.seed = seed_;
    if (!states_.empty()) context.state = states_[static_cast<size_t>(client)].get();
    return calls_[static_cast<size_t>(client)].Run(context);
  }

  absl::StatusOr<Times> Measure(const Compiled& compiled, Oracle* peer) {
    const Progress progress(absl::StrCat("measuring ", model_));
    const LoadFunction own = [this](int client) { return CallOnce(client); };
    const LoadFunction other = [&](int) {
      return peer->RunOnly(compiled.opened.arguments, seed_.value_or(0));
    };
    for (int i = 0; i < kWarmUpCalls; ++i) {
      INGOT_RETURN_IF_ERROR(own(0));
      if (peer != nullptr) INGOT_RETURN_IF_ERROR(other(0));
    }
    LoadOptions options;
    options.clients = static_cast<int>(clients_);
    options.duration = absl::Seconds(seconds_.value_or(2));
    options.max_calls = runs_;
    options.rate = rate_.value_or(0);
    options.seed = seed_.value_or(0);
    if (peer != nullptr) return RunAlternating(options.duration, own, other);
    Times times;
    INGOT_ASSIGN_OR_RETURN(times.own,
                           rate_ ? RunOpenLoop(options, own) : RunClosedLoop(options, own));
    return times;
  }

  void AddPeer(const Times& times, Json& json) const {
    const double p50 = Percentile(times.peer, 50);
    json["peer"] = peer_;
    json["peer_min_us"] = Rounded(Percentile(times.peer, 0));
    json["peer_p50_us"] = Rounded(p50);
    json["peer_runs"] = times.peer.size();
    // Above 1: ingot is faster.
    json["peer_ratio"] = Rounded(p50 / Percentile(times.own, 50));
  }

  void Print(const Json& json) const {
    if (flags_.json) return PrintJsonLine(json);
    std::string text;
    for (const auto& [key, value] : json.items()) {
      absl::StrAppendFormat(&text, "%-13s %s\n", key,
                            value.is_string() ? value.get<std::string>() : JsonText(value));
    }
    PrintText(text);
  }

  std::string model_, peer_;
  std::optional<double> seconds_, rate_;
  int64_t runs_ = 0, clients_ = 1;
  CommonFlags flags_;
  std::vector<Call> calls_;
  std::vector<std::unique_ptr<Oracle>> whole_;  // of each client, instead of calls_
  const Arguments* arguments_ = nullptr;        // for whole_
  std::vector<std::unique_ptr<runtime::State>> states_;
  std::optional<uint64_t> seed_;
};

}  // namespace

std::unique_ptr<Verb> MakeBenchVerb() { return std::make_unique<BenchVerb>(); }

}  // namespace ingot::tools
