// The type of a value in a graph: element type and sizes.
//
// Values are mathematical tensors: they have no strides. Memory layout is the business of the run
// time (arguments and results, `Signature`) and of backends (inside an executable).
#ifndef INGOT_CORE_IR_TYPE_H_
#define INGOT_CORE_IR_TYPE_H_

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "core/ir/dtype.h"

namespace ingot::ir {

// Sizes, outermost first. An entry >= 0 is a size; negative entries are reserved for symbolic sizes
// (symbol k is stored as -1 - k) and refused by the verifier of this version.
using Dims = absl::InlinedVector<int64_t, 6>;

// PyTorch's own limit.
inline constexpr int kMaxRank = 64;

struct TensorType {
  DType dtype = DType::kFloat32;
  Dims dims;

  int rank() const { return static_cast<int>(dims.size()); }
  // Product of the sizes; 1 for rank 0. Undefined on overflow: types in a verified graph do not
  // overflow.
  int64_t NumElements() const;
  int64_t NumBytes() const { return NumElements() * static_cast<int64_t>(ElementSize(dtype)); }

  friend bool operator==(const TensorType&, const TensorType&) = default;
};

// "f32[2,3]", "i64[]".
std::string ToString(const TensorType& type);

// Row-major strides in elements of a dense tensor with these sizes (sizes of 0 count as 1, as in
// PyTorch).
Dims ContiguousStrides(absl::Span<const int64_t> dims);

// The sizes of a broadcast of `a` and `b` (NumPy rules); false if they do not broadcast.
bool BroadcastDims(absl::Span<const int64_t> a, absl::Span<const int64_t> b, Dims* result);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_TYPE_H_
