// Views that the vocabulary's view ops take: where their elements are, and the op that a graph
// holds for each.
//
//   Layout base = Layout::RowMajor({kFloat32, {4, 6}});
//   ViewsOf("aten::slice.Tensor", {_, 1, 1, 3, 1}, base, types)
//     → layout {{kFloat32, {4, 2}}, {6, 1}, 1}, step slice.Tensor(_, 1, 1, 3, 1)
//   ViewsOf("aten::unbind.int", {_, 0}, base, types)
//     → select.int(_, 0, 0), select.int(_, 0, 1), …
//
// Strides follow from the ops' own rules, so that they need not be taken from a file. Thread-safe
// (no state).
#ifndef INGOT_FRONTENDS_FUNCTIONAL_VIEWS_H_
#define INGOT_FRONTENDS_FUNCTIONAL_VIEWS_H_

#include <optional>
#include <string>
#include <vector>

#include "core/ir/argument.h"
#include "core/ir/type.h"
#include "frontends/functional/layout.h"

namespace ingot::functional {

// One view op. `args[0]` is the operand and is filled in when the step is emitted. An empty op: by
// element positions.
struct ViewStep {
  std::string op;
  std::vector<ir::Argument> args;
};

struct View {
  Layout layout;
  ViewStep step;
};

// The views that `op` takes of its first operand, one a result. `types` are the results' types.
// nullopt: the result has memory of its own (a reshape that must copy), or `op` is no view op of
// the registry. REQUIRES: op inference accepts `args`.
std::optional<std::vector<View>> ViewsOf(const std::string& op,
                                         const std::vector<ir::Argument>& args, const Layout& base,
                                         const std::vector<ir::TensorType>& types);

}  // namespace ingot::functional

#endif  // INGOT_FRONTENDS_FUNCTIONAL_VIEWS_H_
