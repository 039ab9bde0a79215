#include "backends/onednn/kernels/window_pool.h"

#include <algorithm>
#include <limits>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

// Calls f(place in y, plane's first element in x, taps of the three dimensions) for each output.
template <class F>
void ForEachWindow(const WindowPoolArgs& args, int threads, const F& f) {
  const std::vector<PoolTaps>&depths = *args.windows[0], &heights = *args.windows[1],
        &widths = *args.windows[2];
  const auto out = static_cast<int64_t>(depths.size() * heights.size() * widths.size());
  const int64_t in = args.in[0] * args.in[1] * args.in[2];
  ParallelFor(threads, args.planes, GrainFor(static_cast<double>(in + out)),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t plane = begin; plane < end; ++plane) {
                  int64_t to = plane * out;
                  for (const PoolTaps& d : depths) {
                    for (const PoolTaps& h : heights) {
                      for (const PoolTaps& w : widths) f(to++, plane * in, d, h, w);
                    }
                  }
                }
              });
}

// Calls f(position within the plane) for each tap.
template <class F>
void ForEachTap(const WindowPoolArgs& args, const PoolTaps& d, const PoolTaps& h, const PoolTaps& w,
                const F& f) {
  for (int64_t i = d.begin; i < d.end; i += d.step) {
    for (int64_t j = h.begin; j < h.end; j += h.step) {
      const int64_t row = (i * args.in[1] + j) * args.in[2];
      for (int64_t k = w.begin; k < w.end; k += w.step) f(row + k);
    }
  }
}

template <class T>
T Least() {
  if constexpr (kIsFloating<T>) {
    return static_cast<T>(-static_cast<Compute<T>>(std::numeric_limits<float>::infinity()));
  } else {
    return std::numeric_limits<T>::min();
  }
}

}  // namespace

void AveragePool(const WindowPoolArgs& args, double divisor, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    if constexpr (kIsFloating<T>) {
      const T* const x = static_cast<const T*>(args.x);
      ForEachWindow(
          args, threads,
          [&](int64_t to, int64_t plane, const PoolTaps& d, const PoolTaps& h, const PoolTaps& w) {
            double sum = 0;
            ForEachTap(args, d, h, w, [&](int64_t at) {
              sum += static_cast<double>(static_cast<Compute<T>>(x[plane + at]));
            });
            const double by =
                divisor != 0 ? divisor : static_cast<double>(d.extent * h.extent * w.extent);
            static_cast<T*>(args.y)[to] = static_cast<T>(static_cast<Compute<T>>(sum / by));
          });
    }
  });
}

void MaxPoolWithIndices(const WindowPoolArgs& args, int64_t* indices, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    const T* const x = static_cast<const T*>(args.x);
    ForEachWindow(
        args, threads,
        [&](int64_t to, int64_t plane, const PoolTaps& d, const PoolTaps& h, const PoolTaps& w) {
          // Of a window that has nothing but padding, too.
          int64_t place = (d.begin * args.in[1] + h.begin) * args.in[2] + w.begin;
          T best = Least<T>();
          ForEachTap(args, d, h, w, [&](int64_t at) {
            const T value = x[plane + at];
            if (IsNan(value) || static_cast<Compute<T>>(value) > static_cast<Compute<T>>(best)) {
              best = value;
              place = at;
            }
          });
          static_cast<T*>(args.y)[to] = best;
          if (indices != nullptr) indices[to] = place;
        });
  });
}

}  // namespace ingot::kernels
