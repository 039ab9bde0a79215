#include "backends/onednn/kernels/winograd.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/winograd.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/bf16-inl.h"
#include "backends/onednn/kernels/epilogue-inl.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "hwy/highway.h"

#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_WINOGRAD_SHARED_
#define INGOT_BACKENDS_ONEDNN_KERNELS_WINOGRAD_SHARED_
namespace ingot::kernels::internal {

// A tile is 2x2 outputs, of 4x4 pixels.
constexpr int64_t kTile = 2, kWindow = 4, kPoints = kWindow * kWindow;

// A run of tiles, and where their 16 points lie: point p of tile i is row i of matrix p.
struct WinogradTiles {
  const WinogradArgs& args;
  int64_t begin, count;
  int64_t tile_lines, tiles_a_line;

  struct Place {
    int64_t image, line, column;  // of the first output
  };
  // Sums anew the kColumns columns from `column` on of output (line, pixel) of an image.
  absl::FunctionRef<void(int64_t image, int64_t line, int64_t pixel, int64_t column, float* sums)>
      sum_plainly;
  Place At(int64_t i) const {
    const int64_t tile = begin + i;
    return {tile / (tile_lines * tiles_a_line), tile / tiles_a_line % tile_lines * kTile,
            tile % tiles_a_line * kTile};
  }
};

// Distances in floats. The left factors may be pairs of bf16.
struct PointMatrices {
  float* data;
  int64_t stride;  // of rows
  int64_t size;    // of matrices
};

struct WinogradLoops {
  // Pixels to points. `zeros`: [channels].
  void (*combine)(const WinogradTiles& tiles, int64_t channels, const float* zeros,
                  const PointMatrices& points);
  // Products at the points to results, of kColumns columns from `column` on.
  void (*finish)(const WinogradTiles& tiles, int64_t columns, int64_t column,
                 const PointMatrices& points);
};

struct WinogradTarget {
  WinogradLoops f32;
  WinogradLoops bf16;  // null: the target has none
};

}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_WINOGRAD_SHARED_

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::kPoints;
using internal::kTile;
using internal::kWindow;
using internal::PointMatrices;
using internal::WinogradTiles;

// How points of pixels are stored, point p of channels [c, c + kN) of the row at `to`, and results.
struct F32Points {
  static constexpr bool kKeepsInfinities = true;
  static HWY_INLINE void Store(F32 v, const PointMatrices& points, float* to, int64_t p,
                               int64_t c) {
    hn::StoreU(v, kTag, to + p * points.size + c);
  }
  static HWY_INLINE void StoreResult(F32 v, const WinogradArgs& a, int64_t place) {
    hn::StoreU(v, kTag, a.y + place);
  }
  static HWY_INLINE void StoreResults(const SumTile& tile, const WinogradArgs& a, int64_t place,
                                      int64_t ldc) {
    StoreSums(tile, a.y + place, ldc);
  }
};
#if HWY_TARGET <= HWY_AVX3
struct Bf16Points {
  static constexpr bool kKeepsInfinities = false;
  static HWY_INLINE void Store(F32 v, const PointMatrices& points, float* to, int64_t p,
                               int64_t c) {
    StoreBf16(RoundByInstruction::Round(v), reinterpret_cast<BFloat16*>(to + p * points.size) + c);
  }
  static HWY_INLINE void StoreResult(F32 v, const WinogradArgs& a, int64_t place) {
    if (a.bf16_y == nullptr) return F32Points::StoreResult(v, a, place);
    StoreBf16(RoundByInstruction::Round(v), a.bf16_y + place);
  }
  static HWY_INLINE void StoreResults(const SumTile& tile, const WinogradArgs& a, int64_t place,
                                      int64_t ldc) {
    if (a.bf16_y == nullptr) return F32Points::StoreResults(tile, a, place, ldc);
    StoreSums<RoundByInstruction>(tile, a.bf16_y + place, ldc);
  }
};
#endif

// Four numbers with a distance, by the rows of B^T: d0 - d2, d1 + d2, d2 - d1, d1 - d3.
template <int kFirst, int kStep>
HWY_INLINE void CombineFour(F32 (&d)[kPoints]) {
  const F32 d0 = d[kFirst], d1 = d[kFirst + kStep], d2 = d[kFirst + 2 * kStep],
            d3 = d[kFirst + 3 * kStep];
  d[kFirst] = hn::Sub(d0, d2);
  d[kFirst + kStep] = hn::Add(d1, d2);
  d[kFirst + 2 * kStep] = hn::Sub(d2, d1);
  d[kFirst + 3 * kStep] = hn::Sub(d1, d3);
}

template <class Points>
void Combine(const WinogradTiles& tiles, int64_t channels, const float* zeros,
             const PointMatrices& points) {
  const WinogradArgs& a = tiles.args;
  for (int64_t i = 0; i < tiles.count; ++i) {
    const WinogradTiles::Place place = tiles.At(i);
    const float* pixel[kPoints];
    for (int64_t p = 0; p < kPoints; ++p) {
      const int64_t h = place.line - a.padding[0] + p / kWindow;
      const int64_t w = place.column - a.padding[1] + p % kWindow;
      const bool inside = h >= 0 && h < a.in[0] && w >= 0 && w < a.in[1];
      pixel[p] = inside ? a.x + ((place.image * a.in[0] + h) * a.in[1] + w) * channels : zeros;
    }
    float* const to = points.data + i * points.stride;
    for (int64_t c = 0; c < channels; c += kN) {
      F32 d[kPoints];
#pragma GCC unroll 16
      for (int p = 0; p < kPoints; ++p) d[p] = hn::LoadU(kTag, pixel[p] + c);
      CombineFour<0, 4>(d);
      CombineFour<1, 4>(d);
      CombineFour<2, 4>(d);
      CombineFour<3, 4>(d);
      CombineFour<0, 1>(d);
      CombineFour<4, 1>(d);
      CombineFour<8, 1>(d);
      CombineFour<12, 1>(d);
#pragma GCC unroll 16
      for (int p = 0; p < kPoints; ++p) Points::Store(d[p], points, to, p, c);
    }
  }
}

// Two results of four points: m0 + m1 + m2 and m1 - m2 - m3.
HWY_INLINE void FinishFour(F32 m0, F32 m1, F32 m2, F32 m3, F32& y0, F32& y1) {
  y0 = hn::Add(hn::Add(m0, m1), m2);
  y1 = hn::Sub(hn::Sub(m1, m2), m3);
}

template <class Points>
void Finish(const WinogradTiles& tiles, int64_t columns, int64_t column,
            const PointMatrices& points) {
  const WinogradArgs& a = tiles.args;
  RegisterStages first;
  const bool fits = FitRegisters(a.stages, 0, column, first);
  const F32 low = hn::Set(kTag, first.low), high = hn::Set(kTag, first.high);
  for (int64_t i = 0; i < tiles.count; ++i) {
    const WinogradTiles::Place place = tiles.At(i);
    const int64_t lines = std::min(kTile, a.out[0] - place.line);
    const int64_t pixels = std::min(kTile, a.out[1] - place.column);
    const int64_t row = (place.image * a.out[0] + place.line) * a.out[1] + place.column;
    const float* const from = points.data + i * points.stride;
    HWY_ALIGN float sums[kTile][kTile][Winograd::kColumns];
    auto lost = hn::FirstN(kTag, 0);
    for (int64_t c = 0; c < Winograd::kColumns; c += kN) {
      F32 half[kTile][kWindow];
#pragma GCC unroll 4
      for (int j = 0; j < kWindow; ++j) {
        const auto point = [&](int r) HWY_ATTR {
          return hn::LoadU(kTag, from + (r * kWindow + j) * points.size + c);
        };
        FinishFour(point(0), point(1), point(2), point(3), half[0][j], half[1][j]);
      }
      const F32 bias = a.bias == nullptr ? hn::Zero(kTag) : hn::LoadU(kTag, a.bias + column + c);
#pragma GCC unroll 2
      for (int r = 0; r < kTile; ++r) {
        F32 y[kTile];
        FinishFour(half[r][0], half[r][1], half[r][2], half[r][3], y[0], y[1]);
#pragma GCC unroll 2
        for (int j = 0; j < kTile; ++j) {
          y[j] = hn::Add(y[j], bias);
          const F32 zero_or_nan = hn::Sub(y[j], y[j]);
          if constexpr (Points::kKeepsInfinities) {
            // Not finite, or not below infinity on the way. Ne would be false for NaN.
            lost = hn::Or(lost, hn::Not(hn::Eq(zero_or_nan, hn::Zero(kTag))));
          } else {
            y[j] = hn::Add(y[j], zero_or_nan);
          }
          hn::Store(y[j], kTag, sums[r][j] + c);
          if (!fits || r >= lines || j >= pixels) continue;
          const int64_t at = row + r * a.out[1] + j;
          if (first.addend != nullptr)
            y[j] = hn::Add(y[j], hn::LoadU(kTag, first.addend + at * first.addend_stride + c));
          if (first.bounded) y[j] = AtMost(AtLeast(y[j], low), high);
          const int64_t place = at * columns + column + c;
          Points::StoreResult(y[j], a, place);
        }
      }
    }
    const bool is_lost = !hn::AllFalse(kTag, lost);
    if (fits && !is_lost) continue;
    for (int64_t r = 0; r < lines; ++r) {
      for (int64_t j = 0; is_lost && j < pixels; ++j) {
        tiles.sum_plainly(place.image, place.line + r, place.column + j, column, sums[r][j]);
      }
      const int64_t at = row + r * a.out[1];
      const SumTile tile = {sums[r][0], Winograd::kColumns, pixels, Winograd::kColumns, at, column};
      for (const EpilogueStage& stage : a.stages) ApplyStage(tile, stage);
      const int64_t place = at * columns + column;
      Points::StoreResults(tile, a, place, columns);
    }
  }
}

}  // namespace

const internal::WinogradTarget* ThisWinogradTarget() {
  constexpr auto loops = []<class Points>(Points) {
    return internal::WinogradLoops{&Combine<Points>, &Finish<Points>};
  };
#if HWY_TARGET <= HWY_AVX3
  static constexpr internal::WinogradTarget kTarget = {loops(F32Points()), loops(Bf16Points())};
#else
  static constexpr internal::WinogradTarget kTarget = {loops(F32Points()), {nullptr, nullptr}};
#endif
  return &kTarget;
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(ThisWinogradTarget);

using internal::kPoints;
using internal::kTile;

constexpr double kNanosecondsAMultiplyAdd = 0.02;
constexpr double kNanosecondsAFilter = 15;  // that is packed
// The points of a block, which stay in L2 beside the weights that pass by.
constexpr int64_t kBlockElements = 112 * 1024;
// Of the product's tile of registers: rows of a block are a multiple of it.
constexpr int64_t kRows = 14;
constexpr int64_t kMaxBlock = 8 * kRows;
// Rows of the points' matrices are so much apart from a power of two.
constexpr int64_t kGap = 16;

// G g G^T of one filter, in double.
void TransformFilter(const double (&g)[3][3], double (&u)[kPoints]) {
  double rows[4][3];
  for (int j = 0; j < 3; ++j) {
    rows[0][j] = g[0][j];
    rows[1][j] = (g[0][j] + g[1][j] + g[2][j]) / 2;
    rows[2][j] = (g[0][j] - g[1][j] + g[2][j]) / 2;
    rows[3][j] = g[2][j];
  }
  for (int i = 0; i < 4; ++i) {
    const double* const r = rows[i];
    u[4 * i] = r[0];
    u[4 * i + 1] = (r[0] + r[1] + r[2]) / 2;
    u[4 * i + 2] = (r[0] - r[1] + r[2]) / 2;
    u[4 * i + 3] = r[2];
  }
}

using FilterPoints = float[kPoints][Winograd::kColumns];

// The filters of one channel for kColumns outputs, side by side.
void TransformFilters(const float* w, const std::array<int64_t, 4>& strides, FilterPoints& points) {
  float taps[9][Winograd::kColumns];
  for (int64_t n = 0; n < Winograd::kColumns; ++n) {
    const float* const from = w + n * strides[0];
    for (int t = 0; t < 9; ++t) taps[t][n] = from[t / 3 * strides[2] + t % 3 * strides[3]];
  }
  for (int64_t n = 0; n < Winograd::kColumns; ++n) {
    double g[3][3], u[kPoints];
    for (int t = 0; t < 9; ++t) g[t / 3][t % 3] = taps[t][n];
    TransformFilter(g, u);
    for (int64_t p = 0; p < kPoints; ++p) points[p][n] = static_cast<float>(u[p]);
  }
}

// `n` numbers rounded into the low or the high halves of the pairs at `to`.
void StorePair(const float* values, int64_t n, bool high, float* to) {
  for (int64_t i = 0; i < n; ++i) {
    const BFloat16 rounded = values[i];
    std::memcpy(reinterpret_cast<char*>(to + i) + (high ? sizeof(rounded) : 0), &rounded,
                sizeof(rounded));
  }
}

// g(row, column) of what TransformFilter made of it.
template <class Point>
float FilterAt(int64_t row, int64_t column, const Point& point) {
  const auto in_row = [&](int64_t i) {
    if (column == 1) return point(4 * i + 1) - point(4 * i + 2);
    return point(4 * i + (column == 0 ? 0 : 3));
  };
  if (row == 1) return in_row(1) - in_row(2);
  return in_row(row == 0 ? 0 : 3);
}

}  // namespace

Winograd Winograd::Make(int64_t columns, int64_t channels, GemmFactors factors) {
  Winograd w;
  w.columns_ = columns;
  w.channels_ = channels;
  w.factors_ = factors;
  w.block_ = std::clamp(kBlockElements / (kPoints * w.row()) / kRows * kRows, kRows, kMaxBlock);
  w.gemm_ = PackedGemm::Make(kColumns, channels, factors);
  return w;
}

size_t Winograd::PackedBytes() const {
  return static_cast<size_t>(columns_ / kColumns * kPoints) * gemm_.PackedBytes();
}

void Winograd::Pack(const float* w, const std::array<int64_t, 4>& strides, float* packed,
                    int threads) const {
  const auto size = static_cast<int64_t>(gemm_.PackedBytes() / sizeof(float));
  const int64_t panel = gemm_.panel();
  const double work = kNanosecondsAFilter * static_cast<double>(channels_ * kColumns);
  ParallelFor(threads, columns_ / kColumns, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    for (int64_t group = begin; group < end; ++group) {
      const float* const filters = w + group * kColumns * strides[0];
      for (int64_t c = 0; c < channels_; ++c) {
        FilterPoints points;
        TransformFilters(filters + c * strides[1], strides, points);
        for (int64_t p = 0; p < kPoints; ++p) {
          float* const to = packed + (group * kPoints + p) * size;
          for (int64_t n = 0; n < kColumns; n += panel) {
            if (is_bf16()) {
              StorePair(points[p] + n, panel, c % 2, to + gemm_.PlaceOf(c / 2, n));
              continue;
            }
            std::memcpy(to + gemm_.PlaceOf(c, n), points[p] + n,
                        static_cast<size_t>(panel) * sizeof(float));
          }
        }
      }
    }
  });
}

// Points of the pixels, products at the points, zeros.
int64_t Winograd::ThreadElements() const {
  return kPoints * block_ * (row() + kGap + kColumns) + channels_;
}

size_t Winograd::WorkspaceBytes(int threads) const {
  return static_cast<size_t>(ThreadElements() * threads) * sizeof(float);
}

void Winograd::RunTiles(const WinogradArgs& args, int64_t begin, int64_t end, float* memory) const {
  const internal::WinogradTarget* const target = HWY_DYNAMIC_DISPATCH(ThisWinogradTarget)();
  const internal::WinogradLoops& loops = is_bf16() ? target->bf16 : target->f32;
  const auto packed_size = static_cast<int64_t>(gemm_.PackedBytes() / sizeof(float));
  const internal::PointMatrices pixels = {memory, row() + kGap, block_ * (row() + kGap)};
  const internal::PointMatrices products = {memory + kPoints * pixels.size, kColumns,
                                            block_ * kColumns};
  float* const zeros = products.data + kPoints * products.size;
  std::memset(zeros, 0, static_cast<size_t>(channels_) * sizeof(float));
  const auto sum_plainly = [&](int64_t image, int64_t line, int64_t pixel, int64_t column,
                               float* sums) { PlainSums(args, image, line, pixel, column, sums); };
  for (; begin < end; begin += block_) {
    const internal::WinogradTiles tiles = {args,
                                           begin,
                                           std::min(block_, end - begin),
                                           (args.out[0] + kTile - 1) / kTile,
                                           (args.out[1] + kTile - 1) / kTile,
                                           sum_plainly};
    loops.combine(tiles, channels_, zeros, pixels);
    const float* packed = args.packed;
    for (int64_t column = 0; column < columns_; column += kColumns) {
      for (int64_t p = 0; p < kPoints; ++p, packed += packed_size) {
        PackedGemmArgs product;
        product.x = pixels.data + p * pixels.size;
        product.rows = tiles.count;
        product.lda = pixels.stride;
        product.packed = packed;
        product.y = products.data + p * products.size;
        product.ldc = kColumns;
        gemm_.Run(product, /*threads=*/1);
      }
      loops.finish(tiles, columns_, column, products);
    }
  }
}

void Winograd::PlainSums(const WinogradArgs& args, int64_t image, int64_t line, int64_t pixel,
                         int64_t column, float* sums) const {
  const auto packed_size = static_cast<int64_t>(gemm_.PackedBytes() / sizeof(float));
  const float* const points = args.packed + column / kColumns * kPoints * packed_size;
  bool has_nan = false;
  for (int64_t n = 0; n < kColumns; ++n)
    sums[n] = args.bias == nullptr ? 0.0f : args.bias[column + n];
  for (int64_t t = 0; t < 9 && !has_nan; ++t) {
    const int64_t h = line - args.padding[0] + t / 3, w = pixel - args.padding[1] + t % 3;
    if (h < 0 || h >= args.in[0] || w < 0 || w >= args.in[1]) continue;
    const float* const x = args.x + ((image * args.in[0] + h) * args.in[1] + w) * channels_;
    for (int64_t k = 0; k < channels_ && !has_nan; ++k) {
      has_nan = x[k] != x[k];
      for (int64_t n = 0; n < kColumns; ++n) {
        const auto point = [&](int64_t p) { return gemm_.At(points + p * packed_size, k, n); };
        sums[n] += x[k] * FilterAt(t / 3, t % 3, point);
      }
    }
  }
  if (has_nan) std::fill(sums, sums + kColumns, std::numeric_limits<float>::quiet_NaN());
}

void Winograd::Run(const WinogradArgs& args, int threads) const {
  const int64_t tiles =
      args.images * ((args.out[0] + kTile - 1) / kTile) * ((args.out[1] + kTile - 1) / kTile);
  const double work =
      kNanosecondsAMultiplyAdd * static_cast<double>(kPoints * channels_ * columns_);
  ParallelFor(threads, tiles, GrainFor(work), [&](int64_t begin, int64_t end, int thread) {
    RunTiles(args, begin, end, static_cast<float*>(args.workspace) + thread * ThreadElements());
  });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
