#include "backends/onednn/kernels/packed_gemm.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "backends/onednn/kernels/cpu_limit.h"
#include "backends/onednn/kernels/gemm_blocking.h"
#include "backends/onednn/kernels/pack_panel.h"
#include "backends/onednn/kernels/parallel.h"

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

struct GemmCall {
  const PackedGemmArgs& args;
  int64_t n, k;  // k: of all taps
  absl::Span<const int64_t> taps;
  GemmBlocking blocking;
};

// A thread's part of the workspace, each null if there is nothing to go there.
struct GemmRoom {
  float* copies = nullptr;
  float* sums = nullptr;
};

// The loops of one CPU target.
struct PackedGemmTarget {
  GemmLimits limits;
  // All of k for a part of the product, by one thread.
  using RunFn = void (*)(const GemmCall& call, const GemmPart& part, const GemmRoom& room);
  RunFn run_f32;
  RunFn run_bf16;  // null: the target has no such loops
};

}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_SHARED_

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::GemmCall;
using internal::GemmPart;
using internal::GemmPass;
using internal::GemmRoom;
using internal::KBlock;
using internal::UnitCursor;

// A block of a panel that is read once a tile of 14 rows comes from L2 in time; one that is read
// once a tile of 6 has to stay in L1.
constexpr int64_t kMaxKBlock = HWY_TARGET <= HWY_AVX3 ? 512 : 256;
// Sums that need not wait for a second block are worth a tile's left rows that come from L2.
constexpr int64_t kMaxWholeK = HWY_TARGET <= HWY_AVX3 ? 768 : 256;
// Row by row, results are written in order. Tiles of 6 rows read the right factor more than twice
// as often as tiles of 14, and gain more from a panel that stays in L1.
constexpr int64_t kRowsFirstElements = HWY_TARGET <= HWY_AVX3 ? internal::kResidentElements : 0;
// AVX-512 has fewer blocks of k, and loses 1 to 2 % by it.
constexpr bool kKeepsSums = HWY_TARGET > HWY_AVX3;
// Stages take long to begin with: a function's first result comes after some thirty steps, each of
// which waits for the last. So sums wait for each other, as many tiles as a buffer holds, or where
// the whole result stays in L1, all.
constexpr int64_t kBufferRows = 4 * kMaxRows;
constexpr int64_t kResultInL1 = 4096;  // elements

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
    const int64_t at = r * args.ldc + column;
    for (int64_t c = 0; c < columns; c += kLine) {
      args.bf16_y != nullptr ? __builtin_prefetch(args.bf16_y + at + c, 1, 3)
                             : __builtin_prefetch(args.y + at + c, 1, 3);
    }
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
  // The sums of the first unit by the panels in question, row by row, if they are kept.
  float* kept;
};

// Panels that one tile takes.
struct PanelRun {
  int64_t panel;
  int panels;
  int64_t column, columns;
  bool whole;  // vectors: a tile's sums may go to the result as they are

  PanelRun(const GemmCall& call, int64_t first, int count)
      : panel(first),
        panels(count),
        column(first * kPanel),
        columns(std::min(call.n - column, count * kPanel)),
        whole(columns == count * kPanel || columns == kN) {}
};

void CopyRows(const float* x, int64_t lda, int64_t rows, int64_t columns, float* to,
              int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * stride, x + r * lda, static_cast<size_t>(columns) * sizeof(float));
  }
}

// One pass.
template <typename Step>
class PassRun {
 public:
  // `next`: the pass that follows, if any.
  PassRun(const GemmCall& call, const GemmPass& pass, const std::optional<GemmPass>& next,
          const GemmRoom& room)
      : call_(call),
        b_(call.blocking),
        part_(pass.part),
        block_(pass.block),
        room_(room),
        after_(next.has_value() ? WeightsAt(next->part.panel_begin, next->block) : nullptr),
        start_(b_, pass.part.unit_begin),
        stages_later_(StagesLater()),
        most_rows_(b_.unit_rows + (b_.longer_units > 0 ? 1 : 0)),
        together_(most_rows_ * 4 <= kMaxRows ? 4 : (most_rows_ * 2 <= kMaxRows ? 2 : 1)) {}

  void Run() {
    if (b_.copy_rows) CopyLeft();
    b_.rows_first ? RunByRows() : RunByPanels();
    if (stages_later_) FinishResult();
  }

 private:
  const float* XAt(const UnitCursor& at, const KBlock& block) const {
    return call_.args.x + at.group() * call_.args.group_stride + at.first() * call_.args.lda +
           block.first;
  }
  const float* WeightsAt(int64_t panel, const KBlock& block) const {
    return call_.args.packed + panel * kPanel * call_.k + block.row * kPanel;
  }
  // What the last block does to its sums before they are stored.
  absl::Span<const EpilogueStage> Stages() const {
    return stages_later_ ? absl::Span<const EpilogueStage>() : call_.args.stages;
  }
  bool StagesLater() const {
    RegisterStages unused;
    return block_.row == 0 && block_.last && !FitRegisters(call_.args.stages, 0, 0, unused) &&
           call_.n % kPanel == 0 && Rows() * Columns() <= kResultInL1 &&
           call_.args.bf16_y == nullptr;
  }
  // Of the result.
  int64_t FirstRow() const { return start_.group() * call_.args.rows + start_.first(); }
  int64_t Rows() const {
    const UnitCursor end(b_, part_.unit_end);
    return end.group() * call_.args.rows + end.first() - FirstRow();
  }
  int64_t Columns() const { return (part_.panel_end - part_.panel_begin) * kPanel; }

  void FinishResult() {
    const int64_t row = FirstRow(), column = part_.panel_begin * kPanel;
    const int64_t ldc = call_.args.ldc;
    const SumTile result = {call_.args.y + row * ldc + column, ldc, Rows(), Columns(), row, column};
    for (const EpilogueStage& stage : call_.args.stages) ApplyStage(result, stage);
  }

  int64_t CopiedUnit() const { return kMaxRows * b_.copy_stride; }
  int PanelsAt(int64_t panel) const {
    const int64_t left = part_.panel_end - panel;
    if (left >= together_) return static_cast<int>(together_);
    return left >= 2 && together_ > 1 ? 2 : 1;
  }

  void CopyLeft() {
    UnitCursor at = start_;
    for (int64_t unit = part_.unit_begin; unit < part_.unit_end; ++unit, at.Advance(1)) {
      CopyRows(XAt(at, block_), call_.args.lda, at.rows(), block_.k,
               room_.copies + (unit - part_.unit_begin) * CopiedUnit(), b_.copy_stride);
    }
  }

  void RunUnits(const UnitCursor& at, int64_t unit, int64_t count, int64_t panel, int panels,
                const float* next, int64_t next_step) {
    const int64_t lda = call_.args.lda;
    UnitRun units = {at.group() * call_.args.rows + at.first(),
                     at.rows(),
                     count,
                     XAt(at, block_),
                     at.rows() * lda,
                     lda,
                     next,
                     next_step,
                     nullptr};
    if (room_.sums != nullptr) {
      // Each panel has room for as many rows as a chunk may have.
      const int64_t kept_panel = b_.chunk_units * kMaxRows * kPanel;
      units.kept = room_.sums + (panel - part_.panel_begin) * kept_panel +
                   (units.row - FirstRow()) * panels * kPanel;
    }
    if (b_.copy_rows) {
      units.x = room_.copies + (unit - part_.unit_begin) * CopiedUnit();
      units.x_step = CopiedUnit();
      units.lda = b_.copy_stride;
    }
    RunTiles(units, PanelRun(call_, panel, panels));
  }

  // From the first sums to the stored result, or to where they are kept.
  void RunTiles(const UnitRun& run, const PanelRun& panels) {
    const PackedGemmArgs& args = call_.args;
    const bool first = block_.row == 0, last = block_.last, kept = run.kept != nullptr;
    RegisterStages stages;
    const bool direct =
        panels.whole && (!last || FitRegisters(Stages(), run.row, panels.column, stages));
    const bool buffered = !direct && !kept;
    const int64_t rows = run.count * run.rows;
    if (buffered && rows * panels.panels > kBufferRows) return RunInParts(run, panels);
    if (last && buffered) FetchRows(call_, run.row, rows, panels.column, panels.columns);
    HWY_ALIGN float buffer[kBufferRows * kPanel], first_sums[4 * kPanel];
    const int64_t place = run.row * args.ldc + panels.column;
    BFloat16* const bf16_y = args.bf16_y != nullptr ? args.bf16_y + place : nullptr;
    float* const y = bf16_y == nullptr ? args.y + place : nullptr;
    float* const room = kept ? run.kept : buffer;
    const int64_t room_stride = panels.panels * kPanel;
    const bool to_result = direct && (last || !kept);
    TileArgs tile = TileOf(run, panels);
    if (direct) tile.stages = stages;
    tile.addend_step = run.rows * stages.addend_stride;
    tile.sums = to_result ? y : room;
    tile.bf16_sums = to_result ? bf16_y : nullptr;
    tile.sums_stride = to_result ? args.ldc : room_stride;
    tile.sums_step = run.rows * tile.sums_stride;
    tile.from = first ? nullptr : (direct && !kept ? y : room);
    tile.from_stride = kept ? room_stride : tile.sums_stride;
    tile.from_step = run.rows * tile.from_stride;
    tile.fetch = to_result && last;
    tile.first_sums = first ? FirstSums(panels, first_sums) : nullptr;
    if (!first && buffered) CopyRows(y, args.ldc, rows, panels.columns, room, room_stride);
    TileFor<Step>(run.rows, panels.panels, panels.columns)(tile);
    if (to_result || (kept && !last)) return;
    const SumTile made = {room, room_stride, rows, panels.columns, run.row, panels.column};
    if (last) {
      for (const EpilogueStage& stage : Stages()) ApplyStage(made, stage);
    }
    if constexpr (Step::kRounds) {
      if (bf16_y != nullptr) return StoreSums<Step>(made, bf16_y, args.ldc);
    }
    StoreSums(made, y, args.ldc);
  }

  // As many units at a time as the buffer holds.
  void RunInParts(UnitRun run, const PanelRun& panels) {
    const int64_t most = kBufferRows / (run.rows * panels.panels);
    for (int64_t left = run.count; left > 0; left -= run.count) {
      run.count = std::min(left, most);
      RunTiles(run, panels);
      run.row += run.count * run.rows;
      run.x += run.count * run.x_step;
      run.next += run.count * run.next_step;
    }
  }

  // But for the sums.
  TileArgs TileOf(const UnitRun& run, const PanelRun& panels) const {
    TileArgs tile;
    tile.tiles = run.count;
    tile.x_step = run.x_step;
    tile.next_step = run.next_step;
    tile.x = run.x;
    tile.lda = run.lda;
    tile.taps = block_.taps;
    tile.w = WeightsAt(panels.panel, block_);
    tile.panel_stride = kPanel * call_.k;
    tile.k = block_.k;
    tile.next = run.next;
    return tile;
  }

  // The bias, or null; `room` is for one that does not fill its panels.
  const float* FirstSums(const PanelRun& panels, float* room) const {
    if (call_.args.bias == nullptr) return nullptr;
    const float* const bias = call_.args.bias + panels.column;
    if (panels.whole) return bias;
    std::memcpy(room, bias, static_cast<size_t>(panels.columns) * sizeof(float));
    return room;
  }

  void RunByRows() {
    UnitCursor at = start_;
    for (int64_t unit = part_.unit_begin; unit < part_.unit_end; ++unit, at.Advance(1)) {
      for (int64_t panel = part_.panel_begin; panel < part_.panel_end; panel += PanelsAt(panel)) {
        RunUnits(at, unit, 1, panel, PanelsAt(panel), WeightsAt(panel, block_), 0);
      }
    }
  }

  void RunByPanels() {
    const int64_t a_unit = block_.size() / kStepsALine * kLine;
    for (int64_t panel = part_.panel_begin; panel < part_.panel_end;) {
      const int panels = PanelsAt(panel);
      const float* const here = WeightsAt(panel, block_);
      // The block that comes next is fetched by the first units; then, and if there is none, each
      // unit asks for lines that are there anyway.
      const float* next =
          panel + panels < part_.panel_end ? WeightsAt(panel + panels, block_) : after_;
      const float* const next_end = next != nullptr ? next + kPanel * block_.size() : nullptr;
      UnitCursor at = start_;
      for (int64_t unit = part_.unit_begin; unit < part_.unit_end;) {
        int64_t count = std::min(at.alike(), part_.unit_end - unit);
        if (next < next_end && a_unit > 0) {
          count = std::min(count, (next_end - next + a_unit - 1) / a_unit);
          RunUnits(at, unit, count, panel, panels, next, a_unit);
          next += count * a_unit;
        } else {
          RunUnits(at, unit, count, panel, panels, here, 0);
        }
        unit += count;
        at.Advance(count);
      }
      panel += panels;
    }
  }

  const GemmCall& call_;
  const internal::GemmBlocking& b_;
  const GemmPart& part_;
  const KBlock& block_;
  const GemmRoom& room_;
  const float* const after_;
  const UnitCursor start_;
  const bool stages_later_;
  const int64_t most_rows_, together_;
};

template <typename Step>
void RunPart(const GemmCall& call, const GemmPart& part, const GemmRoom& room) {
  internal::GemmPasses passes(call.blocking, call.taps, call.k, part);
  while (!passes.done()) {
    const GemmPass pass = passes.Get();
    passes.Advance();
    std::optional<GemmPass> next;
    if (!passes.done()) next = passes.Get();
    PassRun<Step>(call, pass, next, room).Run();
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
      {kPanel, kMaxRows, kMaxKBlock, kMaxWholeK, kRowsFirstElements, kKeepsSums},
      &RunPart<F32Step>,
      kRunBf16};
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

absl::Span<const int64_t> Taps(const PackedGemmArgs& args) {
  static constexpr int64_t kHere[] = {0};
  return args.taps.empty() ? absl::MakeConstSpan(kHere) : args.taps;
}

internal::GemmProblem ProblemOf(int64_t n, int64_t k, const PackedGemmArgs& args, bool to_bf16) {
  return {.n = n,
          .k = k,
          .taps = static_cast<int64_t>(Taps(args).size()),
          .groups = args.groups,
          .rows = args.rows,
          .lda = args.lda,
          .keeps_sums = to_bf16};
}

}  // namespace

bool PackedGemm::HasBf16() {
  return IsBf16WithinLimit() && __builtin_cpu_supports("avx512bf16") &&
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
  return static_cast<size_t>(hwy::DivCeil(n_, target_->limits.panel) * target_->limits.panel * k_) *
         sizeof(float);
}

void PackedGemm::Pack(const float* w, int64_t k_stride, int64_t n_stride, float* packed,
                      int threads) const {
  const int64_t panel = target_->limits.panel;
  const auto pack = [&](int64_t first) {
    const float* const from = w + first * n_stride;
    float* const to = packed + first * k_;
    const int64_t columns = std::min(panel, n_ - first);
    if (columns < panel) std::memset(to, 0, static_cast<size_t>(panel * k_) * sizeof(float));
    if (factors_ == GemmFactors::kBf16Pairs) {
      PackPanelBf16Pairs(from, k_stride, n_stride, k_, columns, to, panel);
    } else {
      PackPanel(from, k_stride, n_stride, k_, columns, to, panel);
    }
  };
  const double work = kNanosecondsAnElement * static_cast<double>(panel * k_) + 1;
  ParallelFor(threads, hwy::DivCeil(n_, panel), GrainFor(work),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t i = begin; i < end; ++i) pack(i * panel);
              });
}

int64_t PackedGemm::panel() const { return target_->limits.panel; }

int64_t PackedGemm::PlaceOf(int64_t k, int64_t n) const {
  const int64_t panel = target_->limits.panel;
  return n / panel * panel * k_ + k * panel + n % panel;
}

size_t PackedGemm::WorkspaceBytes(const PackedGemmArgs& args, int threads, bool to_bf16) const {
  const internal::GemmBlocking b = BlockGemm(target_->limits, ProblemOf(n_, k_, args, to_bf16));
  const int64_t elements = CopyElements(target_->limits, b) + SumElements(target_->limits, b);
  return static_cast<size_t>(elements * threads) * sizeof(float);
}

void PackedGemm::Run(const PackedGemmArgs& args, int threads) const {
  if (args.rows == 0 || args.groups == 0 || n_ == 0) return;
  const internal::GemmLimits& limits = target_->limits;
  internal::GemmCall call = {args, n_, k_, Taps(args),
                             BlockGemm(limits, ProblemOf(n_, k_, args, args.bf16_y != nullptr))};
  internal::GemmBlocking& b = call.blocking;
  if (args.workspace == nullptr) b.keep_sums = b.copy_rows = false;
  const int64_t copies = CopyElements(limits, b), sums = SumElements(limits, b);
  const auto room_of = [&](int thread) {
    float* const room = static_cast<float*>(args.workspace) + thread * (copies + sums);
    return internal::GemmRoom{copies > 0 ? room : nullptr, sums > 0 ? room + copies : nullptr};
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
                  run(call, {0, b.units, begin, end}, room_of(thread));
                });
  } else {
    ParallelFor(threads, b.units, GrainFor(work / static_cast<double>(b.units)),
                [&](int64_t begin, int64_t end, int thread) {
                  run(call, {begin, end, 0, b.panels}, room_of(thread));
                });
  }
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
