#include "backends/onednn/kernels/reduce_f32.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/reduce_f32.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::Fold;

// Additions a lane makes in f32 before its sum moves up a level.
constexpr int64_t kLevel = 128;

template <Fold kFold>
HWY_INLINE F32 Map(F32 v, [[maybe_unused]] F32 centre) {
  if constexpr (kFold == Fold::kSumAbs || kFold == Fold::kMaxAbs) {
    return hn::Abs(v);
  } else if constexpr (kFold == Fold::kSumSquares) {
    const F32 d = hn::Sub(v, centre);
    return hn::Mul(d, d);
  } else if constexpr (kFold == Fold::kSumExp) {
    return ExpNonPositive(kTag, hn::Sub(v, centre));
  } else {
    return v;
  }
}

template <Fold kFold>
HWY_INLINE F32 Combine(F32 a, F32 b) {
  if constexpr (kFold == Fold::kMin) {
    return MinNan(a, b);
  } else if constexpr (internal::IsSum(kFold)) {
    return hn::Add(a, b);
  } else {
    return MaxNan(a, b);
  }
}

template <Fold kFold>
HWY_INLINE F32 Identity() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  return hn::Set(kTag, kFold == Fold::kMin ? kInf : (internal::IsSum(kFold) ? 0.0f : -kInf));
}

template <Fold kFold>
double Row(const float* x, int64_t n, float centre) {
  const F32 c = hn::Set(kTag, centre);
  const F32 identity = Identity<kFold>();
  alignas(64) float lanes[kF32Lanes];
  // Sums of pieces are added in double; extremes need one piece only.
  const int64_t piece = internal::IsSum(kFold) ? kLevel * 4 * kN : n;
  double sum = 0;
  F32 extreme = identity;
  for (int64_t first = 0; first < n; first += piece) {
    F32 part[4] = {identity, identity, identity, identity};
    const float* from = x + first;
    ForEachVector(std::min(piece, n - first), part, [&](auto at, int64_t i, F32& a) HWY_ATTR {
      a = Combine<kFold>(a, at.Or(Map<kFold>(at.Load(from + i), c), identity));
    });
    const F32 all =
        Combine<kFold>(Combine<kFold>(part[0], part[1]), Combine<kFold>(part[2], part[3]));
    if constexpr (internal::IsSum(kFold)) {
      sum += hn::GetLane(hn::SumOfLanes(kTag, all));
    } else {
      extreme = Combine<kFold>(extreme, all);
    }
  }
  if constexpr (internal::IsSum(kFold)) return sum;
  hn::Store(extreme, kTag, lanes);
  float result = lanes[0];
  for (size_t i = 1; i < kF32Lanes && !std::isnan(result); ++i) {
    const bool better = kFold == Fold::kMin ? lanes[i] < result : lanes[i] > result;
    if (better || std::isnan(lanes[i])) result = lanes[i];
  }
  return result;
}

// kVectors whole vectors, or one short one, of columns.
template <Fold kFold, int kVectors, class At>
HWY_INLINE void Strip(const At& at, const float* x, int64_t row_stride, int64_t rows,
                      const float* centre, float* state) {
  F32 c[kVectors], total[kVectors];
#pragma GCC unroll 4
  for (int i = 0; i < kVectors; ++i) {
    c[i] = centre == nullptr ? hn::Zero(kTag) : at.Load(centre + i * kN);
    total[i] = at.Load(state + i * kN);
  }
  for (int64_t first = 0; first < rows; first += kLevel) {
    const int64_t last = std::min(rows, first + kLevel);
    F32 part[kVectors];
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) part[i] = Identity<kFold>();
    for (int64_t row = first; row < last; ++row) {
      const float* from = x + row * row_stride;
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; ++i) {
        part[i] = Combine<kFold>(part[i], Map<kFold>(at.Load(from + i * kN), c[i]));
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) total[i] = Combine<kFold>(total[i], part[i]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kVectors; ++i) at.Store(total[i], state + i * kN);
}

template <Fold kFold>
void Columns(const float* x, int64_t row_stride, int64_t rows, int64_t columns, const float* centre,
             float* state) {
  int64_t i = 0;
  const auto centre_at = [&] { return centre == nullptr ? nullptr : centre + i; };
  for (; i + 4 * kN <= columns; i += 4 * kN) {
    Strip<kFold, 4>(WholeVector(), x + i, row_stride, rows, centre_at(), state + i);
  }
  for (; i + kN <= columns; i += kN) {
    Strip<kFold, 1>(WholeVector(), x + i, row_stride, rows, centre_at(), state + i);
  }
  if (i < columns) {
    Strip<kFold, 1>(PartVector{static_cast<size_t>(columns - i)}, x + i, row_stride, rows,
                    centre_at(), state + i);
  }
}

// Calls f(integral_constant<Fold>).
template <class F>
HWY_INLINE auto WithFold(Fold fold, const F& f) {
  switch (fold) {
    case Fold::kSum:
      return f(std::integral_constant<Fold, Fold::kSum>());
    case Fold::kSumAbs:
      return f(std::integral_constant<Fold, Fold::kSumAbs>());
    case Fold::kSumSquares:
      return f(std::integral_constant<Fold, Fold::kSumSquares>());
    case Fold::kSumExp:
      return f(std::integral_constant<Fold, Fold::kSumExp>());
    case Fold::kMin:
      return f(std::integral_constant<Fold, Fold::kMin>());
    case Fold::kMaxAbs:
      return f(std::integral_constant<Fold, Fold::kMaxAbs>());
    default:
      return f(std::integral_constant<Fold, Fold::kMax>());
  }
}

}  // namespace

double FoldRowTarget(Fold fold, const float* x, int64_t n, float centre) {
  return WithFold(fold, [&](auto k) HWY_ATTR { return Row<k>(x, n, centre); });
}

void FoldColumnsTarget(Fold fold, const float* x, int64_t row_stride, int64_t rows, int64_t columns,
                       const float* centre, float* state) {
  WithFold(fold, [&](auto k) HWY_ATTR { Columns<k>(x, row_stride, rows, columns, centre, state); });
}

int64_t FindFirstTarget(const float* x, int64_t n, float value) {
  const F32 wanted = hn::Set(kTag, value);
  const bool nan = std::isnan(value);
  int64_t i = 0;
  for (; i + kN <= n; i += kN) {
    const F32 v = hn::LoadU(kTag, x + i);
    const auto found = nan ? hn::IsNaN(v) : hn::Eq(v, wanted);
    const intptr_t lane = hn::FindFirstTrue(kTag, found);
    if (lane >= 0) return i + lane;
  }
  for (; i < n; ++i) {
    if (nan ? std::isnan(x[i]) : x[i] == value) return i;
  }
  return n;
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {
HWY_EXPORT(FoldRowTarget);
HWY_EXPORT(FoldColumnsTarget);
HWY_EXPORT(FindFirstTarget);
}  // namespace

namespace internal {

double FoldIdentity(Fold fold) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (IsSum(fold)) return 0;
  return fold == Fold::kMin ? kInf : -kInf;
}

double FoldRow(Fold fold, const float* x, int64_t n, float centre) {
  return HWY_DYNAMIC_DISPATCH(FoldRowTarget)(fold, x, n, centre);
}

void FoldColumns(Fold fold, const float* x, int64_t row_stride, int64_t rows, int64_t columns,
                 const float* centre, float* state) {
  HWY_DYNAMIC_DISPATCH(FoldColumnsTarget)(fold, x, row_stride, rows, columns, centre, state);
}

int64_t FindFirst(const float* x, int64_t n, float value) {
  return HWY_DYNAMIC_DISPATCH(FindFirstTarget)(x, n, value);
}

}  // namespace internal
}  // namespace ingot::kernels
#endif  // HWY_ONCE
