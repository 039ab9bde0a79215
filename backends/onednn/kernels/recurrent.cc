#include "backends/onednn/kernels/recurrent.h"

#include <algorithm>
#include <utility>

#include "backends/onednn/kernels/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/recurrent.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_RECURRENT_SHARED_
#define INGOT_BACKENDS_ONEDNN_KERNELS_RECURRENT_SHARED_
namespace ingot::kernels::internal {

// One step for some panels of units.
struct RecurrentStep {
  const RecurrentArgs& args;
  int64_t hidden;
  const float* h;  // the state before the step
  int64_t h_row;
  const float* c;
  int64_t c_row;
  const float* products;
  float* y;
  float* h_last;  // null but in the last step
};

// The loops of one CPU target.
struct RecurrentTarget {
  int64_t lanes;
  int64_t block_gates[2];  // gates that lie beside each other in a panel
  // Panels [begin, end), backwards or forwards.
  void (*step[2])(const RecurrentStep& step, int64_t begin, int64_t end, bool backwards);
};

}  // namespace ingot::kernels::internal
#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_RECURRENT_SHARED_

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

using internal::RecurrentStep;

constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3;
// Rows of the state whose sums with one block fill the registers, but for the block's weights and
// an element of the state.
constexpr int kMaxRows = kManyRegisters ? 6 : 4;
// Rows whose sums wait until all blocks of a panel have passed.
constexpr int64_t kMaxWaitingRows = 2 * kMaxRows;
// Panels that one row does at once, so that enough sums are under way to hide an FMA's latency.
constexpr int kPanelsOfARow = 2;

// sums[row][block][gate] = W h for kRows rows of the state and kBlocks adjacent blocks of weights.
template <int kRows, int kBlocks, int kGates>
void Multiply(const float* h, int64_t h_row, const float* weights, int64_t hidden, F32* sums,
              int64_t sums_row) {
  F32 sum[kRows][kBlocks][kGates];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
#pragma GCC unroll 4
      for (int g = 0; g < kGates; ++g) sum[r][b][g] = hn::Zero(kTag);
    }
  }
  const int64_t block = hidden * kGates * kN;
#pragma GCC unroll 4
  for (int64_t k = 0; k < hidden; ++k) {
    F32 w[kBlocks][kGates];
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
#pragma GCC unroll 4
      for (int g = 0; g < kGates; ++g) {
        w[b][g] = hn::Load(kTag, weights + b * block + (k * kGates + g) * kN);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const F32 state = hn::Set(kTag, h[r * h_row + k]);
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
#pragma GCC unroll 4
        for (int g = 0; g < kGates; ++g) sum[r][b][g] = hn::MulAdd(state, w[b][g], sum[r][b][g]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
#pragma GCC unroll 4
      for (int g = 0; g < kGates; ++g) sums[r * sums_row + b * kGates + g] = sum[r][b][g];
    }
  }
}

using Gate = Quotient<F32>;

HWY_INLINE F32 Product(const Gate& a, const Gate& b) {
  return hn::Div(hn::Mul(a.above, b.above), hn::Mul(a.below, b.below));
}

struct LstmCell {
  static constexpr int kGates = 4, kBlockGates = kManyRegisters ? 4 : 2;

  template <class Access>
  static HWY_INLINE void Update(const RecurrentStep& s, const Access& at, int64_t row, int64_t unit,
                                const F32* sums) {
    const float* const products = s.products + row * s.args.products_row + unit;
    F32 gate[kGates];
    for (int g = 0; g < kGates; ++g) gate[g] = hn::Add(at.Load(products + g * s.hidden), sums[g]);
    const Gate input = SigmoidQuotient(kTag, gate[0]), cell = TanhQuotient(kTag, gate[2]);
    const F32 forget = Sigmoid(kTag, gate[1]);
    const F32 before = at.Load(s.c + row * s.c_row + unit);
    const F32 c = hn::Add(hn::Mul(forget, before), Product(input, cell));
    const F32 h = Product(SigmoidQuotient(kTag, gate[3]), TanhQuotient(kTag, c));
    at.Store(c, s.args.c_last + row * s.args.c_last_row + unit);
    at.Store(h, s.y + row * s.args.y_row + unit);
    if (s.h_last != nullptr) at.Store(h, s.h_last + row * s.args.h_last_row + unit);
  }
};

struct GruCell {
  static constexpr int kGates = 3, kBlockGates = 3;

  template <class Access>
  static HWY_INLINE void Update(const RecurrentStep& s, const Access& at, int64_t row, int64_t unit,
                                const F32* sums) {
    const float* const products = s.products + row * s.args.products_row + unit;
    const auto product = [&](int g) HWY_ATTR { return at.Load(products + g * s.hidden); };
    const F32 reset = Sigmoid(kTag, hn::Add(product(0), sums[0]));
    const F32 update = Sigmoid(kTag, hn::Add(product(1), sums[1]));
    const F32 state =
        s.args.bias == nullptr ? sums[2] : hn::Add(sums[2], at.Load(s.args.bias + unit));
    const F32 next = TanhF32(kTag, hn::Add(product(2), hn::Mul(reset, state)));
    const F32 before = at.Load(s.h + row * s.h_row + unit);
    const F32 h = hn::Add(next, hn::Mul(update, hn::Sub(before, next)));
    at.Store(h, s.y + row * s.args.y_row + unit);
    if (s.h_last != nullptr) at.Store(h, s.h_last + row * s.args.h_last_row + unit);
  }
};

using MultiplyFn = void (*)(const float* h, int64_t h_row, const float* weights, int64_t hidden,
                            F32* sums, int64_t sums_row);

template <class Cell>
struct Tiles {
  static constexpr int kBlocksOfAPanel = Cell::kGates / Cell::kBlockGates;

  template <int kRows, int kBlocks>
  static constexpr MultiplyFn kTile = Multiply<kRows, kBlocks, Cell::kBlockGates>;

  template <size_t... kIndex>
  static MultiplyFn OfOneBlock(int64_t rows, std::index_sequence<kIndex...>) {
    static constexpr MultiplyFn kTiles[] = {kTile<kIndex + 1, 1>...};
    return kTiles[rows - 1];
  }
};

// All of W h for rows [row, row + rows), at most kMaxWaitingRows, and adjacent panels.
template <class Cell>
void MultiplyPanels(const RecurrentStep& s, int64_t row, int64_t rows, int64_t panel,
                    int64_t panels, F32* sums, int64_t sums_row) {
  using Tile = Tiles<Cell>;
  constexpr int kBlocks = Tile::kBlocksOfAPanel;
  const float* const weights = s.args.packed + panel * s.hidden * Cell::kGates * kN;
  const auto multiply = [&](MultiplyFn tile, int64_t r, int64_t block) {
    tile(s.h + (row + r) * s.h_row, s.h_row, weights + block * s.hidden * Cell::kBlockGates * kN,
         s.hidden, sums + r * sums_row + block * Cell::kBlockGates, sums_row);
  };
  if (rows == 1 && panels == kPanelsOfARow) {
    return multiply(Tile::template kTile<1, kPanelsOfARow * kBlocks>, 0, 0);
  }
  const int64_t tiles = hwy::DivCeil(rows, kMaxRows);  // as even as can be
  for (int64_t p = 0; p < panels; ++p) {
    // One or two rows alone have too few sums in one block.
    if (rows <= 2) {
      multiply(rows == 1 ? Tile::template kTile<1, kBlocks> : Tile::template kTile<2, kBlocks>, 0,
               p * kBlocks);
      continue;
    }
    for (int64_t b = p * kBlocks; b < (p + 1) * kBlocks; ++b) {
      for (int64_t i = 0; i < tiles; ++i) {
        const int64_t begin = rows * i / tiles, end = rows * (i + 1) / tiles;
        multiply(Tile::OfOneBlock(end - begin, std::make_index_sequence<kMaxRows>()), begin, b);
      }
    }
  }
}

template <class Cell>
void DoPanels(const RecurrentStep& s, int64_t panel, int64_t panels) {
  constexpr int kSumsOfARow = kPanelsOfARow * Cell::kGates;
  const int64_t batch = s.args.batch, parts = hwy::DivCeil(batch, kMaxWaitingRows);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t begin = batch * part / parts, end = batch * (part + 1) / parts;
    F32 sums[kMaxWaitingRows * kSumsOfARow];
    MultiplyPanels<Cell>(s, begin, end - begin, panel, panels, sums, kSumsOfARow);
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t p = 0; p < panels; ++p) {
        const F32* const own = sums + (row - begin) * kSumsOfARow + p * Cell::kGates;
        const int64_t unit = (panel + p) * kN, left = s.hidden - unit;
        if (left >= kN) {
          Cell::Update(s, WholeVector(), row, unit, own);
        } else {
          Cell::Update(s, PartVector{static_cast<size_t>(left)}, row, unit, own);
        }
      }
    }
  }
}

template <class Cell>
void Step(const RecurrentStep& s, int64_t begin, int64_t end, bool backwards) {
  if (backwards) {
    for (int64_t p = end; p > begin;) {
      const int64_t panels = std::min<int64_t>(kPanelsOfARow, p - begin);
      p -= panels;
      DoPanels<Cell>(s, p, panels);
    }
  } else {
    for (int64_t p = begin; p < end; p += kPanelsOfARow) {
      DoPanels<Cell>(s, p, std::min<int64_t>(kPanelsOfARow, end - p));
    }
  }
}

}  // namespace

const internal::RecurrentTarget* RecurrentLoops() {
  static constexpr internal::RecurrentTarget kTarget = {
      kN, {LstmCell::kBlockGates, GruCell::kBlockGates}, {Step<LstmCell>, Step<GruCell>}};
  return &kTarget;
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {

HWY_EXPORT(RecurrentLoops);

// Of a weight, read from L2, and of its multiply-add with one row; what a thread should at least do
// in a step, since all wait for each other then.
constexpr double kNanosecondsAWeight = 0.027, kNanosecondsAMultiplyAdd = 0.01;
constexpr double kMinNanosecondsAStep = 700;

int64_t PanelsOf(int64_t hidden, int64_t lanes) { return hwy::DivCeil(hidden, lanes); }

// All steps for the units of one member of the team.
void RunMember(const internal::RecurrentTarget& target, RecurrentCell cell, int64_t hidden,
               const RecurrentArgs& args, int member, int team, TeamProgress& progress) {
  const int64_t panels = PanelsOf(hidden, target.lanes);
  const int64_t begin = panels * member / team, end = panels * (member + 1) / team;
  internal::RecurrentStep step = {args,        hidden,  args.h0, args.h0_row, args.c0,
                                  args.c0_row, nullptr, nullptr, nullptr};
  for (int64_t i = 0; i < args.steps; ++i) {
    const int64_t t = args.reverse ? args.steps - 1 - i : i;
    step.products = args.products + t * args.products_step;
    step.y = args.y + t * args.y_step;
    if (i + 1 == args.steps) step.h_last = args.h_last;
    if (team > 1) progress.WaitForAll(team, i);
    target.step[static_cast<int>(cell)](step, begin, end, i % 2 == 1);
    if (team > 1) progress.Report(member, i + 1);
    step.h = step.y;
    step.h_row = args.y_row;
    step.c = args.c_last;
    step.c_row = args.c_last_row;
  }
}

}  // namespace

Recurrent Recurrent::Make(RecurrentCell cell, int64_t hidden) {
  Recurrent recurrent;
  recurrent.cell_ = cell;
  recurrent.hidden_ = hidden;
  recurrent.target_ = HWY_DYNAMIC_DISPATCH(RecurrentLoops)();
  return recurrent;
}

size_t Recurrent::PackedBytes() const {
  const int64_t lanes = target_->lanes;
  return static_cast<size_t>(PanelsOf(hidden_, lanes) * lanes * gates() * hidden_) * sizeof(float);
}

void Recurrent::Pack(const float* w, int64_t row_stride, int64_t column_stride,
                     float* packed) const {
  const int64_t lanes = target_->lanes, panels = PanelsOf(hidden_, lanes);
  const int64_t block = target_->block_gates[static_cast<int>(cell_)];
  const int64_t blocks_of_a_panel = gates() / block;
  for (int64_t i = 0; i < panels * blocks_of_a_panel; ++i) {
    const int64_t first_unit = i / blocks_of_a_panel * lanes;
    const int64_t first_gate = i % blocks_of_a_panel * block;
    for (int64_t k = 0; k < hidden_; ++k) {
      for (int64_t g = first_gate; g < first_gate + block; ++g) {
        for (int64_t unit = first_unit; unit < first_unit + lanes; ++unit) {
          *packed++ =
              unit < hidden_ ? w[(g * hidden_ + unit) * row_stride + k * column_stride] : 0.0f;
        }
      }
    }
  }
}

void Recurrent::Run(const RecurrentArgs& args, int threads) const {
  const double step =
      (kNanosecondsAWeight + kNanosecondsAMultiplyAdd * static_cast<double>(args.batch)) *
      static_cast<double>(gates() * hidden_ * hidden_);
  int64_t team = std::min<int64_t>(threads, TeamProgress::kMaxTeam);
  team = std::min(team, static_cast<int64_t>(step / kMinNanosecondsAStep));
  team = std::min(team, PanelsOf(hidden_, target_->lanes));
  if (step * static_cast<double>(args.steps) < kMinParallelNanoseconds) team = 1;
  TeamProgress progress;
  ParallelTeam(static_cast<int>(team), [&](int member, int size) {
    RunMember(*target_, cell_, hidden_, args, member, size, progress);
  });
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
