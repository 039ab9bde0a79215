// Softmax and log-softmax of f32.
//
// softmax(v)_i = exp(v_i - max v) / sum_j exp(v_j - max v), with v = x * scale + mask. A row of
// only -inf, or with a NaN or +inf, gives NaN as in PyTorch. Relative error
// within 8e-7 + 1.2e-7 |v_i - max v| (the subtraction rounds). All
// functions are reentrant, allocate nothing, and fork only when the work pays (parallel.h). In
// place (y == x) is allowed; other overlap is not.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SOFTMAX_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SOFTMAX_H_

#include <cstdint>

namespace ingot::kernels {

// x and y are dense [d0, d1, d2, n]; put unused leading dimensions to 1.
struct SoftmaxArgs {
  int64_t dims[3] = {1, 1, 1};
  int64_t n = 0;
  const float* x = nullptr;
  float* y = nullptr;
  float scale = 1.0f;
  // Optional addend, broadcast by strides in elements: mask[i0 * s0 + i1 * s1 + i2 * s2 + j *
  // mask_inner].
  const float* mask = nullptr;
  int64_t mask_strides[3] = {0, 0, 0};
  int64_t mask_inner = 1;  // 0 or 1
  bool log = false;        // log_softmax
};

void Softmax(const SoftmaxArgs& args, int threads);

// Along the middle of a dense [outer, n, inner].
struct StridedSoftmaxArgs {
  int64_t outer = 0;
  int64_t n = 0;
  int64_t inner = 0;
  const float* x = nullptr;
  float* y = nullptr;
  bool log = false;
};

void StridedSoftmax(const StridedSoftmaxArgs& args, int threads);

// The same in f64, by plain loops.
void SoftmaxF64(int64_t outer, int64_t n, int64_t inner, const double* x, double* y, bool log,
                int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SOFTMAX_H_
