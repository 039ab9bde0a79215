// Canonicalisation: one spelling for what can be spelled in many ways, so that patterns, backends
// and keys meet fewer forms. Every rewrite is exact: the same bits for every input.
//
//   - identities go: clone, contiguous, detach, alias, _to_copy to the same type,
//   dropout(train=False), reshapes,
//     permutes, expands and slices that change nothing, x * 1, x / 1, x - 0 (not x + 0: it turns
//     -0.0 into 0.0)
//   - view, _unsafe_view, flatten, squeeze, unsqueeze, and permutes that move only dimensions of
//   size 1
//     -> aten::reshape with all sizes given; a reshape of a reshape is one
//   - t, transpose.int, movedim -> aten::permute; a permute of a permute is one
//   - dimensions and bounds are counted from the front (dim=-1, slices to the end)
//   - _softmax and _log_softmax -> softmax.int and log_softmax.int
//   - add, sub, mul, div and comparisons with a constant of rank 0 -> their .Scalar form, when
//   promotion and
//     rounding are the same (the constant's category is not above the tensor's; in half precision
//     it is on the right): a number is then data and not a weight
#ifndef INGOT_CORE_PASSES_CANONICALIZE_H_
#define INGOT_CORE_PASSES_CANONICALIZE_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> Canonicalize(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_CANONICALIZE_H_
