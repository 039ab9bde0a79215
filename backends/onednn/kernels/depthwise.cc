#include "backends/onednn/kernels/depthwise.h"

#include <algorithm>

#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/depthwise.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/epilogue-inl.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr F32Tag kTag;
constexpr int64_t kN = kF32Lanes;
// Neighbouring outputs that share their weights in registers.
constexpr int64_t kColumns = 4;
constexpr int64_t kVectors = 2;

// Numbers of the taps, from `begin` on, that lie inside of the image.
struct Taps {
  int64_t begin, end;
};
Taps TapsAt(const DepthwiseArgs& a, int d, int64_t position) {
  const int64_t first = position * a.stride[d] - a.padding[d], dilation = a.dilation[d];
  const int64_t begin = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
  const int64_t rest = a.in[d] - first;  // the first tap that is outside has dilation * tap >= rest
  const int64_t end = rest <= 0 ? 0 : (rest + dilation - 1) / dilation;
  return {std::min(begin, a.kernel[d]), std::min(end, a.kernel[d])};
}

// One line of output.
struct Line {
  const DepthwiseArgs& a;
  const float* x;  // the image's first pixel
  int64_t oh;
  int64_t row;  // of the line's first pixel in the result
};

// kCount neighbouring outputs from `ow` on, all with taps `width`, of kVectorsHere vectors of
// channels from `c` on; `access` reaches a vector of them.
template <int kCount, int kVectorsHere, class Access>
HWY_INLINE void Sums(const Line& line, int64_t ow, const Taps& width, int64_t c,
                     const Access& access) {
  const DepthwiseArgs& a = line.a;
  F32 sum[kCount][kVectorsHere];
#pragma GCC unroll 4
  for (int v = 0; v < kVectorsHere; ++v) {
    const F32 first = a.bias == nullptr ? hn::Zero(kTag) : access.Load(a.bias + c + v * kN);
#pragma GCC unroll 4
    for (int i = 0; i < kCount; ++i) sum[i][v] = first;
  }
  const Taps height = TapsAt(a, 0, line.oh);
  const int64_t step = a.stride[1] * a.channels;
  for (int64_t kh = height.begin; kh < height.end; ++kh) {
    const int64_t ih = line.oh * a.stride[0] - a.padding[0] + kh * a.dilation[0];
    for (int64_t kw = width.begin; kw < width.end; ++kw) {
      const int64_t iw = ow * a.stride[1] - a.padding[1] + kw * a.dilation[1];
      const float* const x = line.x + (ih * a.in[1] + iw) * a.channels + c;
      const float* const w = a.weights + (kh * a.kernel[1] + kw) * a.channels + c;
#pragma GCC unroll 4
      for (int v = 0; v < kVectorsHere; ++v) {
        const F32 weight = access.Load(w + v * kN);
#pragma GCC unroll 4
        for (int i = 0; i < kCount; ++i) {
          sum[i][v] = hn::MulAdd(access.Load(x + i * step + v * kN), weight, sum[i][v]);
        }
      }
    }
  }
  HWY_ALIGN float tile[kCount * kVectorsHere * kN];
  for (int i = 0; i < kCount; ++i) {
    for (int v = 0; v < kVectorsHere; ++v) {
      hn::Store(sum[i][v], kTag, tile + (i * kVectorsHere + v) * kN);
    }
  }
  const int64_t row = line.row + ow, columns = std::min(kVectorsHere * kN, a.channels - c);
  FinishSums({tile, kVectorsHere * kN, kCount, columns, row, c}, a.stages,
             a.y + row * a.channels + c, a.channels);
}

template <int kCount>
void Channels(const Line& line, int64_t ow, const Taps& width) {
  const int64_t channels = line.a.channels;
  int64_t c = 0;
  for (; c + kVectors * kN <= channels; c += kVectors * kN) {
    Sums<kCount, kVectors>(line, ow, width, c, WholeVector());
  }
  for (; c + kN <= channels; c += kN) Sums<kCount, 1>(line, ow, width, c, WholeVector());
  if (c < channels) {
    Sums<kCount, 1>(line, ow, width, c, PartVector{static_cast<size_t>(channels - c)});
  }
}

}  // namespace

// Lines [begin, end) of the images' outputs.
void DepthwiseLines(const DepthwiseArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const int64_t image = i / a.out[0];
    const Line line = {a, a.x + image * a.in[0] * a.in[1] * a.channels, i % a.out[0], i * a.out[1]};
    for (int64_t ow = 0; ow < a.out[1];) {
      const Taps width = TapsAt(a, 1, ow);
      // Outputs with all taps are done together; those at the edges one by one.
      const bool whole = width.begin == 0 && width.end == a.kernel[1] &&
                         ow + kColumns <= a.out[1] &&
                         TapsAt(a, 1, ow + kColumns - 1).end == a.kernel[1];
      if (whole) {
        Channels<kColumns>(line, ow, width);
        ow += kColumns;
      } else {
        Channels<1>(line, ow++, width);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(DepthwiseLines);

constexpr double kTapsPerNanosecond = 16;

}  // namespace

void Depthwise(const DepthwiseArgs& args, int threads) {
  const double taps =
      static_cast<double>(args.out[1] * args.channels * args.kernel[0] * args.kernel[1]);
  ParallelFor(threads, args.images * args.out[0], GrainFor((taps + 1) / kTapsPerNanosecond),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(DepthwiseLines)(args, begin, end);
              });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
