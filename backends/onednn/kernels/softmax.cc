#include "backends/onednn/kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/softmax.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE F32 Splat(float value) { return hn::Set(kTag, value); }
HWY_INLINE F32 NegativeInfinity() { return hn::Neg(hn::Inf(kTag)); }

// A NaN may get lost here; it comes back when the NaN element itself is exponentiated.
float RowMax(const float* x, int64_t n) {
  const F32 least = NegativeInfinity();
  F32 maxima[4] = {least, least, least, least};
  ForEachVector(n, maxima, [&](auto at, int64_t i, F32& max) HWY_ATTR {
    max = hn::Max(max, at.Or(at.Load(x + i), least));
  });
  return MaxAll(maxima);
}

// sum exp(v - max); kStore also leaves the exponentials in y. Long rows add up pieces of 64
// additions a lane.
template <bool kStore>
double SumOfExps(const float* v, float max, [[maybe_unused]] float* y, int64_t n) {
  constexpr int64_t kPiece = 256 * kF32Lanes;
  const F32 top = Splat(max);
  double total = 0;
  for (int64_t first = 0; first < n; first += kPiece) {
    const float* from = v + first;
    [[maybe_unused]] float* to = kStore ? y + first : nullptr;
    F32 sums[4] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
    ForEachVector(std::min(kPiece, n - first), sums, [&](auto at, int64_t i, F32& sum) HWY_ATTR {
      const F32 e = ExpNonPositive(kTag, hn::Sub(at.Load(from + i), top));
      if constexpr (kStore) at.Store(e, to + i);
      sum = hn::Add(sum, at.Or(e, hn::Zero(kTag)));
    });
    total += SumAll(sums);
  }
  return total;
}

void SoftmaxRow(const float* v, float max, float* y, int64_t n) {
  const F32 factor = Splat(static_cast<float>(1.0 / SumOfExps<true>(v, max, y, n)));
  F32 unused[4];
  ForEachVector(n, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
    at.Store(hn::Mul(at.Load(y + i), factor), y + i);
  });
}

void LogSoftmaxRow(const float* v, float max, float* y, int64_t n) {
  const F32 top = Splat(max);
  const F32 log_sum = Splat(static_cast<float>(std::log(SumOfExps<false>(v, max, nullptr, n))));
  F32 unused[4];
  ForEachVector(n, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
    at.Store(hn::Sub(hn::Sub(at.Load(v + i), top), log_sum), y + i);
  });
}

}  // namespace

void SoftmaxRows(const SoftmaxArgs& args, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const float* v = args.x + row * args.n;
    float* y = args.y + row * args.n;
    const float max = RowMax(v, args.n);
    if (args.log) {
      LogSoftmaxRow(v, max, y, args.n);
    } else {
      SoftmaxRow(v, max, y, args.n);
    }
  }
}

namespace {

// One vector of columns down the middle dimension.
template <class At>
HWY_INLINE void SoftmaxColumns(const At& at, const float* x, float* y, int64_t n, int64_t stride,
                               bool log) {
  F32 max = NegativeInfinity();
  for (int64_t i = 0; i < n; ++i) max = hn::Max(max, at.Load(x + i * stride));
  F32 sum = hn::Zero(kTag);
  for (int64_t i = 0; i < n; ++i) {
    const F32 e = ExpNonPositive(kTag, hn::Sub(at.Load(x + i * stride), max));
    if (!log) at.Store(e, y + i * stride);
    sum = hn::Add(sum, e);
  }
  if (log) {
    const F32 log_sum = LogF32(kTag, sum);
    for (int64_t i = 0; i < n; ++i) {
      at.Store(hn::Sub(hn::Sub(at.Load(x + i * stride), max), log_sum), y + i * stride);
    }
    return;
  }
  const F32 factor = hn::Div(Splat(1.0f), sum);
  for (int64_t i = 0; i < n; ++i) {
    at.Store(hn::Mul(at.Load(y + i * stride), factor), y + i * stride);
  }
}

}  // namespace

// Items are vectors of columns, `vectors` of them an outer index.
void SoftmaxColumnVectors(const StridedSoftmaxArgs& args, int64_t begin, int64_t end) {
  const int64_t vectors = (args.inner + kN - 1) / kN;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t column = item % vectors * kN;
    const int64_t offset = item / vectors * args.n * args.inner + column;
    const int64_t rest = args.inner - column;
    if (rest >= kN) {
      SoftmaxColumns(WholeVector(), args.x + offset, args.y + offset, args.n, args.inner, args.log);
    } else {
      SoftmaxColumns(PartVector{static_cast<size_t>(rest)}, args.x + offset, args.y + offset,
                     args.n, args.inner, args.log);
    }
  }
}

int64_t F32LaneCount() { return kF32Lanes; }

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(SoftmaxRows);
HWY_EXPORT(SoftmaxColumnVectors);
HWY_EXPORT(F32LaneCount);

constexpr double kNanosecondsAnElement = 0.35;

}  // namespace

void Softmax(const SoftmaxArgs& args, int threads) {
  if (args.n == 0) return;
  ParallelFor(threads, args.rows, GrainFor(kNanosecondsAnElement * static_cast<double>(args.n)),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(SoftmaxRows)(args, begin, end);
              });
}

void StridedSoftmax(const StridedSoftmaxArgs& args, int threads) {
  if (args.n == 0 || args.inner == 0) return;
  const int64_t lanes = HWY_DYNAMIC_DISPATCH(F32LaneCount)();
  const int64_t vectors = (args.inner + lanes - 1) / lanes;
  const double work = kNanosecondsAnElement * static_cast<double>(args.n * lanes);
  ParallelFor(threads, args.outer * vectors, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(SoftmaxColumnVectors)(args, begin, end);
  });
}

void SoftmaxF64(int64_t outer, int64_t n, int64_t inner, const double* x, double* y, bool log,
                int threads) {
  constexpr double kNanosecondsAnF64 = 12;
  ParallelFor(threads, outer * inner, GrainFor(kNanosecondsAnF64 * static_cast<double>(n) + 1),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t row = begin; row < end; ++row) {
                  const int64_t first = row / inner * n * inner + row % inner;
                  const int64_t last = first + n * inner;
                  double max = -std::numeric_limits<double>::infinity(), sum = 0;
                  for (int64_t i = first; i < last; i += inner) max = std::max(max, x[i]);
                  for (int64_t i = first; i < last; i += inner) sum += std::exp(x[i] - max);
                  for (int64_t i = first; i < last; i += inner) {
                    y[i] = log ? x[i] - max - std::log(sum) : std::exp(x[i] - max) / sum;
                  }
                }
              });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
