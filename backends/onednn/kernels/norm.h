// Normalisations over f32 rows. All functions are reentrant, allocate nothing, and fork only when
// the work pays (parallel.h). Sums are kept in SIMD lanes with two passes (mean first, then centred
// squares), so cancellation costs no more than rounding the mean: results are within
//   4e-7 * (|weight| |x - mean| / stddev + |bias|) + 2e-7 * |weight| |mean| / stddev of the exact
//   ones.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_NORM_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_NORM_H_

#include <cstddef>
#include <cstdint>

#include "backends/onednn/kernels/elements.h"

namespace ingot::kernels {

// Operands of a row norm: rows x n, dense rows, row-major.
struct RowNorm {
  int64_t rows = 0;
  int64_t n = 0;
  float eps = 1e-5f;
  const float* x = nullptr;       // [rows, n]
  const float* weight = nullptr;  // optional [n]
  const float* bias = nullptr;    // optional [n]; RmsNorm ignores it
  float* y = nullptr;             // [rows, n]; may be x
  // Unless null, where the result goes instead, rounded; subnormal numbers become 0.
  BFloat16* bf16_y = nullptr;
};

// y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias, biased variance.
void LayerNorm(const RowNorm& args, int threads);

// y = x / sqrt(mean(x^2) + eps) * weight. torch.nn.RMSNorm(eps=None) means eps = 1.1920929e-07.
void RmsNorm(const RowNorm& args, int threads);

struct GroupNormArgs {
  int64_t batch = 0;
  int64_t channels = 0;  // divisible by groups
  int64_t spatial = 0;   // product of the spatial dimensions
  int64_t groups = 0;
  float eps = 1e-5f;
  const float* x = nullptr;       // [batch, channels, spatial] or [batch, spatial, channels]
  const float* weight = nullptr;  // optional [channels]
  const float* bias = nullptr;    // optional [channels]
  float* y = nullptr;             // as x; may be x
};

void GroupNormNchw(const GroupNormArgs& args, int threads);

// `workspace`: GroupNormNhwcWorkspaceBytes bytes, 4-byte aligned.
size_t GroupNormNhwcWorkspaceBytes(const GroupNormArgs& args, int threads);
void GroupNormNhwc(const GroupNormArgs& args, void* workspace, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_NORM_H_
