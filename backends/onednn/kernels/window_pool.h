// Pooling over any windows: for what oneDNN's primitives can't express, and for positions of
// maxima.
//
// A window is given a dimension at a time, as the taps that lie inside the input. Missing
// dimensions have size 1 and one window of one tap. Reentrant; allocates nothing; y must not
// overlap x.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_WINDOW_POOL_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_WINDOW_POOL_H_

#include <cstdint>
#include <vector>

#include "core/ir/dtype.h"

namespace ingot::kernels {

struct PoolTaps {
  int64_t begin = 0, end = 1, step = 1;
  int64_t extent = 1;  // what the average divides by, in this dimension
};

struct WindowPoolArgs {
  ir::DType dtype = ir::DType::kFloat32;  // f32 f64 and halves; maxima: integers too
  int64_t planes = 0;
  int64_t in[3] = {1, 1, 1};
  const std::vector<PoolTaps>* windows[3] = {nullptr, nullptr, nullptr};  // by output position
  const void* x = nullptr;                                                // dense [planes, in…]
  void* y = nullptr;  // dense [planes, windows…]
};

// divisor 0: the product of the extents.
void AveragePool(const WindowPoolArgs& args, double divisor, int threads);

// NaN wins, then the first of equals; `indices` (may be null) are positions within a plane.
void MaxPoolWithIndices(const WindowPoolArgs& args, int64_t* indices, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_WINDOW_POOL_H_
