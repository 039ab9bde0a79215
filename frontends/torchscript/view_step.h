// From a call whose result shares an operand's memory to the view op that a graph can hold.
//
//   split.Tensor(x, 2, 0)[1]  →  slice.Tensor(x, 0, 2, 4, 1)
//   transpose_(x!, 0, 1)      →  transpose.int(x, 0, 1)
//   as_strided(x, …)          →  by element positions (an empty step)
//
// Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_VIEW_STEP_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_VIEW_STEP_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "frontends/torchscript/functional_call.h"
#include "frontends/torchscript/memory_model.h"

namespace ingot::torchscript {

// The operand whose memory the result shares; nullptr: it has memory of its own.
const TensorSnapshot* FindBase(const FunctionalCall& call, const TensorSnapshot& result);

// The step from `base` to result `index`. `begin` is where the next part begins, for ops that cut
// their operand; 0 for the first.
absl::StatusOr<ViewStep> MakeViewStep(const FunctionalCall& call, size_t index,
                                      const TensorSnapshot& base, int64_t& begin);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_VIEW_STEP_H_
