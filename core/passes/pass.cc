#include "core/passes/pass.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/ir/verifier.h"

namespace ingot::passes {

absl::StatusOr<bool> PassManager::Run(ir::Recording& recording) {
  bool any = false;
  for (const Pass& pass : passes_) {
    const absl::Time start = absl::Now();
    INGOT_ASSIGN_OR_RETURN(const bool changed, pass.run(recording),
                           absl::StrCat("pass ", pass.name));
    runs_.push_back({pass.name, absl::Now() - start, changed});
    any |= changed;
    if (!verify_each_) continue;
    const absl::Status status = ir::Verify(recording.graph);
    if (!status.ok()) {
      return absl::InternalError(
          absl::StrCat("pass ", pass.name, " left a broken graph: ", status.message()));
    }
  }
  return any;
}

absl::Status PassManager::RunToFixedPoint(ir::Recording& recording, int max_rounds) {
  for (int round = 0; round < max_rounds; ++round) {
    INGOT_ASSIGN_OR_RETURN(const bool changed, Run(recording));
    if (!changed) return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace ingot::passes
