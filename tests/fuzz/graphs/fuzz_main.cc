// Runs random graphs on a backend against LibTorch eager: see README.md.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/ir/text.h"
#include "core/ops/registry.h"
#include "tests/fuzz/graphs/check.h"
#include "tests/fuzz/graphs/generator.h"
#include "tests/fuzz/graphs/pool.h"
#include "tests/fuzz/graphs/shrink.h"

ABSL_FLAG(std::string, backend, "reference", "the backend to test, or a priority list");
ABSL_FLAG(std::string, seeds, "0..300", "first..last, the last left out");
ABSL_FLAG(int, jobs, 1, "processes");
ABSL_FLAG(std::string, replay, "", "runs the case in this file instead");
ABSL_FLAG(std::string, progress, "", "file that remembers how far the run came, to go on there");
ABSL_FLAG(int, timeout, 60, "seconds for one case");
ABSL_FLAG(int, max_shrinks, 10, "failures that are made small and printed");
ABSL_FLAG(bool, coverage, false, "prints how often each op came");
ABSL_FLAG(std::string, print, "", "prints the case of this seed and runs nothing");

namespace ingot::fuzz {
namespace {

using Counts = std::map<std::string, int64_t>;

std::string Join(const Counts& counts) {
  return absl::StrJoin(counts, ",", absl::PairFormatter("="));
}

void Add(absl::string_view text, Counts& counts) {
  for (absl::string_view entry : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(entry, absl::MaxSplits('=', 1));
    int64_t count = 0;
    if (absl::SimpleAtoi(parts.second, &count)) counts[parts.first] += count;
  }
}

std::unique_ptr<Checker> NewChecker() {
  auto checker = Checker::Create({.backend = absl::GetFlag(FLAGS_backend)});
  if (checker.ok()) return *std::move(checker);
  std::fprintf(stderr, "%s\n", checker.status().ToString().c_str());
  std::_Exit(5);
}

// Programs lose the steps that eager refuses.
Verdict CheckSeed(Checker& checker, uint64_t seed) {
  const absl::StatusOr<Case> c = WithoutRefused(Generate(seed));
  if (c.ok()) return checker.Check(*c);
  return {.kind = Verdict::Kind::kError, .message = std::string(c.status().message())};
}

struct Summary {
  Counts kinds, nodes, fallbacks, ops, refusals;
  int64_t elements = 0, loose = 0;
  std::vector<std::pair<uint64_t, std::string>> failures;  // seed, why
};

// kind \t elements \t loose \t nodes \t fallbacks \t message
std::string ToLine(const Verdict& verdict) {
  return absl::StrJoin(
      {std::string(Name(verdict.kind)), absl::StrCat(verdict.elements), absl::StrCat(verdict.loose),
       Join(verdict.nodes), Join(verdict.fallbacks), verdict.message},
      "\t");
}

void AddResult(const Pool::Result& result, Summary& summary) {
  if (!result.death.empty()) {
    ++summary.kinds["crash"];
    summary.failures.emplace_back(result.seed, result.death);
    return;
  }
  const std::vector<std::string> fields = absl::StrSplit(result.line, absl::MaxSplits('\t', 5));
  int64_t elements = 0, loose = 0;
  if (fields.size() != 6 || !absl::SimpleAtoi(fields[1], &elements) ||
      !absl::SimpleAtoi(fields[2], &loose)) {
    return;
  }
  ++summary.kinds[fields[0]];
  summary.elements += elements;
  summary.loose += loose;
  Add(fields[3], summary.nodes);
  Add(fields[4], summary.fallbacks);
  if (fields[0] == "refused") ++summary.refusals[fields[5].substr(0, 100)];
  if (fields[0] == "mismatch" || fields[0] == "error") {
    summary.failures.emplace_back(result.seed, absl::StrCat(fields[0], ": ", fields[5]));
  }
  CountOps(Generate(result.seed), summary.ops);
}

// The failing case, smaller. A case that kills its process is tried in a process of its own each
// time.
Case ShrinkFailure(uint64_t seed, bool dies) {
  std::string text;
  if (!dies) {
    const bool lives = InChild(
        [seed] {
          const std::unique_ptr<Checker> checker = NewChecker();
          const Case c = WithoutRefused(Generate(seed)).value();
          const Verdict::Kind kind = checker->Check(c).kind;
          return Print(Shrink(
              c, [&](const Case& candidate) { return checker->Check(candidate).kind == kind; }));
        },
        600, text);
    if (lives) {
      const absl::StatusOr<Case> small = Parse(text);
      if (small.ok()) return *small;
    }
  }
  InChild([seed] { return Print(WithoutRefused(Generate(seed)).value()); }, 60, text);
  const Case c = Parse(text).value_or(Generate(seed));
  const auto fails = [](const Case& candidate) {
    std::string ignored;
    return !InChild(
        [&] {
          NewChecker()->Check(candidate);
          return std::string();
        },
        absl::GetFlag(FLAGS_timeout), ignored);
  };
  return Shrink(c, fails, 300);
}

void Report(uint64_t seed, const std::string& why) {
  const bool dies = !absl::StrContains(why, "mismatch: ") && !absl::StrContains(why, "error: ");
  const Case small = ShrinkFailure(seed, dies);
  const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  const char* temporary = std::getenv("TMPDIR");
  const std::string path =
      absl::StrCat(folder      ? folder
                   : temporary ? temporary
                               : "/tmp",
                   "/fuzz-", absl::StrJoin(absl::StrSplit(absl::GetFlag(FLAGS_backend), ','), "+"),
                   "-", seed, ".case");
  std::ofstream(path) << "# " << why << "\n" << Print(small);
  std::printf("FAILED seed %llu: %s\n%s", static_cast<unsigned long long>(seed), why.c_str(),
              Print(small).c_str());
  std::printf("replay: bazel run //tests/fuzz/graphs:fuzz -- --backend=%s --replay=%s\n\n",
              absl::GetFlag(FLAGS_backend).c_str(), path.c_str());
}

void PrintCoverage(const Summary& summary) {
  for (const auto& [op, count] : summary.ops) {
    std::printf("%8lld %s\n", static_cast<long long>(count), op.c_str());
  }
}

std::vector<std::string> NeverGenerated(const Counts& ops) {
  std::vector<std::string> missing;
  for (const ops::OpDef* def : ops::AllOps()) {
    if (ops.count(def->schema.op) == 0) missing.push_back(def->schema.op);
  }
  return missing;
}

void PrintSummary(const Summary& summary, uint64_t first, uint64_t last) {
  std::printf("refused by eager: %s\n", Join(summary.refusals).c_str());
  std::printf("nodes: %s\nfallbacks: %s\n", Join(summary.nodes).c_str(),
              Join(summary.fallbacks).c_str());
  const std::vector<std::string> missing = NeverGenerated(summary.ops);
  std::printf("ops: %zu; of the registry never generated: %s\n", summary.ops.size(),
              absl::StrJoin(missing, " ").c_str());
  std::printf("%s: seeds %llu..%llu: %s; %lld elements compared, %lld loosely\n",
              absl::GetFlag(FLAGS_backend).c_str(), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(last), Join(summary.kinds).c_str(),
              static_cast<long long>(summary.elements), static_cast<long long>(summary.loose));
}

// Where to go on, then a line for each failure so far.
uint64_t ReadProgress(const std::string& path, uint64_t first, Summary& summary) {
  std::ifstream file(path);
  std::string line;
  uint64_t next = first, seed = 0;
  if (std::getline(file, line) && absl::SimpleAtoi(line, &next)) next = std::max(next, first);
  while (std::getline(file, line)) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (absl::SimpleAtoi(parts.first, &seed)) summary.failures.emplace_back(seed, parts.second);
  }
  return next;
}

void WriteProgress(const std::string& path, uint64_t next, const Summary& summary) {
  std::ofstream file(path);
  file << next << "\n";
  for (const auto& [seed, why] : summary.failures) file << seed << " " << why << "\n";
}

int RunSeeds(uint64_t first, uint64_t last) {
  const std::string progress = absl::GetFlag(FLAGS_progress);
  Summary summary;
  if (!progress.empty()) first = ReadProgress(progress, first, summary);
  int64_t done = 0;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto start = []() -> Pool::Work {
    std::shared_ptr<Checker> checker = NewChecker();
    return [checker](uint64_t seed) { return ToLine(CheckSeed(*checker, seed)); };
  };
  Pool({first, last, absl::GetFlag(FLAGS_jobs), absl::GetFlag(FLAGS_timeout)})
      .Run(start, [&](const Pool::Result& result) {
        AddResult(result, summary);
        ++done;
        if (terminal && done % 20 == 0) {
          std::fprintf(stderr, "\r%lld of %llu, %zu failed ", static_cast<long long>(done),
                       static_cast<unsigned long long>(last - first), summary.failures.size());
        }
        if (!progress.empty() && done % 200 == 0) WriteProgress(progress, result.next, summary);
      });
  if (terminal) std::fprintf(stderr, "\n");
  if (!progress.empty()) WriteProgress(progress, last, summary);
  const size_t shown = std::min<size_t>(summary.failures.size(),
                                        static_cast<size_t>(absl::GetFlag(FLAGS_max_shrinks)));
  for (size_t i = shown; i < summary.failures.size(); ++i) {
    std::printf("FAILED seed %llu: %s\n",
                static_cast<unsigned long long>(summary.failures[i].first),
                summary.failures[i].second.c_str());
  }
  for (size_t i = 0; i < shown; ++i) Report(summary.failures[i].first, summary.failures[i].second);
  if (absl::GetFlag(FLAGS_coverage)) PrintCoverage(summary);
  PrintSummary(summary, first, last);
  return summary.failures.empty() ? 0 : 1;
}

int Replay(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const absl::StatusOr<Case> c = Parse(text.str());
  if (!file || !c.ok()) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(),
                 file ? c.status().ToString().c_str() : "cannot be read");
    return 2;
  }
  std::string compiled;
  const std::unique_ptr<Checker> checker = NewChecker();
  checker->set_inspect([&](const runtime::CompiledGraph& graph) {
    compiled = ir::PrintGraph(graph.graph());
    return std::string();
  });
  const Verdict verdict = checker->Check(*c);
  std::printf("%s %s\ncompiled as:\n%s", Name(verdict.kind), verdict.message.c_str(),
              compiled.c_str());
  std::fflush(stdout);
  std::_Exit(verdict.failed() ? 1 : 0);
}

}  // namespace
}  // namespace ingot::fuzz

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::string replay = absl::GetFlag(FLAGS_replay);
  if (!replay.empty()) return ingot::fuzz::Replay(replay);
  uint64_t only = 0;
  if (absl::SimpleAtoi(absl::GetFlag(FLAGS_print), &only)) {
    std::fputs(ingot::fuzz::Print(ingot::fuzz::Generate(only)).c_str(), stdout);
    return 0;
  }
  const std::pair<std::string, std::string> range =
      absl::StrSplit(absl::GetFlag(FLAGS_seeds), absl::MaxSplits("..", 1));
  uint64_t first = 0, last = 0;
  if (!absl::SimpleAtoi(range.first, &first) || !absl::SimpleAtoi(range.second, &last) ||
      last < first) {
    std::fprintf(stderr, "--seeds must be first..last\n");
    return 2;
  }
  return ingot::fuzz::RunSeeds(first, last);
}
