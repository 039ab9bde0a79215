#include "backends/onednn/kernels/packed_gemm.h"

#include <algorithm>
#include <cstring>

#include "absl/base/casts.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/transpose.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/packed_gemm.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/epilogue-inl.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/packed_gemm_tile-inl.h"
#include "hwy/highway.h"

#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_SHARED_
#define INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_SHARED_
namespace ingot::kernels::internal {

// A right factor that may stay in L2 while the rows pass by.
inline constexpr int64_t kResidentElements = 96 * 1024;

// How a product is cut. A unit is a run of rows that one tile covers: as even as can be, the first
// `longer_units` of a group have one row more than `unit_rows`.
struct GemmBlocking {
  int64_t panels = 0;
  int64_t units_a_group = 0, units = 0;
  int64_t unit_rows = 0, longer_units = 0;
  int64_t k_block = 0;      // of one tap: a multiple of 4 unless it is all of it
  int64_t tap_block = 1;    // taps done together; 1 unless k_block is all of one
  int64_t chunk_units = 0;  // whose left rows stay in L2
  bool rows_first = false;  // all panels stay in L2: row by row, as results are written in order
  bool copy_rows = false;
  int64_t copy_stride = 0;  // elements between copied rows
};

struct GemmCall {
  const PackedGemmArgs& args;
  int64_t n, k;  // k: of all taps
  absl::Span<const int64_t> taps;
  GemmBlocking blocking;
};

// The loops of one CPU target and the tile they work by.
struct PackedGemmTarget {
  int64_t panel, max_rows, max_k_block;
  int64_t rows_first_elements;  // right factors of at most so many pass by row after row
  // All of k for some units and panels, by one thread.
  using RunFn = void (*)(const GemmCall& call, int64_t unit_begin, int64_t unit_end,
                         int64_t panel_begin, int64_t panel_end, float* copies);
  RunFn run_f32;
  RunFn run_bf16;  // null: the target has no such loops
};

// A unit, which goes on to later ones without dividing.
class UnitCursor {
 public:
  UnitCursor(const GemmBlocking& blocking, int64_t unit)
      : blocking_(&blocking),
        group_(unit / blocking.units_a_group),
        place_(unit % blocking.units_a_group) {}

  int64_t group() const { return group_; }
  // The first row within the group, and the number of rows.
  int64_t first() const {
    return place_ * blocking_->unit_rows + std::min(place_, blocking_->longer_units);
  }
  int64_t rows() const { return blocking_->unit_rows + (is_longer() ? 1 : 0); }
  // How many units from this one on have as many rows and lie in its group.
  int64_t alike() const {
    return (is_longer() ? blocking_->longer_units : blocking_->units_a_group) - place_;
  }
  // REQUIRES: count <= alike().
  void Advance(int64_t count) {
    place_ += count;
    if (place_ < blocking_->units_a_group) return;
    place_ = 0;
    ++group_;
  }

 private:
  bool is_longer() const { return place_ < blocking_->longer_units; }

  const GemmBlocking* blocking_;
  int64_t group_, place_;  // place_: within the group
};

}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_SHARED_

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::GemmCall;
using internal::UnitCursor;

// A block of a panel that is read once a tile of 14 rows comes from L2 in time; one that is read
// once a tile of 6 has to stay in L1.
constexpr int64_t kMaxKBlock = HWY_TARGET <= HWY_AVX3 ? 512 : 256;
// Row by row, results are written in order. Tiles of 6 rows read the right factor more than twice
// as often as tiles of 14, and gain more from a panel that stays in L1.
constexpr int64_t kRowsFirstElements = HWY_TARGET <= HWY_AVX3 ? internal::kResidentElements : 0;

// A block of the inner dimension: `k` elements from `first` on of each of `taps`, the weights' rows
// being `row` and following.
struct KBlock {
  absl::Span<const int64_t> taps;
  int64_t first, k;
  int64_t row;
  bool last;
  int64_t size() const { return k * static_cast<int64_t>(taps.size()); }
};

// As FetchTile, for any stages.
void FetchRows(const GemmCall& call, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const PackedGemmArgs& args = call.args;
  for (const EpilogueStage& stage : args.stages) {
    if (!IsBinary(stage.op) || stage.row_stride == 0 || stage.column_stride == 0) continue;
    for (int64_t r = row; r < row + rows; ++r) {
      const float* const line = stage.operand + r * stage.row_stride + column;
      for (int64_t c = 0; c < columns; c += kLine) __builtin_prefetch(line + c, 0, 3);
    }
  }
  for (int64_t r = row; r < row + rows; ++r) {
    float* const line = args.y + r * args.ldc + column;
    for (int64_t c = 0; c < columns; c += kLine) __builtin_prefetch(line + c, 1, 3);
  }
}

// Units of `rows` rows each, one behind the other.
struct UnitRun {
  int64_t row, rows;  // row: the first one's first, of the result
  int64_t count;
  const float* x;
  int64_t x_step, lda;
  const float* next;
  int64_t next_step;
};

// The units' rows by `panels` panels over one block of k, from the first sums to the stored result.
template <typename Step>
void RunTiles(const GemmCall& call, const UnitRun& run, const KBlock& block, int64_t panel,
              int panels) {
  const PackedGemmArgs& args = call.args;
  const bool first = block.row == 0, last = block.last;
  const int64_t column = panel * kPanel;
  const int64_t columns = std::min(call.n - column, panels * kPanel);
  const int64_t row = run.row, rows = run.rows;
  float* const y = args.y + row * args.ldc + column;
  const bool whole = columns == panels * kPanel || columns == kN;
  TileArgs tile;
  RegisterStages stages;
  const bool direct = whole && (!last || FitRegisters(args.stages, row, column, stages));
  if (!direct && run.count > 1) {
    // Through a buffer, one by one.
    UnitRun one = run;
    one.count = 1;
    for (int64_t i = 0; i < run.count; ++i) {
      RunTiles<Step>(call, one, block, panel, panels);
      one.row += rows;
      one.x += run.x_step;
      one.next += run.next_step;
    }
    return;
  }
  if (last && !direct) FetchRows(call, row, rows, column, columns);
  HWY_ALIGN float buffer[kMaxRows * kPanel], first_sums[4 * kPanel];
  tile.tiles = run.count;
  tile.x_step = run.x_step;
  tile.sums_step = rows * args.ldc;
  tile.addend_step = rows * stages.addend_stride;
  tile.next_step = run.next_step;
  if (direct) tile.stages = stages;
  tile.x = run.x;
  tile.lda = run.lda;
  tile.taps = block.taps;
  tile.w = call.args.packed + panel * kPanel * call.k + block.row * kPanel;
  tile.panel_stride = kPanel * call.k;
  tile.k = block.k;
  tile.next = run.next;
  tile.sums = direct ? y : buffer;
  tile.sums_stride = direct ? args.ldc : panels * kPanel;
  tile.load = !first;
  tile.fetch = direct && last;
  tile.first_sums = nullptr;
  if (first && args.bias != nullptr) {
    tile.first_sums = args.bias + column;
    if (!whole) {
      std::memcpy(first_sums, args.bias + column, static_cast<size_t>(columns) * sizeof(float));
      tile.first_sums = first_sums;
    }
  }
  if (!first && !direct) {
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(buffer + r * tile.sums_stride, y + r * args.ldc,
                  static_cast<size_t>(columns) * sizeof(float));
    }
  }
  TileFor<Step>(rows, panels, columns)(tile);
  if (direct) return;
  FinishSums({buffer, tile.sums_stride, rows, columns, row, column},
             last ? args.stages : absl::Span<const EpilogueStage>(), y, args.ldc);
}

void CopyRows(const float* x, int64_t lda, int64_t rows, int64_t k, float* to, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * stride, x + r * lda, static_cast<size_t>(k) * sizeof(float));
  }
}

// Units [begin, end) of a chunk over one block of k.
template <typename Step>
void RunChunk(const GemmCall& call, int64_t begin, int64_t end, int64_t panel_begin,
              int64_t panel_end, const KBlock& block, float* copies) {
  const internal::GemmBlocking& b = call.blocking;
  const int64_t copied_unit = kMaxRows * b.copy_stride;
  const UnitCursor start(b, begin);
  const auto x_at = [&](const UnitCursor& at) {
    return call.args.x + at.group() * call.args.group_stride + at.first() * call.args.lda +
           block.first;
  };
  if (b.copy_rows) {
    UnitCursor at = start;
    for (int64_t unit = begin; unit < end; ++unit, at.Advance(1)) {
      CopyRows(x_at(at), call.args.lda, at.rows(), block.k, copies + (unit - begin) * copied_unit,
               b.copy_stride);
    }
  }
  const int64_t most_rows = b.unit_rows + (b.longer_units > 0 ? 1 : 0);
  const int64_t together = most_rows * 4 <= kMaxRows ? 4 : (most_rows * 2 <= kMaxRows ? 2 : 1);
  const auto run = [&](const UnitCursor& at, int64_t unit, int64_t count, int64_t panel, int panels,
                       const float* next, int64_t next_step) {
    const int64_t lda = call.args.lda;
    UnitRun units = {at.group() * call.args.rows + at.first(),
                     at.rows(),
                     count,
                     x_at(at),
                     at.rows() * lda,
                     lda,
                     next,
                     next_step};
    if (b.copy_rows) {
      units.x = copies + (unit - begin) * copied_unit;
      units.x_step = copied_unit;
      units.lda = b.copy_stride;
    }
    RunTiles<Step>(call, units, block, panel, panels);
  };
  const auto panels_at = [&](int64_t panel) {
    const int64_t left = panel_end - panel;
    if (left >= together) return static_cast<int>(together);
    return left >= 2 && together > 1 ? 2 : 1;
  };
  const auto weights_at = [&](int64_t panel) {
    return call.args.packed + panel * kPanel * call.k + block.row * kPanel;
  };
  if (b.rows_first) {
    UnitCursor at = start;
    for (int64_t unit = begin; unit < end; ++unit, at.Advance(1)) {
      for (int64_t panel = panel_begin; panel < panel_end; panel += panels_at(panel)) {
        run(at, unit, 1, panel, panels_at(panel), weights_at(panel), 0);
      }
    }
    return;
  }
  for (int64_t panel = panel_begin; panel < panel_end;) {
    const int panels = panels_at(panel);
    // The next panel's block is fetched by the first units; then, and after the last panel, each
    // unit asks for lines that are there anyway.
    const float* next = weights_at(panel + panels);
    const float* const next_end = panel + panels < panel_end ? next + kPanel * block.size() : next;
    const int64_t a_unit = block.size() / kStepsALine * kLine;
    UnitCursor at = start;
    for (int64_t unit = begin; unit < end;) {
      int64_t count = std::min(at.alike(), end - unit);
      if (next < next_end && a_unit > 0) {
        count = std::min(count, (next_end - next + a_unit - 1) / a_unit);
        run(at, unit, count, panel, panels, next, a_unit);
      } else {
        run(at, unit, count, panel, panels, weights_at(panel), 0);
      }
      next += count * a_unit;
      unit += count;
      at.Advance(count);
    }
    panel += panels;
  }
}

template <typename Step>
void RunPart(const GemmCall& call, int64_t unit_begin, int64_t unit_end, int64_t panel_begin,
             int64_t panel_end, float* copies) {
  const internal::GemmBlocking& b = call.blocking;
  for (int64_t begin = unit_begin; begin < unit_end; begin += b.chunk_units) {
    const int64_t end = std::min(begin + b.chunk_units, unit_end);
    const auto taps = static_cast<int64_t>(call.taps.size());
    const int64_t tap_size = call.k / taps;
    for (int64_t tap = 0; tap < taps; tap += b.tap_block) {
      const int64_t together = std::min(b.tap_block, taps - tap);
      int64_t k0 = 0;
      do {
        const int64_t k = std::min(b.k_block, tap_size - k0);
        RunChunk<Step>(call, begin, end, panel_begin, panel_end,
                       {call.taps.subspan(tap, together), k0, k, tap * tap_size + k0,
                        tap + together == taps && k0 + k == tap_size},
                       copies);
        k0 += k;
      } while (k0 < tap_size);
    }
  }
}

}  // namespace

const internal::PackedGemmTarget* ThisTarget() {
#if HWY_TARGET <= HWY_AVX3
  constexpr auto kRunBf16 = &RunPart<Bf16Step>;
#else
  constexpr internal::PackedGemmTarget::RunFn kRunBf16 = nullptr;
#endif
  static constexpr internal::PackedGemmTarget kTarget = {
      kPanel, kMaxRows, kMaxKBlock, kRowsFirstElements, &RunPart<F32Step>, kRunBf16};
  return &kTarget;
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(ThisTarget);

constexpr double kNanosecondsAMultiplyAdd = 0.02;
constexpr double kNanosecondsAnElement = 0.3;  // that is packed
// Elements of the left factor that a chunk keeps in L2 beside a panel.
constexpr int64_t kChunkElements = 96 * 1024;
constexpr int64_t kLineFloats = 16;
// Rows that are a multiple of half a page apart fall into two sets of an 8-way L1 cache of 32 KiB.
constexpr int64_t kConflictStride = 512;
constexpr int64_t kMinRowsToCopy = 4;

// Round to nearest, ties to even; NaN stays one.
uint32_t ToBf16(float value) {
  const auto bits = absl::bit_cast<uint32_t>(value);
  if (value != value) return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// A panel of f32: to[k * panel + column] = w[k * k_stride + column * n_stride].
void PackFloats(const float* w, int64_t k_stride, int64_t n_stride, int64_t k, int64_t columns,
                float* to, int64_t panel) {
  if (k_stride == 1) {
    TransposeBlock32(reinterpret_cast<const uint32_t*>(w), n_stride,
                     reinterpret_cast<uint32_t*>(to), panel, k, columns);
    return;
  }
  for (int64_t i = 0; i < k; ++i) {
    const float* const from = w + i * k_stride;
    if (n_stride == 1) {
      std::memcpy(to + i * panel, from, static_cast<size_t>(columns) * sizeof(float));
      continue;
    }
    for (int64_t c = 0; c < columns; ++c) to[i * panel + c] = from[c * n_stride];
  }
}

// A panel of pairs of bf16, rounded from f32 elements 2k and 2k + 1; strides are those of w.
void PackPairs(const float* w, int64_t k_stride, int64_t n_stride, int64_t pairs, int64_t columns,
               float* to, int64_t panel) {
  for (int64_t i = 0; i < pairs; ++i) {
    for (int64_t c = 0; c < columns; ++c) {
      const float* const low = w + 2 * i * k_stride + c * n_stride;
      to[i * panel + c] = absl::bit_cast<float>(ToBf16(low[0]) | ToBf16(low[k_stride]) << 16);
    }
  }
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

internal::GemmBlocking Block(const internal::PackedGemmTarget& target, int64_t n, int64_t k,
                             int64_t taps, int64_t groups, int64_t rows, int64_t lda) {
  internal::GemmBlocking b;
  const int64_t tap_size = k / taps;
  b.panels = DivideUp(n, target.panel);
  b.units_a_group = DivideUp(rows, target.max_rows);
  b.units = groups * b.units_a_group;
  b.unit_rows = rows / std::max<int64_t>(b.units_a_group, 1);
  b.longer_units = rows % std::max<int64_t>(b.units_a_group, 1);
  const int64_t blocks = std::max<int64_t>(DivideUp(tap_size, target.max_k_block), 1);
  b.k_block =
      blocks == 1 ? tap_size : DivideUp(DivideUp(tap_size, blocks), kLineFloats) * kLineFloats;
  if (blocks == 1)
    b.tap_block = DivideUp(taps, std::max<int64_t>(DivideUp(k, target.max_k_block), 1));
  const int64_t block = std::max<int64_t>(b.k_block * b.tap_block, 1);
  b.chunk_units = std::max<int64_t>(kChunkElements / (block * target.max_rows), 1);
  b.rows_first = block >= k && n * k <= target.rows_first_elements;
  // Not for the rows of convolutions, which several taps share.
  b.copy_rows = taps == 1 && lda % kConflictStride == 0 && rows >= kMinRowsToCopy && k > 0;
  b.copy_stride = DivideUp(b.k_block, kLineFloats) * kLineFloats + kLineFloats;
  return b;
}

// Elements of one thread's copies.
int64_t CopyElements(const internal::PackedGemmTarget& target, const internal::GemmBlocking& b) {
  return b.copy_rows ? b.chunk_units * target.max_rows * b.copy_stride : 0;
}

}  // namespace

bool PackedGemm::HasBf16() {
  return __builtin_cpu_supports("avx512bf16") &&
         HWY_DYNAMIC_DISPATCH(ThisTarget)()->run_bf16 != nullptr;
}

PackedGemm PackedGemm::Make(int64_t n, int64_t k, GemmFactors factors) {
  PackedGemm gemm;
  gemm.n_ = n;
  gemm.k_ = factors == GemmFactors::kF32 ? k : k / 2;
  gemm.factors_ = factors;
  gemm.target_ = HWY_DYNAMIC_DISPATCH(ThisTarget)();
  return gemm;
}

size_t PackedGemm::PackedBytes() const {
  return static_cast<size_t>(DivideUp(n_, target_->panel) * target_->panel * k_) * sizeof(float);
}

void PackedGemm::Pack(const float* w, int64_t k_stride, int64_t n_stride, float* packed,
                      int threads) const {
  const int64_t panel = target_->panel;
  const auto pack = [&](int64_t first) {
    const float* const from = w + first * n_stride;
    float* const to = packed + first * k_;
    const int64_t columns = std::min(panel, n_ - first);
    if (columns < panel) std::memset(to, 0, static_cast<size_t>(panel * k_) * sizeof(float));
    if (factors_ == GemmFactors::kBf16Pairs) {
      PackPairs(from, k_stride, n_stride, k_, columns, to, panel);
    } else {
      PackFloats(from, k_stride, n_stride, k_, columns, to, panel);
    }
  };
  const double work = kNanosecondsAnElement * static_cast<double>(panel * k_) + 1;
  ParallelFor(threads, DivideUp(n_, panel), GrainFor(work), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) pack(i * panel);
  });
}

int64_t PackedGemm::panel() const { return target_->panel; }

int64_t PackedGemm::PlaceOf(int64_t k, int64_t n) const {
  const int64_t panel = target_->panel;
  return n / panel * panel * k_ + k * panel + n % panel;
}

size_t PackedGemm::WorkspaceBytes(int64_t rows, int64_t lda, int threads) const {
  const internal::GemmBlocking b = Block(*target_, n_, k_, 1, 1, rows, lda);
  return static_cast<size_t>(CopyElements(*target_, b) * threads) * sizeof(float);
}

void PackedGemm::Run(const PackedGemmArgs& args, int threads) const {
  if (args.rows == 0 || args.groups == 0 || n_ == 0) return;
  static constexpr int64_t kHere[] = {0};
  const absl::Span<const int64_t> taps = args.taps.empty() ? absl::MakeConstSpan(kHere) : args.taps;
  const internal::GemmCall call = {
      args, n_, k_, taps,
      Block(*target_, n_, k_, static_cast<int64_t>(taps.size()), args.groups, args.rows, args.lda)};
  const internal::GemmBlocking& b = call.blocking;
  const int64_t copies = CopyElements(*target_, b);
  const auto copies_of = [&](int thread) {
    return static_cast<float*>(args.workspace) + thread * copies;
  };
  const auto run = factors_ == GemmFactors::kF32 ? target_->run_f32 : target_->run_bf16;
  const double rows = static_cast<double>(args.groups * args.rows);
  const double work = kNanosecondsAMultiplyAdd * rows * static_cast<double>(k_ * n_) + 10.0;
  // By panels where weights are the larger part of what is read. Small ones are read twice rather:
  // with all layers of an image split by rows, each thread finds its own rows in its L2.
  const bool by_panels = b.panels >= threads && static_cast<double>(n_) >= rows &&
                         !(n_ * k_ <= internal::kResidentElements && b.units >= 4 * threads);
  if (by_panels) {
    ParallelFor(threads, b.panels, GrainFor(work / static_cast<double>(b.panels)),
                [&](int64_t begin, int64_t end, int thread) {
                  run(call, 0, b.units, begin, end, copies_of(thread));
                });
  } else {
    ParallelFor(threads, b.units, GrainFor(work / static_cast<double>(b.units)),
                [&](int64_t begin, int64_t end, int thread) {
                  run(call, begin, end, 0, b.panels, copies_of(thread));
                });
  }
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
