// Pooling, one window after another.
#include <limits>

#include "backends/reference/kernels/families.h"
#include "backends/reference/kernels/pooling.h"

namespace ingot::reference {
namespace {

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

// The maximum of each window and its place in the plane. kFixed: windows by kernel_size and stride;
// otherwise they divide the input.
template <int kSpatial, bool kFixed>
absl::Status RunMaxPoolWithIndices(const KernelContext& context) {
  const Pooling p(context, kSpatial);
  const auto range = [&](int d, int64_t o) {
    if constexpr (kFixed) {
      return Windows(context.op(), kSpatial).At(p, d, o);
    } else {
      return Range{o * p.in[d] / p.out[d], ((o + 1) * p.in[d] + p.out[d] - 1) / p.out[d], 1, 0};
    }
  };
  VisitAccumulator(p.input.dtype, [&](auto tag) {
    using A = decltype(tag);
    p.ForEachWindow(range, [&](int64_t at, int64_t plane, const auto& r) {
      A best = std::is_integral_v<A> ? std::numeric_limits<A>::min()
                                     : -std::numeric_limits<A>::infinity();
      int64_t best_at = (r[0].begin * p.in[1] + r[1].begin) * p.in[2] + r[2].begin;
      for (int64_t z = r[0].begin; z < r[0].end; z += r[0].step) {
        for (int64_t y = r[1].begin; y < r[1].end; y += r[1].step) {
          for (int64_t x = r[2].begin; x < r[2].end; x += r[2].step) {
            const int64_t place = (z * p.in[1] + y) * p.in[2] + x;
            const A value = Load<A>(p.input, plane + place);
            if (!(value > best || IsNan(value))) continue;
            best = value;
            best_at = place;
          }
        }
      }
      Store(best, context.Out(0), at);
      Store(best_at, context.Out(1), at);
    });
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> PoolKernels() {
  return {
      {"aten::max_pool1d", RunMaxPool<1>},
      {"aten::max_pool2d", RunMaxPool<2>},
      {"aten::max_pool3d", RunMaxPool<3>},
      {"aten::max_pool2d_with_indices", RunMaxPoolWithIndices<2, true>},
      {"aten::max_pool3d_with_indices", RunMaxPoolWithIndices<3, true>},
      {"aten::adaptive_max_pool2d", RunMaxPoolWithIndices<2, false>},
      {"aten::adaptive_max_pool3d", RunMaxPoolWithIndices<3, false>},
      {"aten::avg_pool1d", RunAvgPool<1>},
      {"aten::avg_pool2d", RunAvgPool<2>},
      {"aten::avg_pool3d", RunAvgPool<3>},
      {"aten::adaptive_avg_pool1d", RunAdaptiveAvgPool<1>},
      {"aten::adaptive_avg_pool2d", RunAdaptiveAvgPool<2>},
      {"aten::_adaptive_avg_pool3d", RunAdaptiveAvgPool<3>},
  };
}

}  // namespace ingot::reference
