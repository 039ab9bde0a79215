// Resampling: interpolation to other sizes and at given places, and padding with border elements.
#include <array>
#include <cmath>

#include "backends/reference/kernels/families.h"
#include "backends/reference/kernels/pooling.h"

namespace ingot::reference {
namespace {

// Names of the scales, by number of spatial dimensions; the last dimension is the last.
constexpr const char* kScales[3][3] = {
    {"", "", "scales"}, {"", "scales_h", "scales_w"}, {"scales_d", "scales_h", "scales_w"}};

// Input units a result unit: the given scale's inverse, else the ratio of the sizes.
double InverseScale(const KernelContext& context, const char* name, int64_t in, int64_t out) {
  const double scale = *name == 0 ? 1 : context.op().FloatOr(name, 0.0);
  return scale > 0 && *name != 0 ? 1 / scale : static_cast<double>(in) / static_cast<double>(out);
}

template <int kSpatial, bool kExact>
absl::Status RunUpsampleNearest(const KernelContext& context) {
  const Pooling pooling(context, kSpatial);
  const float shift = kExact ? 0.5f : 0.0f;
  // Places are computed in float, as in eager: another precision would pick other neighbours.
  float scales[3];
  for (int d = 0; d < 3; ++d) {
    scales[d] = static_cast<float>(
        InverseScale(context, kScales[kSpatial - 1][d], pooling.in[d], pooling.out[d]));
  }
  const auto range = [&](int d, int64_t o) {
    const int64_t at =
        static_cast<int64_t>(std::floor((static_cast<float>(o) + shift) * scales[d]));
    const int64_t source = std::min(at, pooling.in[d] - 1);
    return Range{source, source + 1, 1, 0};
  };
  pooling.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& r) {
    const int64_t from =
        plane + (r[0].begin * pooling.in[1] + r[1].begin) * pooling.in[2] + r[2].begin;
    CopyElements(pooling.input, {{1}, from}, pooling.output, {{1}, at}, {1});
  });
  return absl::OkStatus();
}

// Place of result element `o` in the input, in elements.
double Place(const KernelContext& context, const char* scale_name, int64_t in, int64_t out,
             int64_t o) {
  if (context.op().Bool("align_corners")) {
    return out > 1
               ? static_cast<double>(o) * static_cast<double>(in - 1) / static_cast<double>(out - 1)
               : 0.0;
  }
  return (static_cast<double>(o) + 0.5) * InverseScale(context, scale_name, in, out) - 0.5;
}

// Up to four neighbours along one dimension, with their weights.
struct Taps {
  int count = 1;
  std::array<int64_t, 4> at = {0, 0, 0, 0};
  std::array<double, 4> weight = {1, 0, 0, 0};
};

Taps LinearTaps(double place, int64_t in) {
  place = std::max(place, 0.0);
  const int64_t first = std::min(static_cast<int64_t>(place), in - 1);
  const double second = place - static_cast<double>(first);
  return {2, {first, std::min(first + 1, in - 1)}, {1 - second, second}};
}

// Keys' cubic convolution with a = -3/4, for four neighbours `t` past the second.
std::array<double, 4> CubicWeights(double t) {
  constexpr double kA = -0.75;
  const auto near = [](double x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
  const auto far = [](double x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

Taps CubicTaps(double place, int64_t in) {
  const double floor = std::floor(place);
  Taps taps{4, {}, CubicWeights(place - floor)};
  for (int k = 0; k < 4; ++k) {
    taps.at[k] = std::clamp<int64_t>(static_cast<int64_t>(floor) - 1 + k, 0, in - 1);
  }
  return taps;
}

// The weighted sum over the taps of three dimensions.
double Blend(const ConstTensor& input, int64_t plane, const Three& in,
             const std::array<Taps, 3>& taps) {
  double sum = 0;
  for (int z = 0; z < taps[0].count; ++z) {
    for (int y = 0; y < taps[1].count; ++y) {
      for (int x = 0; x < taps[2].count; ++x) {
        const double weight = taps[0].weight[z] * taps[1].weight[y] * taps[2].weight[x];
        if (weight == 0) continue;
        sum +=
            weight * Load<double>(input, plane + (taps[0].at[z] * in[1] + taps[1].at[y]) * in[2] +
                                             taps[2].at[x]);
      }
    }
  }
  return sum;
}

template <int kSpatial, Taps (*kTaps)(double, int64_t)>
absl::Status RunInterpolate(const KernelContext& context) {
  const Pooling p(context, kSpatial);
  const auto range = [](int, int64_t o) { return Range{o, o + 1, 1, 0}; };
  p.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& r) {
    std::array<Taps, 3> taps;
    for (int d = 3 - kSpatial; d < 3; ++d) {
      taps[d] =
          kTaps(Place(context, kScales[kSpatial - 1][d], p.in[d], p.out[d], r[d].begin), p.in[d]);
    }
    Store(Blend(p.input, plane, p.in, taps), p.output, at);
  });
  return absl::OkStatus();
}

// --- grid_sampler ---

enum Mode { kLinear, kNearest, kCubic };
enum Padding { kZeros, kBorder, kReflection };

// Mirrored into [low, high], which are given twice as large.
template <typename C>
C Reflected(C x, int64_t twice_low, int64_t twice_high) {
  if (twice_low == twice_high) return 0;
  const C low = static_cast<C>(twice_low) / 2, span = static_cast<C>(twice_high - twice_low) / 2;
  x = std::abs(x - low);
  const C extra = std::fmod(x, span);
  const int64_t flips = TruncateToInt(std::floor(x / span));
  return flips % 2 == 0 ? extra + low : span - extra + low;
}

// A place as the padding mode has it.
template <typename C>
C Padded(C x, int64_t size, int64_t padding, bool align) {
  if (padding == kReflection) {
    x = align ? Reflected(x, 0, 2 * (size - 1)) : Reflected(x, -1, 2 * size - 1);
  }
  if (padding == kZeros) return x;
  // A NaN becomes 0.
  return std::min(static_cast<C>(size - 1), x > 0 ? x : C(0));
}

template <typename C>
struct GridSampler {
  int64_t mode, padding;
  bool align;

  // The taps along one dimension for a place in [-1, 1]. Taps outside have weight 0.
  Taps At(C grid, int64_t size) const {
    const C place = align ? (grid + 1) / 2 * static_cast<C>(size - 1)
                          : ((grid + 1) * static_cast<C>(size) - 1) / 2;
    if (mode == kCubic) return Cubic(place, size);
    const C x = Padded(place, size, padding, align);
    Taps taps;
    if (mode == kNearest) {
      taps.at[0] = TruncateToInt(std::nearbyint(x));
    } else {
      const C floor = std::floor(x);
      taps.count = 2;
      taps.at = {TruncateToInt(floor), TruncateToInt(floor + 1), 0, 0};
      taps.weight = {static_cast<double>(floor + 1 - x), static_cast<double>(x - floor), 0, 0};
    }
    DropOutside(size, taps);
    return taps;
  }

  Taps Cubic(C place, int64_t size) const {
    const C floor = std::floor(place);
    Taps taps{4, {}, CubicWeights(static_cast<double>(place - floor))};
    for (int k = 0; k < 4; ++k) {
      taps.at[k] = TruncateToInt(Padded(floor - 1 + static_cast<C>(k), size, padding, align));
    }
    DropOutside(size, taps);
    return taps;
  }

  static void DropOutside(int64_t size, Taps& taps) {
    for (int k = 0; k < taps.count; ++k) {
      if (taps.at[k] >= 0 && taps.at[k] < size) continue;
      taps.at[k] = 0;
      taps.weight[k] = 0;
    }
  }
};

template <int kSpatial>
absl::Status RunGridSampler(const KernelContext& context) {
  const ConstTensor input = context.In("input"), grid = context.In("grid");
  const Tensor out = context.Out();
  const Three in = LastDims(input.dims, kSpatial);
  const int64_t plane_size = in[0] * in[1] * in[2];
  const int64_t channels = input.dims[1];
  const int64_t places = Product(out.dims.subspan(2));
  VisitElement(input.dtype, [&](auto tag) {
    using C = std::conditional_t<std::is_integral_v<decltype(tag)>, float, Wide<decltype(tag)>>;
    const GridSampler<C> sampler{context.op().Int("interpolation_mode"),
                                 context.op().Int("padding_mode"),
                                 context.op().Bool("align_corners")};
    for (int64_t n = 0; n < input.dims[0]; ++n) {
      for (int64_t i = 0; i < places; ++i) {
        std::array<Taps, 3> taps;
        for (int d = 0; d < kSpatial; ++d) {  // the grid names the last dimension first
          taps[2 - d] = sampler.At(Load<C>(grid, (n * places + i) * kSpatial + d), in[2 - d]);
        }
        for (int64_t c = 0; c < channels; ++c) {
          Store(Blend(input, (n * channels + c) * plane_size, in, taps), out,
                (n * channels + c) * places + i);
        }
      }
    }
  });
  return absl::OkStatus();
}

// --- padding with border elements ---

template <int kSpatial, bool kReflect>
absl::Status RunBorderPad(const KernelContext& context) {
  const Pooling p(context, kSpatial);
  const absl::Span<const int64_t> padding = context.op().Ints("padding");
  const auto range = [&](int d, int64_t o) {
    if (d < 3 - kSpatial) return Range{o, o + 1, 1, 0};
    int64_t at = o - padding[2 * (2 - d)];
    const int64_t last = p.in[d] - 1;
    if (kReflect) {
      at = std::abs(at);
      if (at > last) at = 2 * last - at;
    }
    at = std::clamp<int64_t>(at, 0, last);
    return Range{at, at + 1, 1, 0};
  };
  p.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& r) {
    const int64_t from = plane + (r[0].begin * p.in[1] + r[1].begin) * p.in[2] + r[2].begin;
    CopyElements(p.input, {{1}, from}, p.output, {{1}, at}, {1});
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> ResampleKernels() {
  return {
      {"aten::upsample_nearest1d", RunUpsampleNearest<1, false>},
      {"aten::upsample_nearest2d", RunUpsampleNearest<2, false>},
      {"aten::upsample_nearest3d", RunUpsampleNearest<3, false>},
      {"aten::_upsample_nearest_exact1d", RunUpsampleNearest<1, true>},
      {"aten::_upsample_nearest_exact2d", RunUpsampleNearest<2, true>},
      {"aten::_upsample_nearest_exact3d", RunUpsampleNearest<3, true>},
      {"aten::upsample_linear1d", RunInterpolate<1, LinearTaps>},
      {"aten::upsample_bilinear2d", RunInterpolate<2, LinearTaps>},
      {"aten::upsample_trilinear3d", RunInterpolate<3, LinearTaps>},
      {"aten::upsample_bicubic2d", RunInterpolate<2, CubicTaps>},
      {"aten::grid_sampler_2d", RunGridSampler<2>},
      {"aten::grid_sampler_3d", RunGridSampler<3>},
      {"aten::reflection_pad1d", RunBorderPad<1, true>},
      {"aten::reflection_pad2d", RunBorderPad<2, true>},
      {"aten::reflection_pad3d", RunBorderPad<3, true>},
      {"aten::replication_pad1d", RunBorderPad<1, false>},
      {"aten::replication_pad2d", RunBorderPad<2, false>},
      {"aten::replication_pad3d", RunBorderPad<3, false>},
  };
}

}  // namespace ingot::reference
