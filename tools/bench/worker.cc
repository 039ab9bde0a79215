#include "tools/bench/worker.h"

#include <chrono>
#include <iostream>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/load_generator.h"
#include "tools/ingot/npz.h"
#include "tools/ingot/statistics.h"

namespace ingot::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Blocks of one answer: a peer's memory is not that of its measurements.
constexpr size_t kMostBlocks = 10'000;

using tools::Json;

double Microseconds(Clock::duration d) {
  return std::chrono::duration<double, std::micro>(d).count();
}

// The input sets take turns, over all blocks of the process.
class Rotation {
 public:
  explicit Rotation(int sets) : sets_(sets) {}
  int Next() {
    const int set = next_;
    next_ = next_ + 1 == sets_ ? 0 : next_ + 1;
    return set;
  }

 private:
  int sets_, next_ = 0;
};

absl::StatusOr<Json> Time(double seconds, int64_t calls, Workload& workload, Rotation& rotation) {
  // Untimed: after a stop, another process's data is in the caches.
  INGOT_RETURN_IF_ERROR(workload.Run(rotation.Next()));
  std::vector<double> times;
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double>(seconds));
  Clock::time_point begin = Clock::now();
  do {
    for (int64_t i = 0; i < calls; ++i) INGOT_RETURN_IF_ERROR(workload.Run(rotation.Next()));
    const Clock::time_point now = Clock::now();
    times.push_back(Microseconds(now - begin) / static_cast<double>(calls));
    begin = now;
  } while (begin < end && times.size() < kMostBlocks);
  return Json{{"us", times}};
}

// A part of the load's time is spent before it is measured: threads are made, memory is touched.
constexpr double kWarmUpShare = 0.1;

absl::StatusOr<Json> Load(int clients, double seconds, Workload& workload) {
  std::vector<std::unique_ptr<Workload>> callers;
  std::vector<Rotation> rotations;
  for (int i = 0; i < clients; ++i) {
    INGOT_ASSIGN_OR_RETURN(std::unique_ptr<Workload> caller, workload.ForClient());
    rotations.emplace_back(caller->sets());
    callers.push_back(std::move(caller));
  }
  const tools::LoadFunction call = [&](int client) {
    const auto i = static_cast<size_t>(client);
    return callers[i]->Run(rotations[i].Next());
  };
  tools::LoadOptions options;
  options.clients = clients;
  options.duration = absl::Seconds(seconds * kWarmUpShare);
  INGOT_RETURN_IF_ERROR(tools::RunClosedLoop(options, call).status());
  options.duration = absl::Seconds(seconds);
  const Clock::time_point begin = Clock::now();
  INGOT_ASSIGN_OR_RETURN(const std::vector<double> times, tools::RunClosedLoop(options, call));
  const double passed = Microseconds(Clock::now() - begin) / 1e6;
  return Json{{"calls", times.size()},
              {"seconds", passed},
              {"min", tools::Percentile(times, 0)},
              {"p50", tools::Percentile(times, 50)},
              {"p99", tools::Percentile(times, 99)}};
}

absl::StatusOr<Json> WriteOutputs(const std::string& folder, Workload& workload) {
  for (int set = 0; set < workload.sets(); ++set) {
    INGOT_ASSIGN_OR_RETURN(const tools::Arguments results, workload.Results(set));
    std::vector<std::pair<std::string, ingot_tensor>> arrays;
    for (size_t i = 0; i < results.size(); ++i) {
      arrays.emplace_back(absl::StrCat("out", i), results[i].view());
    }
    INGOT_RETURN_IF_ERROR(tools::WriteNpz(absl::StrCat(folder, "/", set, ".npz"), arrays));
  }
  return Json{{"sets", workload.sets()}};
}

absl::StatusOr<Json> Answer(const std::string& line, Workload& workload, Rotation& rotation) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() == 2 && words[0] == "outputs") return WriteOutputs(words[1], workload);
  double seconds = 0;
  int64_t calls = 0;
  int clients = 0;
  if (words.size() == 3 && words[0] == "clients" && absl::SimpleAtoi(words[1], &clients) &&
      clients >= 1 && absl::SimpleAtod(words[2], &seconds)) {
    return Load(clients, seconds, workload);
  }
  if (words.size() != 3 || words[0] != "run" || !absl::SimpleAtod(words[1], &seconds) ||
      !absl::SimpleAtoi(words[2], &calls) || calls < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected \"run SECONDS CALLS\", \"clients N SECONDS\" or \"outputs FOLDER\", not \"", line,
        "\""));
  }
  return Time(seconds, calls, workload, rotation);
}

}  // namespace

absl::StatusOr<double> TimeOneCall(Workload& workload) {
  const Clock::time_point begin = Clock::now();
  INGOT_RETURN_IF_ERROR(workload.Run(0));
  return Microseconds(Clock::now() - begin) / 1000;
}

int Serve(const Json& description, Workload& workload) {
  tools::PrintJsonLine(description);
  Rotation rotation(workload.sets());
  for (std::string line; std::getline(std::cin, line);) {
    const absl::StatusOr<Json> answer = Answer(line, workload, rotation);
    tools::PrintJsonLine(answer.ok() ? *answer : Json{{"error", tools::OneLine(answer.status())}});
  }
  return 0;
}

int Refuse(const absl::Status& status) {
  tools::PrintJsonLine({{"error", tools::OneLine(status)}});
  return static_cast<int>(tools::ExitCodeOf(status));
}

absl::StatusOr<std::vector<tools::Arguments>> ReadInputSets(const std::vector<std::string>& paths) {
  std::vector<tools::Arguments> sets;
  for (const std::string& path : paths) {
    INGOT_ASSIGN_OR_RETURN(tools::Arguments arguments, tools::ReadArguments(path));
    sets.push_back(std::move(arguments));
  }
  if (sets.empty()) return absl::InvalidArgumentError("no input sets given");
  return sets;
}

}  // namespace ingot::bench
