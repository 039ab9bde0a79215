// Where a tensor's elements are in its storage, and LibTorch's element types in ingot's terms.
//
// Two tensors over one storage with equal layouts are the same elements: the recorder's notion of
// "the same view". Thread-safe (values).
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_LAYOUT_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_LAYOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/ir/dtype.h"
#include "core/ir/type.h"

namespace ingot::torchscript {

std::optional<ir::DType> ToDType(at::ScalarType type);
at::ScalarType ToScalarType(ir::DType dtype);

struct Layout {
  at::ScalarType dtype = at::ScalarType::Undefined;
  ir::Dims sizes;
  ir::Dims strides;    // in elements
  int64_t offset = 0;  // in elements, from the storage's begin
  bool conjugate = false;
  bool negative = false;

  int64_t NumElements() const;
  // First and one past the last element position; equal if there is no element.
  std::pair<int64_t, int64_t> Extent() const;
  // Row-major without gaps; strides of sizes up to 1 don't matter.
  bool IsRowMajor() const;
  // Each element has its own place and there are no gaps: some permutation of row-major.
  bool IsDense() const;
  // Two elements share a place, as in expanded tensors and overlapping windows.
  bool OverlapsItself() const;
  // An element of `other`, a layout over the same storage, is surely or possibly one of this one.
  bool Intersects(const Layout& other) const;
  // Of the elements in the storage, in row-major order of the elements.
  std::vector<int64_t> Positions() const;
  // Each element of `other`, a layout over the same storage, is surely an element of this one.
  bool Covers(const Layout& other) const;

  friend bool operator==(const Layout&, const Layout&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Layout& l) {
    return H::combine(std::move(h), l.dtype, l.sizes, l.strides, l.offset, l.conjugate, l.negative);
  }
};

// REQUIRES: HasLayout(tensor).
Layout LayoutOf(const at::Tensor& tensor);
// A dense or strided CPU tensor with a storage.
bool HasLayout(const at::Tensor& tensor);

// nullopt if ingot has no such dtype.
std::optional<ir::TensorType> TypeOf(const Layout& layout);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_LAYOUT_H_
