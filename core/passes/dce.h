// Dead code elimination: drops what no output needs.
//
// Kept whatever uses them: random ops (a draw moves the generator for those after it), opaque ops
// (nobody knows what they do), arguments and states (they are the caller's). Constants, scalars and
// the seed go when unused; the rest are numbered anew, in order, with the recording's constants and
// scalars in step.
#ifndef INGOT_CORE_PASSES_DCE_H_
#define INGOT_CORE_PASSES_DCE_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> EliminateDeadCode(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_DCE_H_
