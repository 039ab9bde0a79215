#include "backends/onednn/kernels/row_dots.h"

#include <algorithm>

#include "backends/onednn/kernels/parallel.h"

#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_ROW_DOTS_SHARED_
#define INGOT_BACKENDS_ONEDNN_KERNELS_ROW_DOTS_SHARED_
namespace ingot::kernels::internal {
// Results that go through the stages together.
inline constexpr int64_t kDotsTile = 64;
}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_ROW_DOTS_SHARED_

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/row_dots.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/epilogue-inl.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::kDotsTile;

// Rows come one behind the other as one long stream. Hardware follows none over the end of a page,
// so that what comes a page later is asked for here.
constexpr int64_t kAhead = 4096 / sizeof(float);

float Dot(const float* x, const float* w, int64_t k) {
  F32 sums[4] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
  ForEachVector(k, sums, [&](const auto& at, int64_t i, F32& sum) {
    __builtin_prefetch(w + i + kAhead, 0, 3);
    sum = hn::MulAdd(at.Load(x + i), at.Load(w + i), sum);
  });
  return SumAll(sums);
}

}  // namespace

// Results [begin, end).
void DotsOf(const RowDotsArgs& a, int64_t begin, int64_t end) {
  for (int64_t first = begin; first < end; first += kDotsTile) {
    const int64_t count = std::min(kDotsTile, end - first);
    HWY_ALIGN float sums[kDotsTile] = {};
    for (int64_t j = 0; j < count; ++j) {
      const int64_t row = first + j;
      sums[j] = Dot(a.x, a.w + row * a.w_stride, a.k) + (a.bias == nullptr ? 0 : a.bias[row]);
    }
    FinishSums({sums, kDotsTile, 1, count, 0, first}, a.stages, a.y + first, 0);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(DotsOf);

constexpr double kElementsPerNanosecond = 3;  // that one core reads

}  // namespace

void RowDots(const RowDotsArgs& args, int threads) {
  const int64_t tiles = (args.n + internal::kDotsTile - 1) / internal::kDotsTile;
  const double work =
      static_cast<double>(internal::kDotsTile * args.k) / kElementsPerNanosecond + 10;
  ParallelFor(threads, tiles, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(DotsOf)
    (args, begin * internal::kDotsTile, std::min(end * internal::kDotsTile, args.n));
  });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
