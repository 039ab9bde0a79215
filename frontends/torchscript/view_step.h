// From a call whose results share an operand's memory to the view ops that a graph can hold.
//
//   split.Tensor(x, 2, 0)     →  slice.Tensor(x, 0, 0, 2, 1), slice.Tensor(x, 0, 2, 4, 1), …
//   transpose_(x!, 0, 1)      →  transpose.int(x, 0, 1)
//   as_strided(x, …)          →  by element positions (an empty step)
//
// Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_VIEW_STEP_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_VIEW_STEP_H_

#include <vector>

#include "absl/status/statusor.h"
#include "frontends/functional/views.h"
#include "frontends/torchscript/functional_call.h"

namespace ingot::torchscript {

// The operand whose memory the result shares; nullptr: it has memory of its own.
const TensorSnapshot* FindBase(const FunctionalCall& call, const TensorSnapshot& result);

// The steps from `base` to each of the call's results.
absl::StatusOr<std::vector<functional::ViewStep>> MakeViewSteps(const FunctionalCall& call,
                                                                const TensorSnapshot& base);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_VIEW_STEP_H_
