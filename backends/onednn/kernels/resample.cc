#include "backends/onednn/kernels/resample.h"

#include <algorithm>
#include <cmath>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

constexpr double kNanosecondsATap = 1.5;

ResampleAxis EmptyAxis(int64_t in, int64_t out, int taps) {
  ResampleAxis axis;
  axis.in = in;
  axis.out = out;
  axis.taps = taps;
  axis.counts.assign(out, taps);
  axis.index.assign(out * taps, 0);
  axis.weight.assign(out * taps, 1.0);
  return axis;
}

// Input steps an output step.
template <class T>
T StepOf(int64_t in, int64_t out, const ResampleScale& scale) {
  if (scale.align_corners) {
    return out > 1 ? static_cast<T>(in - 1) / static_cast<T>(out - 1) : T{0};
  }
  if (scale.scale > 0) return static_cast<T>(1.0 / scale.scale);
  return static_cast<T>(in) / static_cast<T>(out);
}

template <class T>
T PlaceOf(T step, int64_t o, bool align_corners, bool cubic) {
  if (align_corners) return step * static_cast<T>(o);
  const T place = step * (static_cast<T>(o) + T{0.5}) - T{0.5};
  return cubic ? place : std::max(place, T{0});
}

template <class T>
void FillNearest(ResampleAxis& axis, bool exact, const ResampleScale& scale) {
  const T step = StepOf<T>(axis.in, axis.out, scale);
  for (int64_t o = 0; o < axis.out; ++o) {
    const T place = exact ? (static_cast<T>(o) + T{0.5}) * step : static_cast<T>(o) * step;
    axis.index[o] =
        static_cast<int32_t>(std::min(static_cast<int64_t>(std::floor(place)), axis.in - 1));
  }
}

template <class T>
void FillLinear(ResampleAxis& axis, const ResampleScale& scale) {
  const T step = StepOf<T>(axis.in, axis.out, scale);
  for (int64_t o = 0; o < axis.out; ++o) {
    const T place =
        axis.in == axis.out ? static_cast<T>(o) : PlaceOf(step, o, scale.align_corners, false);
    const int64_t first = std::min(static_cast<int64_t>(place), axis.in - 1);
    const T weight = std::clamp(place - static_cast<T>(first), T{0}, T{1});
    axis.index[2 * o] = static_cast<int32_t>(first);
    axis.index[2 * o + 1] = static_cast<int32_t>(std::min(first + 1, axis.in - 1));
    axis.weight[2 * o] = T{1} - weight;
    axis.weight[2 * o + 1] = weight;
  }
}

// Keys 1981: |x| <= 1 and 1 < |x| < 2.
template <class T>
T Near(T x, T a) {
  return ((a + 2) * x - (a + 3)) * x * x + 1;
}
template <class T>
T Far(T x, T a) {
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

template <class T>
void FillCubic(ResampleAxis& axis, const ResampleScale& scale) {
  constexpr T kA = -0.75;
  const T step = StepOf<T>(axis.in, axis.out, scale);
  for (int64_t o = 0; o < axis.out; ++o) {
    const T place = PlaceOf(step, o, scale.align_corners, true);
    const int64_t first = std::min(static_cast<int64_t>(std::floor(place)), axis.in - 1);
    const T t = std::clamp(place - static_cast<T>(first), T{0}, T{1}), u = T{1} - t;
    const T weights[4] = {Far(t + 1, kA), Near(t, kA), Near(u, kA), Far(u + 1, kA)};
    for (int k = 0; k < 4; ++k) {
      axis.index[4 * o + k] =
          static_cast<int32_t>(std::clamp<int64_t>(first - 1 + k, 0, axis.in - 1));
      axis.weight[4 * o + k] = weights[k];
    }
  }
}

template <class T>
T AntialiasFilter(T x, bool cubic) {
  constexpr T kA = -0.5;
  x = std::abs(x);
  if (!cubic) return x < 1 ? 1 - x : T{0};
  return x < 1 ? Near(x, kA) : x < 2 ? Far(x, kA) : T{0};
}

template <class T>
ResampleAxis MakeAntialias(int64_t in, int64_t out, bool cubic, const ResampleScale& scale) {
  const T step = StepOf<T>(in, out, scale);
  const int width = cubic ? 4 : 2;
  const T support = step >= 1 ? static_cast<T>(width * 0.5) * step : static_cast<T>(width * 0.5);
  const T narrowing = step >= 1 ? T{1} / step : T{1};
  ResampleAxis axis = EmptyAxis(in, out, static_cast<int>(std::ceil(support)) * 2 + 1);
  for (int64_t o = 0; o < out; ++o) {
    const T centre = step * (static_cast<T>(o) + T{0.5});
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(centre - support + T{0.5}), 0);
    const int64_t last = std::min<int64_t>(static_cast<int64_t>(centre + support + T{0.5}), in);
    const int count = static_cast<int>(std::clamp<int64_t>(last - first, 0, axis.taps));
    T total = 0;
    for (int k = 0; k < count; ++k) {
      const T w = AntialiasFilter((static_cast<T>(k + first) - centre + T{0.5}) * narrowing, cubic);
      axis.index[o * axis.taps + k] = static_cast<int32_t>(first + k);
      axis.weight[o * axis.taps + k] = w;
      total += w;
    }
    for (int k = 0; k < count && total != 0; ++k) {
      T w = static_cast<T>(axis.weight[o * axis.taps + k]);
      w /= total;
      axis.weight[o * axis.taps + k] = w;
    }
    axis.counts[o] = count;
  }
  return axis;
}

// Sum of the taps of output `at` of `axes`, in the row that starts at `x`.
template <class T, class Sum>
Sum SumTaps(absl::Span<const ResampleAxis> axes, const int64_t* at, const T* x) {
  const ResampleAxis& axis = axes.front();
  int64_t stride = 1;
  for (const ResampleAxis& inner : axes.subspan(1)) stride *= inner.in;
  const int64_t first = at[0] * axis.taps;
  Sum sum = 0;
  for (int k = 0; k < axis.counts[at[0]]; ++k) {
    const T* const from = x + axis.index[first + k] * stride;
    const Sum value =
        axes.size() == 1 ? static_cast<Sum>(*from) : SumTaps<T, Sum>(axes.subspan(1), at + 1, from);
    sum += static_cast<Sum>(axis.weight[first + k]) * value;
  }
  return sum;
}

int64_t TapOffset(absl::Span<const ResampleAxis> axes, const int64_t* at) {
  int64_t offset = 0;
  for (size_t d = 0; d < axes.size(); ++d) offset = offset * axes[d].in + axes[d].index[at[d]];
  return offset;
}

// Calls f(output, plane's first input, place) for each output element.
template <class F>
void ForEachOutput(const ResampleArgs& args, double work, int threads, const F& f) {
  int64_t in = 1, out = 1;
  for (const ResampleAxis& axis : args.axes) {
    in *= axis.in;
    out *= axis.out;
  }
  const size_t rank = args.axes.size();
  ParallelFor(threads, args.planes, GrainFor(work * static_cast<double>(out) + 1),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t plane = begin; plane < end; ++plane) {
                  int64_t at[3] = {0, 0, 0};
                  for (int64_t o = 0; o < out; ++o) {
                    f(plane * out + o, plane * in, at);
                    for (size_t d = rank; d-- > 0;) {
                      if (++at[d] < args.axes[d].out) break;
                      at[d] = 0;
                    }
                  }
                }
              });
}

// --- Images: two axes, without the recursion and in the same order of additions ---

// Row `o` of one plane's output; both axes have kTaps taps at each place.
template <class T, int kTaps>
void SumRow(const ResampleAxis& rows, const ResampleAxis& columns, int64_t o, const T* x, T* y) {
  using C = Compute<T>;
  const T* from[kTaps];
  C outer[kTaps];
  for (int k = 0; k < kTaps; ++k) {
    from[k] = x + rows.index[o * kTaps + k] * columns.in;
    outer[k] = static_cast<C>(rows.weight[o * kTaps + k]);
  }
  const int32_t* index = columns.index.data();
  const double* weight = columns.weight.data();
  for (int64_t i = 0; i < columns.out; ++i, index += kTaps, weight += kTaps) {
    C sum = 0;
    for (int k = 0; k < kTaps; ++k) {
      C value = 0;
      for (int j = 0; j < kTaps; ++j) {
        value += static_cast<C>(weight[j]) * static_cast<C>(from[k][index[j]]);
      }
      sum += outer[k] * value;
    }
    y[i] = static_cast<T>(sum);
  }
}

template <class T>
void MoveRow(const ResampleAxis& rows, const ResampleAxis& columns, int64_t o, const T* x, T* y) {
  const T* const from = x + rows.index[o] * columns.in;
  for (int64_t i = 0; i < columns.out; ++i) y[i] = from[columns.index[i]];
}

// Calls row(rows, columns, o, plane of x, row of y) for each row of the output.
template <class T, class Row>
void ForEachRow(const ResampleArgs& args, double work, int threads, const Row& row) {
  const ResampleAxis& rows = args.axes[0];
  const ResampleAxis& columns = args.axes[1];
  const int64_t plane_size = rows.in * columns.in;
  ParallelFor(threads, args.planes * rows.out,
              GrainFor(work * static_cast<double>(columns.out) + 1),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t i = begin; i < end; ++i) {
                  row(rows, columns, i % rows.out,
                      static_cast<const T*>(args.x) + i / rows.out * plane_size,
                      static_cast<T*>(args.y) + i * columns.out);
                }
              });
}

// Whether these are two axes with `taps` taps at each place.
bool IsImage(absl::Span<const ResampleAxis> axes, int taps) {
  return axes.size() == 2 && std::all_of(axes.begin(), axes.end(), [&](const ResampleAxis& axis) {
           return axis.taps == taps && std::all_of(axis.counts.begin(), axis.counts.end(),
                                                   [&](int32_t count) { return count == taps; });
         });
}

template <class T>
void SumImages(const ResampleArgs& args, double work, int threads) {
  if (IsImage(args.axes, 2)) return ForEachRow<T>(args, work, threads, &SumRow<T, 2>);
  if (IsImage(args.axes, 4)) return ForEachRow<T>(args, work, threads, &SumRow<T, 4>);
  ForEachOutput(args, work, threads, [&](int64_t to, int64_t plane, const int64_t* at) {
    static_cast<T*>(args.y)[to] = static_cast<T>(
        SumTaps<T, Compute<T>>(args.axes, at, static_cast<const T*>(args.x) + plane));
  });
}

}  // namespace

ResampleAxis NearestAxis(int64_t in, int64_t out, bool exact, const ResampleScale& scale) {
  ResampleAxis axis = EmptyAxis(in, out, 1);
  scale.in_double ? FillNearest<double>(axis, exact, scale)
                  : FillNearest<float>(axis, exact, scale);
  return axis;
}

ResampleAxis LinearAxis(int64_t in, int64_t out, const ResampleScale& scale) {
  ResampleAxis axis = EmptyAxis(in, out, 2);
  scale.in_double ? FillLinear<double>(axis, scale) : FillLinear<float>(axis, scale);
  return axis;
}

ResampleAxis CubicAxis(int64_t in, int64_t out, const ResampleScale& scale) {
  ResampleAxis axis = EmptyAxis(in, out, 4);
  scale.in_double ? FillCubic<double>(axis, scale) : FillCubic<float>(axis, scale);
  return axis;
}

ResampleAxis AntialiasAxis(int64_t in, int64_t out, bool cubic, const ResampleScale& scale) {
  return scale.in_double ? MakeAntialias<double>(in, out, cubic, scale)
                         : MakeAntialias<float>(in, out, cubic, scale);
}

void Resample(const ResampleArgs& args, int threads) {
  bool moves = true;
  double taps = 1;
  for (const ResampleAxis& axis : args.axes) {
    moves &= axis.taps == 1;
    taps *= axis.taps;
  }
  const double work = kNanosecondsATap * taps;
  if (moves) {
    VisitSize(ir::ElementSize(args.dtype), [&](auto element) {
      using T = decltype(element);
      if (IsImage(args.axes, 1)) return ForEachRow<T>(args, work, threads, &MoveRow<T>);
      ForEachOutput(args, work, threads, [&](int64_t to, int64_t plane, const int64_t* at) {
        static_cast<T*>(args.y)[to] =
            static_cast<const T*>(args.x)[plane + TapOffset(args.axes, at)];
      });
    });
    return;
  }
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    if constexpr (kIsFloating<T>) SumImages<T>(args, work, threads);
  });
}

}  // namespace ingot::kernels
