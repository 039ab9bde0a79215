// Where a tensor's elements are in its memory.
//
//   Layout matrix = Layout::RowMajor({ir::DType::kFloat32, {4, 6}});
//   Layout column = {{ir::DType::kFloat32, {4}}, {6}, 2};   // the third
//   NumbersIn(matrix, column)  →  2, 8, 14, 20
//
// Two tensors over one memory with equal layouts are the same elements: what "the same view" means.
// Positions are in elements. Thread-safe (values).
#ifndef INGOT_FRONTENDS_FUNCTIONAL_LAYOUT_H_
#define INGOT_FRONTENDS_FUNCTIONAL_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/type.h"

namespace ingot::functional {

struct Layout {
  ir::TensorType type;
  ir::Dims strides;
  int64_t offset = 0;  // from the memory's begin
  // The memory holds the conjugates, or the negatives, of the elements.
  bool conjugate = false;
  bool negative = false;
  // Not 0: the elements are of a dtype that graphs lack, which the frontend numbers; `type.dtype`
  // then says nothing.
  uint8_t foreign_dtype = 0;

  static Layout RowMajor(ir::TensorType type);

  // First and one past the last position; equal if there is no element.
  std::pair<int64_t, int64_t> Extent() const;
  // Row-major without gaps; strides of sizes up to 1 don't matter.
  bool IsRowMajor() const;
  // Each element has its own place and there are no gaps: some permutation of row-major.
  bool IsDense() const;
  // Surely each element has its own place: every stride passes over all that smaller ones reach.
  bool HasOwnPlaces() const;
  // Two elements share a place, as in expanded tensors and overlapping windows.
  bool OverlapsItself() const;
  // A position means the same element in both layouts, which are over one memory.
  bool HasElementsOf(const Layout& other) const;
  // An element of `other`, a layout over the same memory, is surely or possibly one of this one.
  bool Intersects(const Layout& other) const;
  // Each element of `other`, a layout over the same memory, is surely an element of this one.
  bool Covers(const Layout& other) const;
  // In row-major order of the elements.
  std::vector<int64_t> Positions() const;

  friend bool operator==(const Layout&, const Layout&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Layout& l) {
    return H::combine(std::move(h), l.type.dtype, l.type.dims, l.strides, l.offset, l.conjugate,
                      l.negative, l.foreign_dtype);
  }
};

// nullopt if graphs lack the dtype.
std::optional<ir::TensorType> TypeOf(const Layout& layout);

// For each element of `layout`, its number among those of `root`, a layout over the same memory;
// the last one's if several share the place. Unimplemented: it is none of them.
absl::StatusOr<std::vector<int64_t>> NumbersIn(const Layout& root, const Layout& layout);

}  // namespace ingot::functional

#endif  // INGOT_FRONTENDS_FUNCTIONAL_LAYOUT_H_
