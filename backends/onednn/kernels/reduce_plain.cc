// Reductions of any dtype in any layout, one output at a time; and the scans of reduce.h.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/reduce.h"
#include "backends/onednn/kernels/reduce_plan.h"

namespace ingot::kernels {
namespace internal {
namespace {

constexpr double kNanosecondsAnElement = 1.0;

template <class T>
inline constexpr bool kIsFp = std::is_floating_point_v<T>;

template <class T>
bool IsNan(T value) {
  if constexpr (kIsFp<T>) {
    return std::isnan(value);
  } else {
    return false;
  }
}

// f(element, position) over the reduced elements of one output, in row-major order.
template <class T, class F>
void ForEachElement(const ReduceState& state, const T* x, const F& f) {
  ForEachRun(state, [&](int64_t offset, int64_t n, int64_t stride, int64_t first) {
    for (int64_t i = 0; i < n; ++i) f(x[offset + i * stride], first + i);
  });
}

// Sum of f(element): floats in double, integers wrapping in 64 bits.
template <class T, class F>
auto SumOf(const ReduceState& state, const T* x, const F& f) {
  using Sum = std::conditional_t<kIsFp<T>, double, uint64_t>;
  Sum sum = 0;
  ForEachElement(state, x, [&](T value, int64_t) { sum += static_cast<Sum>(f(value)); });
  return sum;
}

// The extreme element and its position; the first NaN wins, then the first of equals.
template <bool kMax, class T, class F>
std::pair<T, int64_t> ExtremeOf(const ReduceState& state, const T* x, const F& f) {
  T best{};
  int64_t place = -1;
  ForEachElement(state, x, [&](T element, int64_t position) {
    const T value = f(element);
    const bool better = kMax ? value > best : value < best;
    if (place < 0 || (!IsNan(best) && (better || IsNan(value)))) {
      best = value;
      place = position;
    }
  });
  return {best, place};
}

template <class T>
T Identical(T value) {
  return value;
}

template <class T>
double Variance(const ReduceState& state, const T* x) {
  const double n = static_cast<double>(state.count);
  const double mean = SumOf(state, x, Identical<T>) / n;
  const double squares = SumOf(state, x, [&](T v) {
    const double d = static_cast<double>(v) - mean;
    return d * d;
  });
  return squares / std::max(0.0, n - state.parameter);
}

template <class T>
double LogSumExp(const ReduceState& state, const T* x) {
  if (state.count == 0) return -std::numeric_limits<double>::infinity();
  const double max = ExtremeOf<true>(state, x, Identical<T>).first;
  if (std::isinf(max)) return max;
  return max +
         std::log(SumOf(state, x, [&](T v) { return std::exp(static_cast<double>(v) - max); }));
}

// What only floats have.
template <class T>
double FloatingResult(const ReduceState& state, const T* x) {
  const auto magnitude = [](T v) { return std::abs(v); };
  const auto square = [](T v) { return static_cast<double>(v) * static_cast<double>(v); };
  switch (state.op) {
    case ReduceOp::kMean:
      return SumOf(state, x, Identical<T>) / static_cast<double>(state.count);
    case ReduceOp::kVar:
      return Variance(state, x);
    case ReduceOp::kStd:
      return std::sqrt(Variance(state, x));
    case ReduceOp::kSumAbs:
      return SumOf(state, x, magnitude);
    case ReduceOp::kSumSquares:
      return SumOf(state, x, square);
    case ReduceOp::kNorm2:
      return std::sqrt(SumOf(state, x, square));
    case ReduceOp::kMaxAbs:
      return ExtremeOf<true>(state, x, magnitude).first;
    case ReduceOp::kMinAbs:
      return ExtremeOf<false>(state, x, magnitude).first;
    case ReduceOp::kNonzeros:
      return SumOf(state, x, [](T v) { return v != 0 ? 1.0 : 0.0; });
    case ReduceOp::kNormP: {
      const double p = state.parameter;
      return std::pow(
          SumOf(state, x, [&](T v) { return std::pow(std::abs(static_cast<double>(v)), p); }),
          1 / p);
    }
    case ReduceOp::kLogSumExp:
      return LogSumExp(state, x);
    case ReduceOp::kSum:
    case ReduceOp::kMax:
    case ReduceOp::kMin:
    case ReduceOp::kProd:
    case ReduceOp::kAny:
    case ReduceOp::kAll:
    case ReduceOp::kArgMax:
    case ReduceOp::kArgMin:
      break;  // RunOne's own
  }
  return std::numeric_limits<double>::quiet_NaN();
}

template <class T>
auto ProductOf(const ReduceState& state, const T* x) {
  using Product = std::conditional_t<kIsFp<T>, double, uint64_t>;
  Product product = 1;
  ForEachElement(state, x, [&](T value, int64_t) { product *= static_cast<Product>(value); });
  return product;
}

template <class T>
void RunOne(const ReduceState& state, const T* x, void* y, int64_t o) {
  // Integers sum into i64, floats into themselves.
  using Wide = std::conditional_t<kIsFp<T>, T, int64_t>;
  switch (state.op) {
    case ReduceOp::kSum:
      static_cast<Wide*>(y)[o] = static_cast<Wide>(SumOf(state, x, Identical<T>));
      return;
    case ReduceOp::kProd:
      static_cast<Wide*>(y)[o] = static_cast<Wide>(ProductOf(state, x));
      return;
    case ReduceOp::kMax:
      static_cast<T*>(y)[o] = ExtremeOf<true>(state, x, Identical<T>).first;
      return;
    case ReduceOp::kMin:
      static_cast<T*>(y)[o] = ExtremeOf<false>(state, x, Identical<T>).first;
      return;
    case ReduceOp::kArgMax:
      static_cast<int64_t*>(y)[o] = ExtremeOf<true>(state, x, Identical<T>).second;
      return;
    case ReduceOp::kArgMin:
      static_cast<int64_t*>(y)[o] = ExtremeOf<false>(state, x, Identical<T>).second;
      return;
    case ReduceOp::kAny:
    case ReduceOp::kAll: {
      int64_t nonzero = 0;
      ForEachElement(state, x, [&](T value, int64_t) { nonzero += value != T{0}; });
      static_cast<uint8_t*>(y)[o] =
          state.op == ReduceOp::kAny ? nonzero > 0 : nonzero == state.count;
      return;
    }
    case ReduceOp::kMean:
    case ReduceOp::kVar:
    case ReduceOp::kStd:
    case ReduceOp::kSumAbs:
    case ReduceOp::kSumSquares:
    case ReduceOp::kNorm2:
    case ReduceOp::kMaxAbs:
    case ReduceOp::kMinAbs:
    case ReduceOp::kNonzeros:
    case ReduceOp::kNormP:
    case ReduceOp::kLogSumExp:
      if constexpr (kIsFp<T>) static_cast<T*>(y)[o] = static_cast<T>(FloatingResult(state, x));
  }
}

template <class F>
void WithType(DType dtype, const F& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      return f(double{});
    case DType::kInt64:
      return f(int64_t{});
    case DType::kInt32:
      return f(int32_t{});
    default:
      return f(uint8_t{});
  }
}

}  // namespace

void RunPlain(const ReduceState& state, const void* x, void* y, int threads) {
  WithType(state.dtype, [&](auto element) {
    using T = decltype(element);
    const double work = kNanosecondsAnElement * static_cast<double>(state.count) + 5.0;
    ParallelFor(threads, state.outputs, GrainFor(work), [&](int64_t begin, int64_t end, int) {
      for (int64_t o = begin; o < end; ++o) {
        RunOne(state, static_cast<const T*>(x) + OffsetOf(state.kept, o), y, o);
      }
    });
  });
}

}  // namespace internal

namespace {

template <bool kMax>
void ExtremeWithIndex(DType dtype, const void* x, void* values, int64_t* indices, int64_t outer,
                      int64_t n, int64_t inner, int threads) {
  internal::WithType(dtype, [&](auto element) {
    using T = decltype(element);
    ParallelFor(threads, outer * inner, GrainFor(1.5 * static_cast<double>(n)),
                [&](int64_t begin, int64_t end, int) {
                  for (int64_t o = begin; o < end; ++o) {
                    const T* from = static_cast<const T*>(x) + o / inner * n * inner + o % inner;
                    T best = from[0];
                    int64_t place = 0;
                    for (int64_t i = 1; i < n && !internal::IsNan(best); ++i) {
                      const T value = from[i * inner];
                      if ((kMax ? value > best : value < best) || internal::IsNan(value)) {
                        best = value;
                        place = i;
                      }
                    }
                    if (values != nullptr) static_cast<T*>(values)[o] = best;
                    if (indices != nullptr) indices[o] = place;
                  }
                });
  });
}

template <class T, class Sum>
void CumSumTyped(const T* x, T* y, int64_t outer, int64_t n, int64_t inner, int threads) {
  ParallelFor(threads, outer * inner, GrainFor(1.5 * static_cast<double>(n)),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t o = begin; o < end; ++o) {
                  const int64_t offset = o / inner * n * inner + o % inner;
                  Sum sum = 0;
                  for (int64_t i = 0; i < n; ++i) {
                    sum += static_cast<Sum>(x[offset + i * inner]);
                    y[offset + i * inner] = static_cast<T>(sum);
                  }
                }
              });
}

}  // namespace

void MaxWithIndex(DType dtype, const void* x, void* values, int64_t* indices, int64_t outer,
                  int64_t n, int64_t inner, int threads) {
  ExtremeWithIndex<true>(dtype, x, values, indices, outer, n, inner, threads);
}

void MinWithIndex(DType dtype, const void* x, void* values, int64_t* indices, int64_t outer,
                  int64_t n, int64_t inner, int threads) {
  ExtremeWithIndex<false>(dtype, x, values, indices, outer, n, inner, threads);
}

void CumSum(DType dtype, const void* x, void* y, int64_t outer, int64_t n, int64_t inner,
            int threads) {
  if (dtype == DType::kFloat32) {
    CumSumTyped<float, double>(static_cast<const float*>(x), static_cast<float*>(y), outer, n,
                               inner, threads);
  } else if (dtype == DType::kFloat64) {
    CumSumTyped<double, double>(static_cast<const double*>(x), static_cast<double*>(y), outer, n,
                                inner, threads);
  } else {
    CumSumTyped<int64_t, uint64_t>(static_cast<const int64_t*>(x), static_cast<int64_t*>(y), outer,
                                   n, inner, threads);
  }
}

}  // namespace ingot::kernels
