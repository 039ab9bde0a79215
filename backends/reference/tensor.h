// Tensors as kernels see them: dense, row-major, typed pointers, and the few ways in which kernels
// walk over them.
//
//   double row[kRun];
//   LoadRun(x, offset, stride, n, row);      // n elements, converted
//   StoreRun(row, n, y, offset, stride);
//
// Offsets and strides count elements. Nothing here allocates. Thread-safe as far as the data is not
// shared.
#ifndef INGOT_BACKENDS_REFERENCE_TENSOR_H_
#define INGOT_BACKENDS_REFERENCE_TENSOR_H_

#include <algorithm>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "backends/reference/element.h"
#include "core/ir/type.h"

namespace ingot::reference {

struct ConstTensor {
  ir::DType dtype = ir::DType::kFloat32;
  absl::Span<const int64_t> dims;
  const void* data = nullptr;

  int rank() const { return static_cast<int>(dims.size()); }
  int64_t NumElements() const;
};

struct Tensor {
  ir::DType dtype = ir::DType::kFloat32;
  absl::Span<const int64_t> dims;
  void* data = nullptr;

  int rank() const { return static_cast<int>(dims.size()); }
  int64_t NumElements() const { return ConstTensor{dtype, dims, data}.NumElements(); }
  operator ConstTensor() const { return {dtype, dims, data}; }
};

// Runs longer than this are loaded in parts, so that buffers fit on the stack.
inline constexpr int64_t kRun = 256;

// Element `offset + i * stride` becomes out[i]. C: int64_t, float or double.
template <typename C>
void LoadRun(const ConstTensor& tensor, int64_t offset, int64_t stride, int64_t n, C* out) {
  VisitElement(tensor.dtype, [&](auto tag) {
    const auto* data = static_cast<const decltype(tag)*>(tensor.data) + offset;
    for (int64_t i = 0; i < n; ++i) out[i] = Convert<C>(data[i * stride]);
  });
}

template <typename C>
void StoreRun(const C* values, int64_t n, const Tensor& tensor, int64_t offset, int64_t stride) {
  VisitElement(tensor.dtype, [&](auto tag) {
    using T = decltype(tag);
    T* data = static_cast<T*>(tensor.data) + offset;
    for (int64_t i = 0; i < n; ++i) data[i * stride] = Convert<T>(values[i]);
  });
}

template <typename C>
C Load(const ConstTensor& tensor, int64_t offset) {
  C value;
  LoadRun(tensor, offset, 1, 1, &value);
  return value;
}

template <typename C>
void Store(C value, const Tensor& tensor, int64_t offset) {
  StoreRun(&value, 1, tensor, offset, 1);
}

// Calls fn(values, n) for parts of the n elements from `offset` on, in order.
template <typename C, typename Fn>
void ForEachRun(const ConstTensor& tensor, int64_t offset, int64_t stride, int64_t n, Fn&& fn) {
  C buffer[kRun];
  for (int64_t i = 0; i < n; i += kRun) {
    const int64_t count = std::min(kRun, n - i);
    LoadRun(tensor, offset + i * stride, stride, count, buffer);
    fn(static_cast<const C*>(buffer), count);
  }
}

// Sizes around dimension `dim` (rank 0 counts as [1]): element (o, d, i) is at (o * size + d) *
// inner + i.
struct Axis {
  int64_t outer = 1, size = 1, inner = 1;
};
Axis AxisOf(absl::Span<const int64_t> dims, int64_t dim);  // negative dims count from the end

int64_t Product(absl::Span<const int64_t> dims);

// A place in a tensor: where element 0 is and how far apart neighbours of each dimension are.
struct Layout {
  ir::Dims strides;
  int64_t offset = 0;
};
Layout DenseLayout(absl::Span<const int64_t> dims);
// As DenseLayout(dims), broadcast to `to`: strides of 0 where a dimension is new or repeated.
Layout BroadcastLayout(absl::Span<const int64_t> dims, absl::Span<const int64_t> to);

// Calls fn(a, b, n, stride_a, stride_b) for each innermost run of an index space of sizes `dims`:
// the run's elements lie at a + i * stride_a and b + i * stride_b for i < n.
using RunFn = absl::FunctionRef<void(int64_t, int64_t, int64_t, int64_t, int64_t)>;
void ForEachPair(absl::Span<const int64_t> dims, const Layout& a, const Layout& b, RunFn fn);

// out[index] = in[index] over an index space of sizes `dims`; converts if the dtypes differ.
void CopyElements(const ConstTensor& in, const Layout& from, const Tensor& out, const Layout& to,
                  absl::Span<const int64_t> dims);
// The same between dense tensors with equally many elements.
void CopyDense(const ConstTensor& in, const Tensor& out);

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_TENSOR_H_
