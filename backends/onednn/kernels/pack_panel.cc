#include "backends/onednn/kernels/pack_panel.h"

#include <cstring>

#include "absl/base/casts.h"
#include "backends/onednn/kernels/transpose.h"

namespace ingot::kernels {
namespace {

uint32_t ToBf16(float value) {
  const auto bits = absl::bit_cast<uint32_t>(value);
  if (value != value) return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

}  // namespace

void PackPanel(const float* w, int64_t k_stride, int64_t n_stride, int64_t k, int64_t columns,
               float* to, int64_t panel) {
  if (k_stride == 1) {
    TransposeBlock32(reinterpret_cast<const uint32_t*>(w), n_stride,
                     reinterpret_cast<uint32_t*>(to), panel, k, columns);
    return;
  }
  for (int64_t i = 0; i < k; ++i) {
    const float* const from = w + i * k_stride;
    if (n_stride == 1) {
      std::memcpy(to + i * panel, from, static_cast<size_t>(columns) * sizeof(float));
      continue;
    }
    for (int64_t c = 0; c < columns; ++c) to[i * panel + c] = from[c * n_stride];
  }
}

void PackPanelBf16Pairs(const float* w, int64_t k_stride, int64_t n_stride, int64_t pairs,
                        int64_t columns, float* to, int64_t panel) {
  for (int64_t i = 0; i < pairs; ++i) {
    for (int64_t c = 0; c < columns; ++c) {
      const float* const low = w + 2 * i * k_stride + c * n_stride;
      to[i * panel + c] = absl::bit_cast<float>(ToBf16(low[0]) | ToBf16(low[k_stride]) << 16);
    }
  }
}

}  // namespace ingot::kernels
