// View ops and their inverses: how the base of a view looks after a write through it.
//
//   slice.Tensor(base, dim, start, end, step)  →  slice_scatter(base, written, dim, start, end,
//   step) transpose.int(base, a, b)                  →  transpose.int(written, a, b) view(base,
//   sizes)                          →  view(written, sizes of base)
//
// Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_VIEW_INVERSE_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_VIEW_INVERSE_H_

#include <string>
#include <vector>

#include "core/ir/argument.h"
#include "frontends/torchscript/layout.h"

namespace ingot::torchscript {

struct ViewStep;

struct InverseStep {
  std::string op;
  // args[0] is the base if `keeps_rest`, and then args[1] what was written; else args[0] is what
  // was written.
  std::vector<ir::Argument> args;
  bool keeps_rest = false;
};

bool HasInverse(const ViewStep& step);

// REQUIRES: HasInverse(step). `base` is the layout of the step's operand.
InverseStep Inverse(const ViewStep& step, const Layout& base);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_VIEW_INVERSE_H_
