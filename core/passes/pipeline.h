// The passes that every recording goes through before backends see it.
#ifndef INGOT_CORE_PASSES_PIPELINE_H_
#define INGOT_CORE_PASSES_PIPELINE_H_

#include <vector>

#include "absl/status/status.h"
#include "core/ir/recording.h"
#include "core/passes/pass.h"

namespace ingot::passes {

// Those that run until nothing changes, in their order.
std::vector<Pass> StandardPasses();

// Runs the standard passes in place, then lifts literal numbers into scalar inputs, drops what
// nothing uses, and numbers the values anew. The graph stays one that `ir::Verify` accepts and
// computes the same; constants, scalars and states stay in step with the graph's inputs.
// InvalidArgument if they weren't before, Internal if a pass breaks the graph. Thread-safe (no
// state).
absl::Status RunStandardPasses(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_PIPELINE_H_
