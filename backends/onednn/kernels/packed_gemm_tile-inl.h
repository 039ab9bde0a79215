// The tiles of packed_gemm.cc: sums of some rows by some panels that stay in registers over a block
// of k, for the target being compiled.
#if defined(INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_TILE_INL_H_
#undef INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_TILE_INL_H_
#else
#define INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_TILE_INL_H_
#endif

#include <array>
#include <cstdint>
#include <utility>

#include "absl/types/span.h"
#include "backends/onednn/kernels/bf16-inl.h"
#include "backends/onednn/kernels/epilogue-inl.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kPanel = 2 * kN;
// Accumulators and the two vectors of a panel fill the registers.
constexpr int kMaxRows = HWY_TARGET <= HWY_AVX3 ? 14 : (HWY_TARGET <= HWY_AVX2 ? 6 : 4);
constexpr int64_t kLine = 16;  // floats of a cache line
// Steps of k between two lines that are fetched ahead.
constexpr int64_t kStepsALine = 4;

// What one step of k adds to a vector of sums: `factor` is one element of the left factor in all
// lanes, `column` a vector of the right.
struct F32Step {
  static constexpr bool kRounds = false;
  static HWY_INLINE F32 Add(F32 factor, F32 column, F32 sum) {
#if HWY_TARGET == HWY_AVX2
    // A step takes 15 of 16 registers. Free to choose the form whose result replaces a factor, gcc
    // moves sums from register to register, and two of them out to the stack in each round.
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum.raw) : "x"(column.raw), "x"(factor.raw));
    return sum;
#else
    return hn::MulAdd(factor, column, sum);
#endif
  }
};
#if HWY_TARGET <= HWY_AVX3
// Lanes are pairs of bf16. No target of this Highway includes AVX512-BF16, and the intrinsic would
// have to be inlined into code of such a target; the instruction as such need not.
struct Bf16Step {
  static constexpr bool kRounds = true;
  static HWY_INLINE F32 Add(F32 factor, F32 column, F32 sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(column.raw), "v"(factor.raw));
    return sum;
  }
  static HWY_INLINE Bf16 Round(F32 v) { return RoundByInstruction::Round(v); }
};
#endif

// Tiles of as many rows, one behind the other, over one block of k. `sums` has room for whole
// vectors.
struct TileArgs {
  int64_t tiles;
  // From a tile to the next.
  int64_t x_step, sums_step, addend_step, next_step;
  const float* x;
  int64_t lda;
  absl::Span<const int64_t> taps;
  const float* w;
  int64_t panel_stride;  // between the panels of a tile that takes several
  int64_t k;             // of each tap
  const float* next;     // what to fetch meanwhile; any address
  // Where the sums come from: from `from`, or else from `first_sums`, one row for all, or if that
  // is null too they begin at 0.
  const float* from;
  int64_t from_stride, from_step;
  const float* first_sums;
  // Where they go; may be `from`.
  float* sums;
  BFloat16* bf16_sums;  // where they go instead, unless it is null, in the same distances
  int64_t sums_stride;
  bool fetch;  // FetchTile first
  RegisterStages stages;
};

// kRows rows by kVectors vectors: half a panel, one or several.
template <typename Step, int kRows, int kVectors>
HWY_INLINE void OneTile(const TileArgs& t, const float* left, const float* next, const float* from,
                        float* sums, BFloat16* bf16_sums, const float* addend) {
  F32 sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      if (from != nullptr) {
        sum[m][v] = hn::LoadU(kTag, from + m * t.from_stride + v * kN);
      } else {
        sum[m][v] =
            t.first_sums == nullptr ? hn::Zero(kTag) : hn::LoadU(kTag, t.first_sums + v * kN);
      }
    }
  }
  // Three rows share a pointer, so that the pointers of all rows stay in registers.
  constexpr int kPointers = (kRows + 2) / 3;
  const float* x[kPointers];
  const int64_t lda = t.lda, panel_stride = t.panel_stride;
  const float* w = t.w;
  // Not left to gcc, which in tiles of few rows calls the step with all sums in memory.
  const auto step = [&](int64_t j) __attribute__((always_inline)) HWY_ATTR {
    F32 column[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      column[v] = hn::LoadU(kTag, w + v / 2 * panel_stride + j * kPanel + v % 2 * kN);
    }
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
      const F32 factor = hn::Set(kTag, x[m / 3][m % 3 * lda + j]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[m][v] = Step::Add(factor, column[v], sum[m][v]);
    }
  };
  for (const int64_t tap : t.taps) {
    for (int i = 0; i < kPointers; ++i) x[i] = left + tap + 3 * i * lda;
    int64_t k = 0;
    for (; k + kStepsALine <= t.k; k += kStepsALine) {
      __builtin_prefetch(next, 0, 2);
      next += kLine;
      step(0);
      step(1);
      step(2);
      step(3);
      w += kStepsALine * kPanel;
#pragma GCC unroll 8
      for (int i = 0; i < kPointers; ++i) x[i] += kStepsALine;
    }
    const int64_t rest = t.k - k;
    for (int64_t j = 0; j < rest; ++j) step(j);
    w += rest * kPanel;
  }
  if (addend != nullptr) {
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        sum[m][v] =
            hn::Add(sum[m][v], hn::LoadU(kTag, addend + m * t.stages.addend_stride + v * kN));
      }
    }
  }
  if (t.stages.bounded) {
    const F32 low = hn::Set(kTag, t.stages.low), high = hn::Set(kTag, t.stages.high);
#pragma GCC unroll 16
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[m][v] = AtMost(AtLeast(sum[m][v], low), high);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const int64_t place = m * t.sums_stride + v * kN;
      if constexpr (Step::kRounds) {
        if (bf16_sums != nullptr) {
          StoreBf16(Step::Round(sum[m][v]), bf16_sums + place);
          continue;
        }
      }
      hn::StoreU(sum[m][v], kTag, sums + place);
    }
  }
}

// What the stages will read and where the result goes, asked for before the sums are made: rows lie
// far apart, so that no hardware prefetcher would come in time.
template <int kRows, int kVectors>
HWY_INLINE void FetchTile(const TileArgs& t, const float* sums, const BFloat16* bf16_sums,
                          const float* addend) {
#pragma GCC unroll 16
  for (int m = 0; m < kRows; ++m) {
    for (int64_t c = 0; c < kVectors * kN; c += kLine) {
      bf16_sums != nullptr ? __builtin_prefetch(bf16_sums + m * t.sums_stride + c, 1, 3)
                           : __builtin_prefetch(sums + m * t.sums_stride + c, 1, 3);
      if (addend != nullptr) __builtin_prefetch(addend + m * t.stages.addend_stride + c, 0, 3);
    }
  }
}

template <typename Step, int kRows, int kVectors>
void Tiles(const TileArgs& t) {
  const float *left = t.x, *next = t.next, *from = t.from, *addend = t.stages.addend;
  float* sums = t.sums;
  BFloat16* bf16_sums = Step::kRounds ? t.bf16_sums : nullptr;
  for (int64_t i = 0; i < t.tiles; ++i) {
    if (t.fetch) FetchTile<kRows, kVectors>(t, sums, bf16_sums, addend);
    OneTile<Step, kRows, kVectors>(t, left, next, from, sums, bf16_sums, addend);
    left += t.x_step;
    next += t.next_step;
    if (from != nullptr) from += t.from_step;
    bf16_sums != nullptr ? void(bf16_sums += t.sums_step) : void(sums += t.sums_step);
    if (addend != nullptr) addend += t.addend_step;
  }
}

using TileFn = void (*)(const TileArgs&);

template <typename Step, int kVectors, int... kRows>
constexpr std::array<TileFn, sizeof...(kRows) + 1> TileTable(std::integer_sequence<int, kRows...>) {
  return {nullptr, &Tiles<Step, kRows + 1, kVectors>...};
}
// By number of rows. Few rows take several panels, so that enough sums are under way to hide the
// latency of an FMA; the last panel may have columns for one vector only.
template <typename Step>
constexpr auto kHalfTiles = TileTable<Step, 1>(std::make_integer_sequence<int, kMaxRows>());
template <typename Step>
constexpr auto kTiles1 = TileTable<Step, 2>(std::make_integer_sequence<int, kMaxRows>());
template <typename Step>
constexpr auto kTiles2 = TileTable<Step, 4>(std::make_integer_sequence<int, kMaxRows / 2>());
template <typename Step>
constexpr auto kTiles4 = TileTable<Step, 8>(std::make_integer_sequence<int, kMaxRows / 4>());

template <typename Step>
TileFn TileFor(int64_t rows, int panels, int64_t columns) {
  if (columns <= kN) return kHalfTiles<Step>[rows];
  return panels == 1 ? kTiles1<Step>[rows]
                     : (panels == 2 ? kTiles2<Step>[rows] : kTiles4<Step>[rows]);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_TILE_INL_H_
