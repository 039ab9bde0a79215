// Softmax and log-softmax of f32.
//
// softmax(x)_i = exp(x_i - max x) / sum_j exp(x_j - max x). A row of only -inf, or with a NaN or
// +inf, gives NaN as in PyTorch. Relative error within 8e-7 + 1.2e-7 |x_i - max x| (the subtraction
// rounds). All functions are reentrant, allocate nothing, and fork only when the work pays
// (parallel.h). In place (y == x) is allowed; other overlap is not.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SOFTMAX_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SOFTMAX_H_

#include <cstdint>

namespace ingot::kernels {

// x and y are dense [rows, n].
struct SoftmaxArgs {
  int64_t rows = 1;
  int64_t n = 0;
  const float* x = nullptr;
  float* y = nullptr;
  bool log = false;  // log_softmax
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
