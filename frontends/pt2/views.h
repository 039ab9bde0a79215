// Views: where a view's elements lie, and how its base looks after a write through it.
//
//   Layout base = {{kFloat32, {4, 6}}, {6, 1}, 0};
//   ViewsOf("aten::slice.Tensor", {_, 1, 1, 3, 1}, base, types)
//     → layout {{kFloat32, {4, 2}}, {6, 1}, 1}, step slice.Tensor(_, 1, 1, 3, 1)
//   Inverse(step, base) → slice_scatter(base, written, 1, 1, 3, 1)
//
// Strides are computed here by the ops' own rules, never taken from a file. Thread-safe.
#ifndef INGOT_FRONTENDS_PT2_VIEWS_H_
#define INGOT_FRONTENDS_PT2_VIEWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/argument.h"
#include "core/ir/type.h"

namespace ingot::pt2 {

struct Layout {
  ir::TensorType type;
  ir::Dims strides;    // in elements
  int64_t offset = 0;  // in elements, from the memory's begin

  static Layout RowMajor(ir::TensorType type);

  // First and one past the last element position; equal if there is no element.
  std::pair<int64_t, int64_t> Extent() const;
  // Row-major without gaps; strides of sizes up to 1 don't matter.
  bool IsRowMajor() const;
  // Some permutation of row-major without gaps, so that each element has its own place.
  bool IsDense() const;
  // Each element of `other` is surely an element of this one.
  bool Covers(const Layout& other) const;

  friend bool operator==(const Layout&, const Layout&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Layout& l) {
    return H::combine(std::move(h), l.type.dtype, l.type.dims, l.strides, l.offset);
  }
};

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

// The views that `op`, a view op of the registry, takes of its first operand, one a result.
// `types` are the results' types as inferred. nullopt: the result has memory of its own (a reshape
// that must copy). REQUIRES: op inference accepts `args`.
std::optional<std::vector<View>> ViewsOf(const std::string& op,
                                         const std::vector<ir::Argument>& args, const Layout& base,
                                         const std::vector<ir::TensorType>& types);

struct InverseStep {
  std::string op;  // empty: there is none
  // args[0] is the base if `keeps_rest`, and then args[1] what was written; else args[0] is what
  // was written.
  std::vector<ir::Argument> args;
  bool keeps_rest = false;
};
InverseStep Inverse(const ViewStep& step, const ir::TensorType& base);

// Positions of a layout's elements, in row-major order of the elements.
std::vector<int64_t> Positions(const Layout& layout);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_VIEWS_H_
