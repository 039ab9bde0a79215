// Checks a compiled graph against an oracle, with the given arguments and fresh ones.
//
//   CheckOptions options;
//   INGOT_ASSIGN_OR_RETURN(CheckReport report, Check(graph, eager, nullptr, arguments, options));
//   if (!report.ok) Print(report.message);
//
// Compared are the results and all arguments as they are after the call. Two rules:
//
// - Without a float64 oracle: torch.testing.assert_close's (compare.h). Where LibTorch's own
//   rounding is what differs (it sums halves and floats in blocks of their own precision), the
//   `arbiter` decides: an element within the same tolerances of the module's run in float64 is
//   right, and the message says how many there were.
// - With one: a floating result is right if its largest error against float64, over all draws, is
//   at most 4 times that of LibTorch's own run in the model's dtypes, or at most 4 units of machine
//   precision at the result's largest magnitude (so that an eager run that happens to be exact does
//   not demand exactness). Results that are not floating must equal LibTorch's own run.
//
// What depends on the call's random numbers is compared in full where the graph runs on the
// torchscript backend, which draws LibTorch's numbers; elsewhere, and against float64, in dtype and
// sizes only, and the message says so.
#ifndef INGOT_TOOLS_INGOT_CHECK_H_
#define INGOT_TOOLS_INGOT_CHECK_H_

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "core/runtime/compiled_graph.h"
#include "tools/ingot/compare.h"
#include "tools/ingot/oracle.h"

namespace ingot::tools {

// Result slots and written arguments whose values depend on the seed.
struct SeedDependence {
  std::set<uint32_t> results, arguments;
};
SeedDependence FindSeedDependence(const ir::Graph& graph);

struct CheckOptions {
  Tolerances tolerances;
  int64_t fresh = 10;  // draws after the given arguments
  uint64_t seed = 0;
  // Makes the module's run in float64; called only once something differs. Empty: no arbiter.
  std::function<absl::StatusOr<std::unique_ptr<Oracle>>()> arbiter;
};

struct CheckReport {
  bool ok = true;
  std::string message;     // one line: what differs, or what was not compared
  double max_abs_err = 0;  // over everything compared; against float64 if there is such an oracle
  double max_rel_err = 0;  // against float64: max_abs_err by the result's largest magnitude
  int64_t draws = 0;       // calls compared
  int64_t arbitrated = 0;  // elements that the arbiter took for right
  int64_t left_out = 0;    // fresh draws that the oracle refused, or answered differently again
  Arguments failing;       // the arguments of the first draw that differs
  uint64_t failing_seed = 0;
};

// Errors: the oracle refuses the given arguments (stage kModel), or the graph fails.
absl::StatusOr<CheckReport> Check(const std::shared_ptr<const runtime::CompiledGraph>& graph,
                                  Oracle& oracle, Oracle* float64, const Arguments& arguments,
                                  const CheckOptions& options);

// The same for whatever else runs a model. `random`: what is compared in dtype and sizes only.
absl::StatusOr<CheckReport> Check(Oracle& checked, const SeedDependence& random, Oracle& oracle,
                                  Oracle* float64, const Arguments& arguments,
                                  const CheckOptions& options);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_CHECK_H_
