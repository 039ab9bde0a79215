#include "backends/onednn/kernels/depthwise.h"

#include <algorithm>

#include "backends/onednn/kernels/parallel.h"

#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_DEPTHWISE_SHARED_
#define INGOT_BACKENDS_ONEDNN_KERNELS_DEPTHWISE_SHARED_
namespace ingot::kernels::internal {
inline constexpr int64_t kBlockChannels = 64;
}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_DEPTHWISE_SHARED_

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

// Neighbouring outputs that share the weights and the inputs in registers. Seven divides the widths
// that images of 224 pixels come down to.
constexpr int kOutputs = 7;

// Neighbouring outputs of a line, in all that does not depend on the channel. Addresses are those
// of channel 0.
struct Tile {
  const DepthwiseArgs& a;
  int64_t count;  // outputs: kOutputs, or the whole line if that is shorter
  int64_t row;    // of the first output in the result
  float* y;       // the first output
  // The first output's first tap, in the first row of the window that lies in the image.
  const float* x;
  const float* w;
  int64_t rows;          // of the window that lie in the image
  int64_t x_row, w_row;  // from one to the next
  // Input columns inside of the image, counted from x.
  int64_t begin, end;
  // The stages from the result's first element on; null: they are more than registers do.
  const RegisterStages* stages;
};

// Adds the taps of one row of a window that is kWidth wide to the sums of a tile. Each input is
// loaded once.
template <int kWidth, int kStride>
struct NarrowWindow {
  template <bool kInside, class Access>
  static HWY_INLINE void AddRow(const Tile& t, const float* x, const float* w, const Access& access,
                                F32 (&sum)[kOutputs]) {
    // Three neighbours share a pointer: then all of them stay in registers.
    constexpr int kInputs = (kOutputs - 1) * kStride + kWidth;
    const int64_t channels = t.a.channels;
    const float *inputs[(kInputs + 2) / 3], *weights[(kWidth + 2) / 3];
#pragma GCC unroll 8
    for (int i = 0; i < (kInputs + 2) / 3; ++i) inputs[i] = x + 3 * i * channels;
#pragma GCC unroll 8
    for (int i = 0; i < (kWidth + 2) / 3; ++i) weights[i] = w + 3 * i * channels;
    F32 weight[kWidth];
#pragma GCC unroll 8
    for (int kw = 0; kw < kWidth; ++kw)
      weight[kw] = access.Load(weights[kw / 3] + kw % 3 * channels);
#pragma GCC unroll 32
    for (int j = 0; j < kInputs; ++j) {
      if (!kInside && (j < t.begin || j >= t.end)) continue;
      const F32 input = access.Load(inputs[j / 3] + j % 3 * channels);
#pragma GCC unroll 8
      for (int kw = 0; kw < kWidth; ++kw) {
        const int i = (j - kw) / kStride;
        if (j - kw != i * kStride || j < kw || i >= kOutputs) continue;
        sum[i] = hn::MulAdd(input, weight[kw], sum[i]);
      }
    }
  }
};

// The same for any window.
struct AnyWindow {
  template <bool kInside, class Access>
  static HWY_INLINE void AddRow(const Tile& t, const float* x, const float* w, const Access& access,
                                F32 (&sum)[kOutputs]) {
    const DepthwiseArgs& a = t.a;
    for (int64_t kw = 0; kw < a.kernel[1]; ++kw) {
      const F32 weight = access.Load(w + kw * a.channels);
#pragma GCC unroll 8
      for (int i = 0; i < kOutputs; ++i) {
        const int64_t j = i * a.stride[1] + kw * a.dilation[1];
        if (!kInside && (j < t.begin || j >= t.end)) continue;
        sum[i] = hn::MulAdd(access.Load(x + j * a.channels), weight, sum[i]);
      }
    }
  }
};

template <class Access>
HWY_INLINE void Finish(const Tile& t, int64_t c, F32 (&sum)[kOutputs], const Access& access) {
  // In registers: what is stored may be anything's memory for all the compiler knows.
  const int64_t channels = t.a.channels, count = t.count;
  float* const y = t.y + c;
  if (t.stages == nullptr) {
    HWY_ALIGN float sums[kOutputs * kN];
#pragma GCC unroll 8
    for (int i = 0; i < kOutputs; ++i) hn::Store(sum[i], kTag, sums + i * kN);
    FinishSums({sums, kN, count, std::min(kN, channels - c), t.row, c}, t.a.stages, y, channels);
    return;
  }
  const RegisterStages& stages = *t.stages;
  if (stages.addend != nullptr) {
    const int64_t stride = stages.addend_stride;
    const float* const addend = stages.addend + t.row * stride + c;
#pragma GCC unroll 8
    for (int i = 0; i < kOutputs; ++i) {
      if (i < count) sum[i] = hn::Add(sum[i], access.Load(addend + i * stride));
    }
  }
  if (stages.bounded) {
    const F32 low = hn::Set(kTag, stages.low), high = hn::Set(kTag, stages.high);
#pragma GCC unroll 8
    for (int i = 0; i < kOutputs; ++i) sum[i] = AtMost(AtLeast(sum[i], low), high);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kOutputs; ++i) {
    if (i < count) access.Store(sum[i], y + i * channels);
  }
}

template <class Window, bool kInside, class Access>
HWY_INLINE void RunTile(const Tile& t, int64_t c, const Access& access) {
  F32 sum[kOutputs];
  const F32 first = t.a.bias == nullptr ? hn::Zero(kTag) : access.Load(t.a.bias + c);
#pragma GCC unroll 8
  for (int i = 0; i < kOutputs; ++i) sum[i] = first;
  const float *x = t.x + c, *w = t.w + c;
  for (int64_t row = 0; row < t.rows; ++row, x += t.x_row, w += t.w_row) {
    Window::template AddRow<kInside>(t, x, w, access, sum);
  }
  Finish(t, c, sum, access);
}

// The channels [c, channel_end) of a tile.
template <class Window>
void RunVectors(const Tile& t, int64_t c, int64_t channel_end) {
  const DepthwiseArgs& a = t.a;
  const int64_t inputs = (kOutputs - 1) * a.stride[1] + (a.kernel[1] - 1) * a.dilation[1] + 1;
  if (t.begin <= 0 && t.end >= inputs) {
    for (; c + kN <= channel_end; c += kN) RunTile<Window, true>(t, c, WholeVector());
  } else {
    for (; c + kN <= channel_end; c += kN) RunTile<Window, false>(t, c, WholeVector());
  }
  if (c < channel_end) {
    RunTile<Window, false>(t, c, PartVector{static_cast<size_t>(channel_end - c)});
  }
}

using RunVectorsFn = void (*)(const Tile& t, int64_t c, int64_t channel_end);

RunVectorsFn VectorsFor(const DepthwiseArgs& a) {
  struct Row {
    int64_t width, stride;
    RunVectorsFn run;
  };
  static constexpr Row kRows[] = {
      {3, 1, RunVectors<NarrowWindow<3, 1>>}, {3, 2, RunVectors<NarrowWindow<3, 2>>},
      {5, 1, RunVectors<NarrowWindow<5, 1>>}, {5, 2, RunVectors<NarrowWindow<5, 2>>},
      {7, 1, RunVectors<NarrowWindow<7, 1>>},
  };
  for (const Row& row : kRows) {
    if (a.kernel[1] == row.width && a.stride[1] == row.stride && a.dilation[1] == 1) return row.run;
  }
  return RunVectors<AnyWindow>;
}

// The tile from (oh, ow) of an image on, whose line is `line` of the result.
Tile TileAt(const DepthwiseArgs& a, const float* image, int64_t oh, int64_t ow, int64_t line,
            const RegisterStages* stages) {
  const int64_t ih = oh * a.stride[0] - a.padding[0], iw = ow * a.stride[1] - a.padding[1];
  // Rows [first, last) of the window lie in the image.
  const int64_t step = a.dilation[0];
  const int64_t first = ih >= 0 ? 0 : (-ih + step - 1) / step;
  const int64_t last = std::min(a.kernel[0], (a.in[0] - ih + step - 1) / step);
  const int64_t in_line = a.in[1] * a.channels, row = line * a.out[1] + ow;
  Tile t = {a};
  t.count = std::min<int64_t>(kOutputs, a.out[1]);
  t.row = row;
  t.y = a.y + row * a.channels;
  t.x = image + (ih + first * step) * in_line + iw * a.channels;
  t.x_row = step * in_line;
  t.w_row = a.kernel[1] * a.channels;
  t.w = a.weights + first * t.w_row;
  t.rows = last - first;
  t.begin = -iw;
  t.end = a.in[1] - iw;
  t.stages = stages;
  return t;
}

}  // namespace

// Lines [begin, end) of the images' outputs, of the channels [channel_begin, channel_end). Some
// channels of all lines come before others: what a line has read is in L1 for the next.
void DepthwiseLines(const DepthwiseArgs& a, int64_t begin, int64_t end, int64_t channel_begin,
                    int64_t channel_end) {
  const RunVectorsFn run = VectorsFor(a);
  RegisterStages fit;
  const RegisterStages* const stages = FitRegisters(a.stages, 0, 0, fit) ? &fit : nullptr;
  while (begin < end) {
    const int64_t image = begin / a.out[0], first = image * a.out[0];
    const int64_t image_end = std::min(end, first + a.out[0]);
    const float* const x = a.x + image * a.in[0] * a.in[1] * a.channels;
    for (int64_t c = channel_begin; c < channel_end; c += internal::kBlockChannels) {
      const int64_t block_end = std::min(c + internal::kBlockChannels, channel_end);
      for (int64_t column = 0; column < a.out[1]; column += kOutputs) {
        // The last ones may be done twice.
        const int64_t ow = std::max<int64_t>(std::min(column, a.out[1] - kOutputs), 0);
        for (int64_t line = begin; line < image_end; ++line) {
          run(TileAt(a, x, line - first, ow, line, stages), c, block_end);
        }
      }
    }
    begin = image_end;
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

// The share of the threads' time that is used when n items are split among them.
double Balance(int64_t n, int threads) {
  const int64_t most = (n + threads - 1) / threads;
  return static_cast<double>(n) / static_cast<double>(most * threads);
}

}  // namespace

void Depthwise(const DepthwiseArgs& args, int threads) {
  const int64_t lines = args.images * args.out[0];
  const int64_t blocks = (args.channels + internal::kBlockChannels - 1) / internal::kBlockChannels;
  if (lines == 0 || blocks == 0) return;
  const double nanoseconds =
      static_cast<double>(lines * args.out[1] * args.channels * args.kernel[0] * args.kernel[1]) /
          kTapsPerNanosecond +
      1;
  if (Balance(blocks, threads) > Balance(lines, threads)) {
    ParallelFor(threads, blocks, GrainFor(nanoseconds / static_cast<double>(blocks)),
                [&](int64_t begin, int64_t end, int) {
                  HWY_DYNAMIC_DISPATCH(DepthwiseLines)
                  (args, 0, lines, begin * internal::kBlockChannels,
                   std::min(end * internal::kBlockChannels, args.channels));
                });
    return;
  }
  ParallelFor(threads, lines, GrainFor(nanoseconds / static_cast<double>(lines)),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(DepthwiseLines)(args, begin, end, 0, args.channels);
              });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
