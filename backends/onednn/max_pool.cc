#include "backends/onednn/max_pool.h"

#include <algorithm>
#include <limits>

#include "backends/onednn/kernels/parallel.h"

namespace ingot::onednn {
namespace {

constexpr double kTapsPerNanosecond = 2;

// A NaN in m stays: nothing is greater than it.
void TakeMaximum(const float* __restrict x, float* __restrict m, int64_t count) {
  for (int64_t i = 0; i < count; ++i) m[i] = !(x[i] <= m[i]) && m[i] == m[i] ? x[i] : m[i];
}

// First tap inside the input, and the input position after the last one.
struct Taps {
  int64_t begin, end;
};
Taps TapsAt(const MaxPoolArgs& a, int d, int64_t position) {
  int64_t begin = position * a.stride[d] - a.padding[d];
  const int64_t end = std::min(begin + (a.kernel[d] - 1) * a.dilation[d] + 1, a.in[d]);
  if (begin < 0) begin += (-begin + a.dilation[d] - 1) / a.dilation[d] * a.dilation[d];
  return {begin, end};
}

void PoolRow(const MaxPoolArgs& a, int64_t outer, int64_t od, int64_t oh) {
  const Taps depth = TapsAt(a, 0, od), height = TapsAt(a, 1, oh);
  float* y = a.y + ((outer * a.out[0] + od) * a.out[1] + oh) * a.out[2] * a.inner;
  for (int64_t ow = 0; ow < a.out[2]; ++ow, y += a.inner) {
    const Taps width = TapsAt(a, 2, ow);
    std::fill_n(y, a.inner, -std::numeric_limits<float>::infinity());
    for (int64_t d = depth.begin; d < depth.end; d += a.dilation[0]) {
      for (int64_t h = height.begin; h < height.end; h += a.dilation[1]) {
        const float* row = a.x + ((outer * a.in[0] + d) * a.in[1] + h) * a.in[2] * a.inner;
        for (int64_t w = width.begin; w < width.end; w += a.dilation[2]) {
          TakeMaximum(row + w * a.inner, y, a.inner);
        }
      }
    }
  }
}

}  // namespace

void MaxPool(const MaxPoolArgs& args, int threads) {
  const int64_t rows = args.outer * args.out[0] * args.out[1];
  const int64_t taps = args.out[2] * args.inner * args.kernel[0] * args.kernel[1] * args.kernel[2];
  kernels::ParallelFor(threads, rows,
                       kernels::GrainFor(static_cast<double>(taps + 1) / kTapsPerNanosecond),
                       [&](int64_t begin, int64_t end, int) {
                         for (int64_t r = begin; r < end; ++r) {
                           const int64_t plane = r / args.out[1];
                           PoolRow(args, plane / args.out[0], plane % args.out[0], r % args.out[1]);
                         }
                       });
}

}  // namespace ingot::onednn
