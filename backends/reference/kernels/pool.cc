// Pooling and resampling, one window after another.
#include <array>
#include <limits>

#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

// One to three spatial dimensions, completed to three by sizes of 1 in front.
using Three = std::array<int64_t, 3>;

Three LastDims(absl::Span<const int64_t> dims, int spatial) {
  Three three = {1, 1, 1};
  std::copy(dims.end() - spatial, dims.end(), three.end() - spatial);
  return three;
}

Three Parameter(absl::Span<const int64_t> list, int spatial, int64_t neutral) {
  Three three = {neutral, neutral, neutral};
  for (int i = 0; i < spatial; ++i) three[3 - spatial + i] = list[list.size() == 1 ? 0 : i];
  return three;
}

// The input places of one window along one dimension: `step` apart, `begin` to before `end`, all
// inside.
struct Range {
  int64_t begin = 0, end = 0, step = 1;
  int64_t padded = 0;  // places, with those in the padding
};

struct Pooling {
  int spatial;
  Three in, out;
  ConstTensor input;
  Tensor output;

  Pooling(const KernelContext& context, int spatial)
      : spatial(spatial),
        in(LastDims(context.In("self").dims, spatial)),
        out(LastDims(context.Out().dims, spatial)),
        input(context.In("self")),
        output(context.Out()) {}

  // Calls fn(result offset, input plane offset, three ranges) for each result element.
  template <typename RangeFn, typename Fn>
  void ForEachWindow(RangeFn&& range, Fn&& fn) const {
    const int64_t in_plane = in[0] * in[1] * in[2], out_plane = out[0] * out[1] * out[2];
    if (out_plane == 0) return;
    const int64_t planes = output.NumElements() / out_plane;
    int64_t at = 0;
    for (int64_t plane = 0; plane < planes; ++plane) {
      for (int64_t z = 0; z < out[0]; ++z) {
        for (int64_t y = 0; y < out[1]; ++y) {
          for (int64_t x = 0; x < out[2]; ++x) {
            const std::array<Range, 3> ranges = {range(0, z), range(1, y), range(2, x)};
            fn(at++, plane * in_plane, ranges);
          }
        }
      }
    }
  }

  // Calls fn(value) for each element of a window.
  template <typename A, typename Fn>
  void ForEachElement(int64_t plane, const std::array<Range, 3>& r, Fn&& fn) const {
    for (int64_t z = r[0].begin; z < r[0].end; z += r[0].step) {
      for (int64_t y = r[1].begin; y < r[1].end; y += r[1].step) {
        for (int64_t x = r[2].begin; x < r[2].end; x += r[2].step) {
          fn(Load<A>(input, plane + (z * in[1] + y) * in[2] + x));
        }
      }
    }
  }
};

// Fixed windows: kernel_size, stride, padding and dilation.
struct Windows {
  Three kernel, stride, padding, dilation;

  Windows(const ops::OpView& op, int spatial)
      : kernel(Parameter(op.Ints("kernel_size"), spatial, 1)),
        stride(Parameter(op.Ints("stride").empty() ? op.Ints("kernel_size") : op.Ints("stride"),
                         spatial, 1)),
        padding(Parameter(op.Ints("padding"), spatial, 0)),
        dilation({1, 1, 1}) {
    if (op.def().schema.Find("dilation") >= 0)
      dilation = Parameter(op.Ints("dilation"), spatial, 1);
  }

  Range At(const Pooling& p, int d, int64_t o) const {
    Range r;
    r.step = dilation[d];
    r.begin = o * stride[d] - padding[d];
    r.end = r.begin + (kernel[d] - 1) * dilation[d] + 1;
    r.padded = std::min(r.end, p.in[d] + padding[d]) - r.begin;
    if (r.begin < 0) r.begin += (-r.begin + r.step - 1) / r.step * r.step;
    r.end = std::min(r.end, p.in[d]);
    return r;
  }
};

template <int kSpatial>
absl::Status RunMaxPool(const KernelContext& context) {
  const Pooling pooling(context, kSpatial);
  const Windows windows(context.op(), kSpatial);
  VisitAccumulator(pooling.input.dtype, [&](auto tag) {
    using A = decltype(tag);
    const auto range = [&](int d, int64_t o) { return windows.At(pooling, d, o); };
    pooling.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& ranges) {
      A best = std::is_integral_v<A> ? std::numeric_limits<A>::min()
                                     : -std::numeric_limits<A>::infinity();
      pooling.ForEachElement<A>(plane, ranges, [&](A value) {
        if (value > best || IsNan(value)) best = value;
      });
      Store(best, pooling.output, at);
    });
  });
  return absl::OkStatus();
}

template <int kSpatial>
absl::Status RunAvgPool(const KernelContext& context) {
  const Pooling pooling(context, kSpatial);
  const Windows windows(context.op(), kSpatial);
  const bool include_pad = context.op().Bool("count_include_pad");
  const bool may_override = context.op().def().schema.Find("divisor_override") >= 0;
  const int64_t fixed_divisor = may_override ? context.op().IntOr("divisor_override", 0) : 0;
  VisitAccumulator(pooling.input.dtype, [&](auto tag) {
    using A = decltype(tag);
    const auto range = [&](int d, int64_t o) { return windows.At(pooling, d, o); };
    pooling.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& ranges) {
      A sum = 0;
      int64_t count = 0, padded = 1;
      pooling.ForEachElement<A>(plane, ranges, [&](A value) {
        sum = Plus(sum, value);
        ++count;
      });
      for (const Range& r : ranges) padded *= r.padded;
      const int64_t divisor = fixed_divisor != 0 ? fixed_divisor : include_pad ? padded : count;
      Store(count == 0 ? A(0) : sum / static_cast<A>(divisor), pooling.output, at);
    });
  });
  return absl::OkStatus();
}

template <int kSpatial>
absl::Status RunAdaptiveAvgPool(const KernelContext& context) {
  const Pooling pooling(context, kSpatial);
  const auto range = [&](int d, int64_t o) {
    const int64_t in = pooling.in[d], out = pooling.out[d];
    return Range{o * in / out, ((o + 1) * in + out - 1) / out, 1, 0};
  };
  pooling.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& ranges) {
    double sum = 0;
    int64_t count = 0;
    pooling.ForEachElement<double>(plane, ranges, [&](double value) {
      sum += value;
      ++count;
    });
    Store(sum / static_cast<double>(count), pooling.output, at);
  });
  return absl::OkStatus();
}

// Input units a result unit: the given scale's inverse, else the ratio of the sizes.
double InverseScale(const KernelContext& context, const char* name, int64_t in, int64_t out) {
  const double scale = context.op().FloatOr(name, 0.0);
  return scale > 0 ? 1 / scale : static_cast<double>(in) / static_cast<double>(out);
}

absl::Status RunUpsampleNearest2d(const KernelContext& context) {
  const Pooling pooling(context, 2);
  // Places are computed in float, as in eager: another precision would pick other neighbours.
  const float scales[3] = {
      1, static_cast<float>(InverseScale(context, "scales_h", pooling.in[1], pooling.out[1])),
      static_cast<float>(InverseScale(context, "scales_w", pooling.in[2], pooling.out[2]))};
  const auto range = [&](int d, int64_t o) {
    const int64_t at = static_cast<int64_t>(std::floor(static_cast<float>(o) * scales[d]));
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

// Two neighbours and the weight of the second.
struct Blend {
  int64_t first, second;
  double weight;
};

Blend BlendAt(const KernelContext& context, const char* scale_name, int64_t in, int64_t out,
              int64_t o) {
  double place;
  if (context.op().Bool("align_corners")) {
    place = out > 1 ? static_cast<double>(o) * (in - 1) / (out - 1) : 0.0;
  } else {
    place = std::max((o + 0.5) * InverseScale(context, scale_name, in, out) - 0.5, 0.0);
  }
  const int64_t first = std::min(static_cast<int64_t>(place), in - 1);
  return {first, std::min(first + 1, in - 1), place - static_cast<double>(first)};
}

absl::Status RunUpsampleBilinear2d(const KernelContext& context) {
  const Pooling p(context, 2);
  const int64_t planes = p.in[1] * p.in[2] == 0 ? 0 : p.input.NumElements() / (p.in[1] * p.in[2]);
  int64_t at = 0;
  for (int64_t plane = 0; plane < planes; ++plane) {
    for (int64_t oy = 0; oy < p.out[1]; ++oy) {
      const Blend y = BlendAt(context, "scales_h", p.in[1], p.out[1], oy);
      for (int64_t ox = 0; ox < p.out[2]; ++ox) {
        const Blend x = BlendAt(context, "scales_w", p.in[2], p.out[2], ox);
        const auto row = [&](int64_t iy) {
          const int64_t from = (plane * p.in[1] + iy) * p.in[2];
          return (1 - x.weight) * Load<double>(p.input, from + x.first) +
                 x.weight * Load<double>(p.input, from + x.second);
        };
        Store((1 - y.weight) * row(y.first) + y.weight * row(y.second), p.output, at++);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> PoolKernels() {
  return {
      {"aten::max_pool1d", RunMaxPool<1>},
      {"aten::max_pool2d", RunMaxPool<2>},
      {"aten::max_pool3d", RunMaxPool<3>},
      {"aten::avg_pool1d", RunAvgPool<1>},
      {"aten::avg_pool2d", RunAvgPool<2>},
      {"aten::avg_pool3d", RunAvgPool<3>},
      {"aten::adaptive_avg_pool1d", RunAdaptiveAvgPool<1>},
      {"aten::adaptive_avg_pool2d", RunAdaptiveAvgPool<2>},
      {"aten::upsample_nearest2d", RunUpsampleNearest2d},
      {"aten::upsample_bilinear2d", RunUpsampleBilinear2d},
  };
}

}  // namespace ingot::reference
