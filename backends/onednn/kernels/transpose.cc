#include "backends/onednn/kernels/transpose.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/transpose.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
namespace {

constexpr int64_t kBlock = 8;
using D = hn::CappedTag<uint32_t, 8>;
using V = hn::Vec<D>;

// Interleaves pairs of 32-bit lanes of rows a and b: (a0 b0 a1 b1), (a2 b2 a3 b3) in each 128-bit
// block.
HWY_INLINE V Low32(V a, V b) { return hn::InterleaveLower(D(), a, b); }
HWY_INLINE V High32(V a, V b) { return hn::InterleaveUpper(D(), a, b); }
HWY_INLINE V Low64(V a, V b) {
  const hn::RepartitionToWide<D> wide;
  return hn::BitCast(D(), hn::InterleaveLower(wide, hn::BitCast(wide, a), hn::BitCast(wide, b)));
}
HWY_INLINE V High64(V a, V b) {
  const hn::RepartitionToWide<D> wide;
  return hn::BitCast(D(), hn::InterleaveUpper(wide, hn::BitCast(wide, a), hn::BitCast(wide, b)));
}

// 8x8 in eight 256-bit registers: two rounds of interleaving inside 128-bit halves, then the halves
// swap places.
HWY_INLINE void Transpose8x8(const uint32_t* src, int64_t src_stride, uint32_t* dst,
                             int64_t dst_stride) {
  V row[8];
  for (int i = 0; i < 8; ++i) row[i] = hn::LoadU(D(), src + i * src_stride);
  V pair[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = Low32(row[i], row[i + 1]);
    pair[i + 1] = High32(row[i], row[i + 1]);
  }
  V quad[8];
  for (int i = 0; i < 8; i += 4) {
    quad[i] = Low64(pair[i], pair[i + 2]);
    quad[i + 1] = High64(pair[i], pair[i + 2]);
    quad[i + 2] = Low64(pair[i + 1], pair[i + 3]);
    quad[i + 3] = High64(pair[i + 1], pair[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    hn::StoreU(hn::ConcatLowerLower(D(), quad[i + 4], quad[i]), D(), dst + i * dst_stride);
    hn::StoreU(hn::ConcatUpperUpper(D(), quad[i + 4], quad[i]), D(), dst + (i + 4) * dst_stride);
  }
}

}  // namespace
#else
constexpr int64_t kBlock = 1;
HWY_INLINE void Transpose8x8(const uint32_t* src, int64_t, uint32_t* dst, int64_t) { *dst = *src; }
#endif

void TransposeBlock(const uint32_t* src, int64_t src_stride, uint32_t* dst, int64_t dst_stride,
                    int64_t rows, int64_t columns) {
  const int64_t whole_rows = rows / kBlock * kBlock;
  const int64_t whole_columns = columns / kBlock * kBlock;
  for (int64_t r = 0; r < whole_rows; r += kBlock) {
    for (int64_t c = 0; c < whole_columns; c += kBlock) {
      Transpose8x8(src + c * src_stride + r, src_stride, dst + r * dst_stride + c, dst_stride);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c) {
      dst[r * dst_stride + c] = src[c * src_stride + r];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {
HWY_EXPORT(TransposeBlock);
}  // namespace

void TransposeBlock32(const uint32_t* src, int64_t src_stride, uint32_t* dst, int64_t dst_stride,
                      int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(TransposeBlock)(src, src_stride, dst, dst_stride, rows, columns);
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
