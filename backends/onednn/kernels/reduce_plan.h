// How a reduction walks its input. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_PLAN_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_PLAN_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "backends/onednn/kernels/reduce.h"

namespace ingot::kernels::internal {

struct ReduceDim {
  int64_t size = 1;
  int64_t stride = 0;
};
using ReduceDims = absl::InlinedVector<ReduceDim, 4>;

struct ReduceState {
  ReduceOp op = ReduceOp::kSum;
  DType dtype = DType::kFloat32;
  DType output_dtype = DType::kFloat32;
  double parameter = 1.0;  // degrees of freedom, or p of a norm
  // Merged, outermost first, sizes above 1.
  ReduceDims kept;
  ReduceDims reduced;
  int64_t outputs = 1;
  int64_t count = 1;  // elements that make one output
};

// Offset of the index-th position of `dims` in row-major order; the last `skip` dimensions are left
// out.
inline int64_t OffsetOf(const ReduceDims& dims, int64_t index, size_t skip = 0) {
  int64_t offset = 0;
  for (size_t d = dims.size() - skip; d-- > 0;) {
    offset += index % dims[d].size * dims[d].stride;
    index /= dims[d].size;
  }
  return offset;
}

// Calls f(offset, n, stride, first) for the innermost runs of the reduced dimensions in row-major
// order; `first` is the run's position among the reduced elements.
template <class F>
void ForEachRun(const ReduceState& state, const F& f) {
  if (state.count == 0) return;
  if (state.reduced.empty()) {
    f(int64_t{0}, int64_t{1}, int64_t{1}, int64_t{0});
    return;
  }
  const ReduceDim inner = state.reduced.back();
  const int64_t runs = state.count / inner.size;
  for (int64_t run = 0; run < runs; ++run) {
    f(OffsetOf(state.reduced, run, 1), inner.size, inner.stride, run * inner.size);
  }
}

// Dense f32 rows or columns, vectorised; false if neither side is dense or the op has no vector
// form.
bool RunF32(const ReduceState& state, const float* x, void* y, int threads);

// Any layout and dtype.
void RunPlain(const ReduceState& state, const void* x, void* y, int threads);

}  // namespace ingot::kernels::internal

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_PLAN_H_
