#include "backends/onednn/kernels/norm.h"

#include <algorithm>
#include <cmath>

#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/norm.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/bf16-inl.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE F32 Splat(float value) { return hn::Set(kTag, value); }

// Runs of this length are summed in f32, 64 additions a lane of each accumulator; their sums are
// added in double.
constexpr int64_t kPiece = 256 * kF32Lanes;

// sum f(x_i); f sees a vector. Lanes beyond the run count as 0.
template <class F>
HWY_INLINE double SumOf(const float* x, int64_t n, const F& f) {
  double total = 0;
  for (int64_t first = 0; first < n; first += kPiece) {
    const float* piece = x + first;
    F32 sums[4] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
    ForEachVector(std::min(kPiece, n - first), sums, [&](auto at, int64_t i, F32& sum) HWY_ATTR {
      sum = hn::Add(sum, at.Or(f(at.Load(piece + i)), hn::Zero(kTag)));
    });
    total += SumAll(sums);
  }
  return total;
}

double Sum(const float* x, int64_t n) {
  return SumOf(x, n, [](F32 v) HWY_ATTR { return v; });
}

double SumOfCentredSquares(const float* x, int64_t n, float mean) {
  const F32 centre = Splat(mean);
  return SumOf(x, n, [&](F32 v) HWY_ATTR {
    const F32 d = hn::Sub(v, centre);
    return hn::Mul(d, d);
  });
}

// Row `row` of the result: (x - mean) * rstd * weight + bias; weight and bias per element, null for
// 1 and 0.
template <class Result>
void NormaliseRow(const RowNorm& args, int64_t row, float mean, float rstd, const float* bias,
                  Result* result) {
  const int64_t n = args.n;
  const float* const x = args.x + row * n;
  const float* const weight = args.weight;
  Result* const y = result + row * n;
  const F32 centre = Splat(mean), scale = Splat(rstd);
  F32 unused[4];
  const auto run = [&](auto has_weight, auto has_bias) HWY_ATTR {
    ForEachVector(n, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
      F32 v = hn::Mul(hn::Sub(at.Load(x + i), centre), scale);
      if constexpr (has_weight && has_bias) {
        v = hn::MulAdd(v, at.Load(weight + i), at.Load(bias + i));
      } else if constexpr (has_weight) {
        v = hn::Mul(v, at.Load(weight + i));
      } else if constexpr (has_bias) {
        v = hn::Add(v, at.Load(bias + i));
      }
      StoreResult(at, v, y + i);
    });
  };
  constexpr std::true_type kYes;
  constexpr std::false_type kNo;
  if (weight != nullptr && bias != nullptr) return run(kYes, kYes);
  if (weight != nullptr) return run(kYes, kNo);
  if (bias != nullptr) return run(kNo, kYes);
  run(kNo, kNo);
}

void NormaliseRow(const RowNorm& args, int64_t row, float mean, float rstd, const float* bias) {
  args.bf16_y != nullptr ? NormaliseRow(args, row, mean, rstd, bias, args.bf16_y)
                         : NormaliseRow(args, row, mean, rstd, bias, args.y);
}

float Rstd(double sum_of_squares, int64_t n, float eps) {
  return static_cast<float>(1.0 / std::sqrt(sum_of_squares / static_cast<double>(n) + double{eps}));
}

}  // namespace

void LayerNormRows(const RowNorm& args, int64_t begin, int64_t end) {
  const int64_t n = args.n;
  for (int64_t row = begin; row < end; ++row) {
    const float* x = args.x + row * n;
    const float mean = static_cast<float>(Sum(x, n) / static_cast<double>(n));
    const float rstd = Rstd(SumOfCentredSquares(x, n, mean), n, args.eps);
    NormaliseRow(args, row, mean, rstd, args.bias);
  }
}

void RmsNormRows(const RowNorm& args, int64_t begin, int64_t end) {
  const int64_t n = args.n;
  for (int64_t row = begin; row < end; ++row) {
    const float* x = args.x + row * n;
    const float rstd = Rstd(SumOfCentredSquares(x, n, 0.0f), n, args.eps);
    NormaliseRow(args, row, 0.0f, rstd, nullptr);
  }
}

// (batch, group) pairs [begin, end): a group is one contiguous run.
void GroupNormNchwGroups(const GroupNormArgs& args, int64_t begin, int64_t end) {
  const int64_t channels = args.channels / args.groups;
  const int64_t n = channels * args.spatial;
  for (int64_t item = begin; item < end; ++item) {
    const float* x = args.x + item * n;
    float* y = args.y + item * n;
    const float mean = static_cast<float>(Sum(x, n) / static_cast<double>(n));
    const float rstd = Rstd(SumOfCentredSquares(x, n, mean), n, args.eps);
    const int64_t first_channel = item % args.groups * channels;
    for (int64_t c = 0; c < channels; ++c) {
      const float weight = args.weight != nullptr ? args.weight[first_channel + c] : 1.0f;
      const float bias = args.bias != nullptr ? args.bias[first_channel + c] : 0.0f;
      const F32 centre = Splat(mean), scale = Splat(rstd * weight), shift = Splat(bias);
      const float* from = x + c * args.spatial;
      float* to = y + c * args.spatial;
      F32 unused[4];
      ForEachVector(args.spatial, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
        at.Store(hn::MulAdd(hn::Sub(at.Load(from + i), centre), scale, shift), to + i);
      });
    }
  }
}

namespace {

// Rows summed in f32 before they are added to the second level.
constexpr int64_t kRowsAPiece = 64;

// totals[c] = sum over rows of (x[row, c] - centre[c])^power, power 1 or 2; `piece` is scratch. All
// [channels].
template <bool kSquare>
void SumRows(const float* x, int64_t rows, int64_t row_stride, int64_t channels,
             const float* centre, float* piece, float* totals) {
  std::fill_n(totals, channels, 0.0f);
  F32 unused[4];
  for (int64_t first = 0; first < rows; first += kRowsAPiece) {
    const int64_t last = std::min(rows, first + kRowsAPiece);
    std::fill_n(piece, channels, 0.0f);
    for (int64_t row = first; row < last; ++row) {
      const float* from = x + row * row_stride;
      ForEachVector(channels, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
        F32 v = at.Load(from + i);
        if constexpr (kSquare) {
          const F32 d = hn::Sub(v, at.Load(centre + i));
          v = hn::Mul(d, d);
        }
        at.Store(hn::Add(at.Load(piece + i), v), piece + i);
      });
    }
    ForEachVector(channels, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
      at.Store(hn::Add(at.Load(totals + i), at.Load(piece + i)), totals + i);
    });
  }
}

// Each group's sum of totals / n, handed to set(group, sum).
template <class Set>
void ForEachGroup(const float* totals, int64_t groups, int64_t channels_a_group, const Set& set) {
  for (int64_t g = 0; g < groups; ++g) {
    double sum = 0;
    for (int64_t c = 0; c < channels_a_group; ++c) sum += totals[g * channels_a_group + c];
    set(g, sum);
  }
}

}  // namespace

// Groups [first_group, first_group + groups) of one image. scratch: 3 * channels floats.
void GroupNormNhwcGroups(const GroupNormArgs& args, int64_t batch, int64_t first_group,
                         int64_t groups, float* scratch) {
  const int64_t per_group = args.channels / args.groups;
  const int64_t channels = groups * per_group;
  const int64_t first_channel = first_group * per_group;
  const int64_t offset = batch * args.spatial * args.channels + first_channel;
  const float* x = args.x + offset;
  float* y = args.y + offset;
  const int64_t count = args.spatial * per_group;
  float* mean = scratch;
  float* scale = scratch + channels;
  float* piece = scratch + 2 * channels;
  SumRows<false>(x, args.spatial, args.channels, channels, nullptr, piece, scale);
  ForEachGroup(scale, groups, per_group, [&](int64_t g, double sum) {
    std::fill_n(mean + g * per_group, per_group,
                static_cast<float>(sum / static_cast<double>(count)));
  });
  SumRows<true>(x, args.spatial, args.channels, channels, mean, piece, scale);
  ForEachGroup(scale, groups, per_group, [&](int64_t g, double sum) {
    std::fill_n(scale + g * per_group, per_group, Rstd(sum, count, args.eps));
  });
  for (int64_t c = 0; c < channels; ++c) {
    if (args.weight != nullptr) scale[c] *= args.weight[first_channel + c];
    piece[c] = args.bias != nullptr ? args.bias[first_channel + c] : 0.0f;
  }
  F32 unused[4];
  for (int64_t row = 0; row < args.spatial; ++row) {
    const float* from = x + row * args.channels;
    float* to = y + row * args.channels;
    ForEachVector(channels, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
      const F32 d = hn::Sub(at.Load(from + i), at.Load(mean + i));
      at.Store(hn::MulAdd(d, at.Load(scale + i), at.Load(piece + i)), to + i);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(LayerNormRows);
HWY_EXPORT(RmsNormRows);
HWY_EXPORT(GroupNormNchwGroups);
HWY_EXPORT(GroupNormNhwcGroups);

constexpr double kNanosecondsAnElement = 0.15;

// Channels a thread should take of an image at least: four cache lines.
constexpr int64_t kMinChannels = 64;

int64_t GroupsAChunk(const GroupNormArgs& args, int threads) {
  const int64_t per_group = args.channels / args.groups;
  const int64_t for_lines = (kMinChannels + per_group - 1) / per_group;
  const int64_t for_threads =
      args.batch >= threads ? args.groups : (args.groups + threads - 1) / threads;
  return std::clamp<int64_t>(std::max(for_lines, for_threads), 1, args.groups);
}

}  // namespace

void LayerNorm(const RowNorm& args, int threads) {
  if (args.n == 0) return;
  ParallelFor(threads, args.rows, GrainFor(kNanosecondsAnElement * static_cast<double>(args.n)),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(LayerNormRows)(args, begin, end);
              });
}

void RmsNorm(const RowNorm& args, int threads) {
  if (args.n == 0) return;
  ParallelFor(threads, args.rows, GrainFor(kNanosecondsAnElement * static_cast<double>(args.n)),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(RmsNormRows)(args, begin, end);
              });
}

void GroupNormNchw(const GroupNormArgs& args, int threads) {
  const int64_t items = args.batch * args.groups;
  if (items == 0 || args.channels * args.spatial == 0) return;
  const double n = static_cast<double>(args.channels / args.groups * args.spatial);
  ParallelFor(threads, items, GrainFor(kNanosecondsAnElement * n),
              [&](int64_t begin, int64_t end, int) {
                HWY_DYNAMIC_DISPATCH(GroupNormNchwGroups)(args, begin, end);
              });
}

size_t GroupNormNhwcWorkspaceBytes(const GroupNormArgs& args, int threads) {
  return static_cast<size_t>(std::max(threads, 1)) * 3 * static_cast<size_t>(args.channels) *
         sizeof(float);
}

void GroupNormNhwc(const GroupNormArgs& args, void* workspace, int threads) {
  if (args.batch * args.channels * args.spatial == 0) return;
  const int64_t step = GroupsAChunk(args, std::max(threads, 1));
  const int64_t chunks = (args.groups + step - 1) / step;
  const double n = static_cast<double>(args.channels / args.groups * step * args.spatial);
  ParallelFor(threads, args.batch * chunks, GrainFor(2 * kNanosecondsAnElement * n),
              [&](int64_t begin, int64_t end, int thread) {
                float* scratch =
                    static_cast<float*>(workspace) + int64_t{thread} * 3 * args.channels;
                for (int64_t item = begin; item < end; ++item) {
                  const int64_t first = item % chunks * step;
                  HWY_DYNAMIC_DISPATCH(GroupNormNhwcGroups)
                  (args, item / chunks, first, std::min(step, args.groups - first), scratch);
                }
              });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
