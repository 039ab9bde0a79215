// Transposition of blocks of 32-bit elements in vector registers. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_TRANSPOSE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_TRANSPOSE_H_

#include <cstdint>

namespace ingot::kernels {

// dst[r * dst_stride + c] = src[c * src_stride + r] for r < rows, c < columns. Strides in elements;
// the two blocks must not overlap. Meant for blocks that fit L1.
void TransposeBlock32(const uint32_t* src, int64_t src_stride, uint32_t* dst, int64_t dst_stride,
                      int64_t rows, int64_t columns);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_TRANSPOSE_H_
