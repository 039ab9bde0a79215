#include "backends/onednn/kernels/grid_sample.h"

#include <algorithm>
#include <cmath>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

template <class C>
C Unnormalized(C place, int64_t size, bool align_corners) {
  const C n = static_cast<C>(size);
  return align_corners ? (place + 1) / 2 * (n - 1) : ((place + 1) * n - 1) / 2;
}

// Folds a place into [low, high], both given doubled, as a ray between two mirrors.
template <class C>
C Reflected(C place, int64_t twice_low, int64_t twice_high) {
  if (twice_low == twice_high) return 0;
  const C low = static_cast<C>(twice_low) / 2, span = static_cast<C>(twice_high - twice_low) / 2;
  place = std::abs(place - low);
  const C extra = std::fmod(place, span);
  const bool even = std::fmod(std::floor(place / span), C{2}) == 0;
  return even ? extra + low : span - extra + low;
}

template <class C>
C Clipped(C place, int64_t size) {
  return std::min(static_cast<C>(size - 1), std::max(place, C{0}));
}

template <class C>
C Padded(C place, int64_t size, const GridSampleArgs& args) {
  if (args.padding == GridPadding::kReflection) {
    place = args.align_corners ? Reflected(place, 0, 2 * (size - 1))
                               : Reflected(place, -1, 2 * size - 1);
  }
  if (args.padding != GridPadding::kZeros) place = Clipped(place, size);
  // What is no index of any image: far outside, so that zeros are read.
  constexpr C kMost = 1e9;
  return std::abs(place) < kMost ? place : C{-100};
}

// The element at integer places, or 0 outside.
template <class T>
Compute<T> At(const T* x, const int64_t* in, const int64_t* place) {
  int64_t offset = 0;
  for (int d = 0; d < 3; ++d) {
    if (place[d] < 0 || place[d] >= in[d]) return 0;
    offset = offset * in[d] + place[d];
  }
  return x[offset];
}

// `places`: depth, height, width; missing ones 0.
template <class T, class C>
C Nearest(const T* x, const GridSampleArgs& args, const C* places) {
  int64_t at[3];
  for (int d = 0; d < 3; ++d) at[d] = static_cast<int64_t>(std::nearbyint(places[d]));
  return At(x, args.in, at);
}

template <class T, class C>
C Linear(const T* x, const GridSampleArgs& args, const C* places) {
  C sum = 0;
  int64_t first[3];
  C weight[3];
  for (int d = 0; d < 3; ++d) {
    const C floor = std::floor(places[d]);
    first[d] = static_cast<int64_t>(floor);
    weight[d] = places[d] - floor;
  }
  const int corners = 1 << args.spatial;
  for (int corner = 0; corner < corners; ++corner) {
    int64_t at[3] = {first[0], first[1], first[2]};
    C w = 1;
    for (int bit = 0; bit < args.spatial; ++bit) {
      const int d = 2 - bit;
      const bool second = corner >> bit & 1;
      at[d] += second;
      w *= second ? weight[d] : 1 - weight[d];
    }
    bool inside = true;
    for (int d = 0; d < 3; ++d) inside &= at[d] >= 0 && at[d] < args.in[d];
    // Outside adds nothing, not even 0 times a NaN weight.
    if (inside) sum += At(x, args.in, at) * w;
  }
  return sum;
}

// Keys' kernel with a = -0.75 at distances 1 + t, t, 1 - t, 2 - t.
template <class C>
void CubicWeights(C t, C* weights) {
  constexpr C kA = -0.75;
  const auto near = [](C x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
  const auto far = [](C x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
  weights[0] = far(t + 1);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = far(2 - t);
}

// `places` are not padded yet: each tap is by itself.
template <class T, class C>
C Cubic(const T* x, const GridSampleArgs& args, const C* places) {
  const C top = std::floor(places[1]), left = std::floor(places[2]);
  C vertical[4], horizontal[4];
  CubicWeights(places[1] - top, vertical);
  CubicWeights(places[2] - left, horizontal);
  C sum = 0;
  for (int i = 0; i < 4; ++i) {
    C row = 0;
    for (int j = 0; j < 4; ++j) {
      const int64_t at[3] = {
          0, static_cast<int64_t>(Padded(top - 1 + static_cast<C>(i), args.in[1], args)),
          static_cast<int64_t>(Padded(left - 1 + static_cast<C>(j), args.in[2], args))};
      row += At(x, args.in, at) * horizontal[j];
    }
    sum += row * vertical[i];
  }
  return sum;
}

template <class T>
void SamplePoints(const GridSampleArgs& args, int64_t begin, int64_t end) {
  using C = Compute<T>;
  const int64_t plane = args.in[0] * args.in[1] * args.in[2];
  for (int64_t i = begin; i < end; ++i) {
    const int64_t n = i / args.points, point = i % args.points;
    const T* const named = static_cast<const T*>(args.grid) + i * args.spatial;
    C places[3] = {0, 0, 0};
    for (int k = 0; k < args.spatial; ++k) {
      const int d = 2 - k;
      places[d] = Unnormalized(static_cast<C>(named[k]), args.in[d], args.align_corners);
      if (args.interpolation != GridInterpolation::kCubic) {
        places[d] = Padded(places[d], args.in[d], args);
      }
    }
    for (int64_t c = 0; c < args.channels; ++c) {
      const T* const x = static_cast<const T*>(args.x) + (n * args.channels + c) * plane;
      const C value = args.interpolation == GridInterpolation::kLinear    ? Linear(x, args, places)
                      : args.interpolation == GridInterpolation::kNearest ? Nearest(x, args, places)
                                                                          : Cubic(x, args, places);
      static_cast<T*>(args.y)[(n * args.channels + c) * args.points + point] =
          static_cast<T>(value);
    }
  }
}

}  // namespace

void GridSample(const GridSampleArgs& args, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    if constexpr (kIsFloating<T>) {
      const double work = 20.0 * static_cast<double>(args.channels) + 20;
      ParallelFor(threads, args.batch * args.points, GrainFor(work),
                  [&](int64_t begin, int64_t end, int) { SamplePoints<T>(args, begin, end); });
    }
  });
}

}  // namespace ingot::kernels
