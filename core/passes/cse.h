// Common subexpression elimination: nodes of one op with the same arguments become one; so do
// constants of the same bytes and type (tied weights).
//
// Arguments are compared by bits (0.0 is not -0.0); operands of commutative ops in
// either order if they are of one type.
// Random and opaque ops are left alone, and so are numbers (two scalar inputs of equal literals
// stay two).
#ifndef INGOT_CORE_PASSES_CSE_H_
#define INGOT_CORE_PASSES_CSE_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> EliminateCommonSubexpressions(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_CSE_H_
