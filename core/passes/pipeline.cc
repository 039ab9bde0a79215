#include "core/passes/pipeline.h"

#include "core/ir/verifier.h"

namespace ingot::passes {

absl::Status RunStandardPasses(ir::Recording& recording) { return ir::Verify(recording.graph); }

}  // namespace ingot::passes
