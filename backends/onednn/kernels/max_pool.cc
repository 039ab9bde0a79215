#include "backends/onednn/kernels/max_pool.h"

#include <algorithm>
#include <limits>

#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/max_pool.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Input positions of a window: every `step`-th in [begin, end).
struct Taps {
  int64_t begin, end, step;
};
Taps TapsAt(const MaxPoolArgs& a, int d, int64_t position) {
  int64_t begin = position * a.stride[d] - a.padding[d];
  const int64_t end = std::min(begin + (a.kernel[d] - 1) * a.dilation[d] + 1, a.in[d]);
  if (begin < 0) begin += (-begin + a.dilation[d] - 1) / a.dilation[d] * a.dilation[d];
  return {begin, end, a.dilation[d]};
}

// The lines of input under one line of output: their starts are those of (outer, depth, height).
struct Lines {
  const float* first;  // of plane `outer`
  Taps depth, height;
  int64_t plane, line;  // elements of a depth and of a line
};

template <class F>
HWY_INLINE void ForEachLine(const Lines& lines, const F& f) {
  for (int64_t d = lines.depth.begin; d < lines.depth.end; d += lines.depth.step) {
    for (int64_t h = lines.height.begin; h < lines.height.end; h += lines.height.step) {
      f(lines.first + d * lines.plane + h * lines.line);
    }
  }
}

// Several elements at each position: the maximum of one vector of them stays in a register.
void PoolInner(const MaxPoolArgs& a, const Lines& lines, float* y) {
  const auto pool = [&](const auto& access, int64_t i, const Taps& width, float* to) HWY_ATTR {
    F32 most = hn::Set(kTag, kLowest);
    ForEachLine(lines, [&](const float* line) HWY_ATTR {
      for (int64_t w = width.begin; w < width.end; w += width.step) {
        most = MaxNan(access.Load(line + w * a.inner + i), most);
      }
    });
    access.Store(most, to + i);
  };
  for (int64_t ow = 0; ow < a.out[2]; ++ow, y += a.inner) {
    const Taps width = TapsAt(a, 2, ow);
    int64_t i = 0;
    for (; i + kN <= a.inner; i += kN) pool(WholeVector(), i, width, y);
    if (i < a.inner) pool(PartVector{static_cast<size_t>(a.inner - i)}, i, width, y);
  }
}

// NaN if either is.
float Greater(float a, float b) { return !(a <= b) && b == b ? a : b; }

// One element at each position: first the maxima over the lines, whole vectors of columns at once,
// then those along the line. Columns are done in pieces whose input fits the buffer.
void PoolColumns(const MaxPoolArgs& a, const Lines& lines, float* y) {
  constexpr int64_t kBuffer = 512;
  HWY_ALIGN float most[kBuffer];
  for (int64_t ow = 0; ow < a.out[2];) {
    // Later windows begin here or behind, whatever their dilation.
    const int64_t first = std::max<int64_t>(ow * a.stride[2] - a.padding[2], 0);
    int64_t end_column = ow + 1, last = TapsAt(a, 2, ow).end;
    while (end_column < a.out[2] && TapsAt(a, 2, end_column).end - first <= kBuffer) {
      last = std::max(last, TapsAt(a, 2, end_column++).end);
    }
    const int64_t count = last - first;
    if (count > kBuffer) {
      // A window wider than the buffer.
      float result = kLowest;
      const Taps width = TapsAt(a, 2, ow);
      ForEachLine(lines, [&](const float* line) {
        for (int64_t w = width.begin; w < width.end; w += width.step) {
          result = Greater(line[w], result);
        }
      });
      y[ow++] = result;
      continue;
    }
    std::fill_n(most, count, kLowest);
    ForEachLine(lines, [&](const float* line) HWY_ATTR {
      int64_t i = 0;
      for (; i + kN <= count; i += kN) {
        hn::Store(MaxNan(hn::LoadU(kTag, line + first + i), hn::Load(kTag, most + i)), kTag,
                  most + i);
      }
      for (; i < count; ++i) most[i] = Greater(line[first + i], most[i]);
    });
    for (; ow < end_column; ++ow) {
      const Taps width = TapsAt(a, 2, ow);
      float result = kLowest;
      for (int64_t w = width.begin; w < width.end; w += width.step) {
        result = Greater(most[w - first], result);
      }
      y[ow] = result;
    }
  }
}

}  // namespace

// Lines [begin, end) of the output, counted over outer, depth and height.
void PoolRows(const MaxPoolArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t plane = row / a.out[1], outer = plane / a.out[0];
    Lines lines;
    lines.line = a.in[2] * a.inner;
    lines.plane = a.in[1] * lines.line;
    lines.first = a.x + outer * a.in[0] * lines.plane;
    lines.depth = TapsAt(a, 0, plane % a.out[0]);
    lines.height = TapsAt(a, 1, row % a.out[1]);
    float* const y = a.y + row * a.out[2] * a.inner;
    if (a.inner > 1) {
      PoolInner(a, lines, y);
    } else {
      PoolColumns(a, lines, y);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(PoolRows);

constexpr double kTapsPerNanosecond = 8;

}  // namespace

void MaxPool(const MaxPoolArgs& args, int threads) {
  const int64_t rows = args.outer * args.out[0] * args.out[1];
  const int64_t taps = args.out[2] * args.inner * args.kernel[0] * args.kernel[1] * args.kernel[2];
  ParallelFor(threads, rows, GrainFor(static_cast<double>(taps + 1) / kTapsPerNanosecond),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(PoolRows)(args, begin, end);
              });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
