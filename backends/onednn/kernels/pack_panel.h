// A panel of a product's right factor, in the order in which the product reads it. Private to this
// folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_PACK_PANEL_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_PACK_PANEL_H_

#include <cstdint>

namespace ingot::kernels {

// to[i * panel + c] = w[i * k_stride + c * n_stride] for i < k, c < columns <= panel. Strides in
// elements, any; the two must not overlap. What lies behind `columns` in a row of `to` stays.
void PackPanel(const float* w, int64_t k_stride, int64_t n_stride, int64_t k, int64_t columns,
               float* to, int64_t panel);

// The same with elements 2i and 2i + 1 of k, rounded to bf16 (to nearest, ties to even; NaN stays
// one), in the lower and the upper half of one element of `to`, for i < pairs.
void PackPanelBf16Pairs(const float* w, int64_t k_stride, int64_t n_stride, int64_t pairs,
                        int64_t columns, float* to, int64_t panel);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_PACK_PANEL_H_
