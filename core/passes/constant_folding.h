// Constant folding: what can be known at compile time without kernels.
//
//   - reshape, permute, slice and select of a constant: the same bytes, or a copy of them in
//   another order
//   - add, sub, mul, div (without alpha) of two constants of rank 0 and of one type, f32, f64 or
//   i64: one
//     correctly rounded operation, as eager does it (integers do not divide; overflow wraps)
//
// Run canonicalisation before: other spellings are left alone. A folded constant owns its bytes, or
// shares those of the constant that it is a reshape of.
#ifndef INGOT_CORE_PASSES_CONSTANT_FOLDING_H_
#define INGOT_CORE_PASSES_CONSTANT_FOLDING_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> FoldConstants(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_CONSTANT_FOLDING_H_
