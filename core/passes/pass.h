// Passes, and the manager that runs them in order.
//
// A pass changes a recording in place: graph, constants and scalars together, so that the latter
// stay by index of the graph's inputs. It keeps what the program computes, keeps nodes in
// topological order, and leaves a graph that `ir::Verify` accepts. Constants that it makes own
// their memory. Passes have no state; running them on different recordings is thread-safe.
//
//   PassManager manager({{"cse", EliminateCommonSubexpressions}, {"dce", EliminateDeadCode}});
//   INGOT_RETURN_IF_ERROR(manager.Run(recording));
#ifndef INGOT_CORE_PASSES_PASS_H_
#define INGOT_CORE_PASSES_PASS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/ir/recording.h"

namespace ingot::passes {

struct Pass {
  const char* name;
  // Whether it changed anything.
  absl::StatusOr<bool> (*run)(ir::Recording& recording);
};

// What one run of one pass did.
struct PassRun {
  std::string name;
  absl::Duration time;
  bool changed = false;
};

class PassManager {
 public:
  // With `verify_each`, Internal names the pass that left a broken graph behind.
  explicit PassManager(std::vector<Pass> passes, bool verify_each = false)
      : passes_(std::move(passes)), verify_each_(verify_each) {}

  // Runs all passes once. Whether any changed anything.
  absl::StatusOr<bool> Run(ir::Recording& recording);
  // Runs all passes over and over until none changes anything, at most `max_rounds` times.
  absl::Status RunToFixedPoint(ir::Recording& recording, int max_rounds);

  // All runs so far, in order.
  const std::vector<PassRun>& runs() const { return runs_; }

 private:
  const std::vector<Pass> passes_;
  const bool verify_each_;
  std::vector<PassRun> runs_;
};

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_PASS_H_
