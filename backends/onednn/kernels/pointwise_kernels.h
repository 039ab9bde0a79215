// Inner loops of pointwise programs: one op over a run of elements. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_KERNELS_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_KERNELS_H_

#include <cstdint>

#include "backends/onednn/kernels/pointwise.h"

namespace ingot::kernels::internal {

// out[i] = op(a[i], b[i], c[i]) for i in [0, n). `out` may be a, b or c if the element sizes are
// equal.
using PwKernel = void (*)(const void* a, const void* b, const void* c, void* out, int64_t n,
                          const PwImmediates& immediates);

// Which operand is read as one element for the whole run.
enum class PwUniform : uint8_t { kNone = 0, kFirst = 1, kSecond = 2 };

// Null: no such loop. `dtype` is the operands' (of kWhere: of the last two).
PwKernel FindF32Kernel(PwOp op, PwUniform uniform);  // vectorised
// Two ops in one loop, with the roundings of both: outer(inner(a, b), c), outer(c, inner(a, b)) or,
// for an outer op of one operand, outer(inner(a, b)). inner: kAdd, kSub or kMul.
struct PwPair {
  PwOp outer, inner;
  bool inner_is_second = false;
  bool b_is_uniform = false, c_is_uniform = false;
};
PwKernel FindF32PairKernel(const PwPair& pair);
PwKernel FindPlainKernel(PwOp op, DType dtype);  // any dtype of values
PwKernel FindCastKernel(DType from, DType to);   // incl. storage dtypes
// out[i] = *a; by element size (1, 2, 4, 8).
PwKernel FindFillKernel(int element_size);

// Nanoseconds an element on one thread in cache, for scheduling only.
double CostOf(PwOp op, DType dtype);

}  // namespace ingot::kernels::internal

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_POINTWISE_KERNELS_H_
