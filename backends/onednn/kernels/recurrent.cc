#include "backends/onednn/kernels/recurrent.h"

#include <algorithm>

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

// With four gates, the sums and a state's element of each row fill the registers.
constexpr int kMaxRows = HWY_TARGET <= HWY_AVX3 ? 6 : 2;
// Panels that one row does at once, so that enough sums are under way to hide an FMA's latency.
constexpr int kPanelsOfARow = 2;

template <int kRows, int kPanels, int kGates>
struct Sums {
  F32 at[kRows][kPanels][kGates];
};

// W h for rows of the state and adjacent panels of weights.
template <int kRows, int kPanels, int kGates>
HWY_INLINE void Multiply(const float* h, int64_t h_row, const float* weights, int64_t hidden,
                         Sums<kRows, kPanels, kGates>& sums) {
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
      for (int g = 0; g < kGates; ++g) sums.at[r][p][g] = hn::Zero(kTag);
    }
  }
  const int64_t panel = hidden * kGates * kN;
#pragma GCC unroll 4
  for (int64_t k = 0; k < hidden; ++k) {
    F32 state[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) state[r] = hn::Set(kTag, h[r * h_row + k]);
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
#pragma GCC unroll 4
      for (int g = 0; g < kGates; ++g) {
        const F32 w = hn::Load(kTag, weights + p * panel + (k * kGates + g) * kN);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          sums.at[r][p][g] = hn::MulAdd(state[r], w, sums.at[r][p][g]);
        }
      }
    }
  }
}

struct LstmCell {
  static constexpr int kGates = 4;

  template <class Access>
  static HWY_INLINE void Update(const RecurrentStep& s, const Access& at, int64_t row, int64_t unit,
                                const F32 (&sums)[kGates]) {
    const float* const products = s.products + row * s.args.products_row + unit;
    F32 gate[kGates];
    for (int g = 0; g < kGates; ++g) gate[g] = hn::Add(at.Load(products + g * s.hidden), sums[g]);
    const F32 input = Sigmoid(kTag, gate[0]), forget = Sigmoid(kTag, gate[1]);
    const F32 cell = TanhF32(kTag, gate[2]), output = Sigmoid(kTag, gate[3]);
    const F32 before = at.Load(s.c + row * s.c_row + unit);
    const F32 c = hn::Add(hn::Mul(forget, before), hn::Mul(input, cell));
    const F32 h = hn::Mul(output, TanhF32(kTag, c));
    at.Store(c, s.args.c_last + row * s.args.c_last_row + unit);
    at.Store(h, s.y + row * s.args.y_row + unit);
    if (s.h_last != nullptr) at.Store(h, s.h_last + row * s.args.h_last_row + unit);
  }
};

struct GruCell {
  static constexpr int kGates = 3;

  template <class Access>
  static HWY_INLINE void Update(const RecurrentStep& s, const Access& at, int64_t row, int64_t unit,
                                const F32 (&sums)[kGates]) {
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

template <class Cell, int kRows, int kPanels>
void DoTile(const RecurrentStep& s, int64_t row, int64_t panel) {
  constexpr int kGates = Cell::kGates;
  Sums<kRows, kPanels, kGates> sums;
  Multiply(s.h + row * s.h_row, s.h_row, s.args.packed + panel * s.hidden * kGates * kN, s.hidden,
           sums);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      const int64_t unit = (panel + p) * kN;
      const int64_t left = s.hidden - unit;
      if (left >= kN) {
        Cell::Update(s, WholeVector(), row + r, unit, sums.at[r][p]);
      } else {
        Cell::Update(s, PartVector{static_cast<size_t>(left)}, row + r, unit, sums.at[r][p]);
      }
    }
  }
}

template <class Cell>
void DoRows(const RecurrentStep& s, int64_t row, int64_t rows, int64_t panel) {
  switch (rows) {
    case 1:
      return DoTile<Cell, 1, 1>(s, row, panel);
    case 2:
      return DoTile<Cell, 2, 1>(s, row, panel);
#if HWY_TARGET <= HWY_AVX3
    case 3:
      return DoTile<Cell, 3, 1>(s, row, panel);
    case 4:
      return DoTile<Cell, 4, 1>(s, row, panel);
    case 5:
      return DoTile<Cell, 5, 1>(s, row, panel);
    case 6:
      return DoTile<Cell, 6, 1>(s, row, panel);
#endif
  }
}

template <class Cell>
void DoPanels(const RecurrentStep& s, int64_t panel, int64_t panels) {
  const int64_t batch = s.args.batch;
  if (batch == 1 && panels == kPanelsOfARow) return DoTile<Cell, 1, kPanelsOfARow>(s, 0, panel);
  // As even as can be.
  const int64_t tiles = (batch + kMaxRows - 1) / kMaxRows;
  for (int64_t p = panel; p < panel + panels; ++p) {
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t begin = batch * i / tiles, end = batch * (i + 1) / tiles;
      DoRows<Cell>(s, begin, end - begin, p);
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
  static constexpr internal::RecurrentTarget kTarget = {kN, {Step<LstmCell>, Step<GruCell>}};
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

int64_t PanelsOf(int64_t hidden, int64_t lanes) { return (hidden + lanes - 1) / lanes; }

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
  for (int64_t first = 0; first < hidden_; first += target_->lanes) {
    for (int64_t k = 0; k < hidden_; ++k) {
      for (int64_t g = 0; g < gates(); ++g) {
        for (int64_t unit = first; unit < first + target_->lanes; ++unit) {
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
