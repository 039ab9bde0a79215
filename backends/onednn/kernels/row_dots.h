// Dots of one row with many, whose right factor is read as it lies: y_j = sum_i x_i w_ji.
//
//   RowDotsArgs a{.x = x, .w = w, .w_stride = k, .n = n, .k = k, .y = y};
//   RowDots(a, threads);
//
// A packed right factor (packed_gemm.h) is a few percent faster for one row, but a second copy
// where the plain one is needed too: the token table of a language model is read by rows first, and
// is the right factor of its last product. Sums depend on k alone. Reentrant, allocates nothing.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_ROW_DOTS_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_ROW_DOTS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "backends/onednn/kernels/epilogue.h"

namespace ingot::kernels {

struct RowDotsArgs {
  const float* x = nullptr;  // [k]
  const float* w = nullptr;  // [n, k], rows w_stride elements apart
  int64_t w_stride = 0;
  int64_t n = 0, k = 0;
  const float* bias = nullptr;  // [n], or null
  absl::Span<const EpilogueStage> stages;
  float* y = nullptr;  // [n]
};

void RowDots(const RowDotsArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_ROW_DOTS_H_
