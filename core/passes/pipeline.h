// The passes that every recording goes through before backends see it.
#ifndef INGOT_CORE_PASSES_PIPELINE_H_
#define INGOT_CORE_PASSES_PIPELINE_H_

#include "absl/status/status.h"
#include "core/ir/recording.h"

namespace ingot::passes {

// Runs the standard passes in place, in their fixed order; the last lifts literal numbers into scalar inputs.
// The graph stays one that `ir::Verify` accepts and computes the same; constants, scalars and states stay in step
// with the graph's inputs. Internal if a pass breaks that. Thread-safe (no state).
absl::Status RunStandardPasses(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_PIPELINE_H_
