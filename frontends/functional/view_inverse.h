// Inverses of view ops: how the operand of a view looks after a write through it.
//
//   slice.Tensor(base, dim, start, end, step) → slice_scatter(base, written, dim, start, end, step)
//   transpose.int(base, a, b)                 → transpose.int(written, a, b)
//   view(base, sizes)                         → view(written, sizes of base)
//
// Thread-safe (no state).
#ifndef INGOT_FRONTENDS_FUNCTIONAL_VIEW_INVERSE_H_
#define INGOT_FRONTENDS_FUNCTIONAL_VIEW_INVERSE_H_

#include <optional>
#include <string>
#include <vector>

#include "core/ir/argument.h"
#include "core/ir/type.h"
#include "frontends/functional/views.h"

namespace ingot::functional {

struct InverseStep {
  std::string op;
  // args[0] is the base if `keeps_rest`, and then args[1] what was written; else args[0] is what
  // was written.
  std::vector<ir::Argument> args;
  bool keeps_rest = false;
};

// `base` is the type of the step's operand. nullopt: the step has no inverse in the vocabulary.
std::optional<InverseStep> Inverse(const ViewStep& step, const ir::TensorType& base);

}  // namespace ingot::functional

#endif  // INGOT_FRONTENDS_FUNCTIONAL_VIEW_INVERSE_H_
