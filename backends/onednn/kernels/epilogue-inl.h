// The loops of epilogue.h over a tile of sums, for the target being compiled.
#if defined(INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_INL_H_
#undef INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_INL_H_
#else
#define INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_INL_H_
#endif

#include <algorithm>

#include "absl/types/span.h"
#include "backends/onednn/kernels/bf16-inl.h"
#include "backends/onednn/kernels/epilogue.h"
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {

// Sums of `rows` rows by `columns` columns, the first being (row, column) of the result. A row has
// room for a multiple of kF32Lanes elements; what lies behind `columns` is never stored.
struct SumTile {
  float* sums;
  int64_t stride;  // it or `columns` is a multiple of kF32Lanes
  int64_t rows, columns;
  int64_t row, column;
};

template <class F>
HWY_INLINE void UpdateSums(const SumTile& tile, const F& f) {
  // Rows that lie one behind the other are one.
  const bool flat = tile.stride == tile.columns;
  const int64_t rows = flat ? 1 : tile.rows;
  const int64_t columns = flat ? tile.rows * tile.columns : tile.columns;
  for (int64_t r = 0; r < rows; ++r) {
    float* const sums = tile.sums + r * tile.stride;
    for (int64_t c = 0; c < columns; c += kF32Lanes) {
      hn::StoreU(f(hn::LoadU(kTag, sums + c)), kTag, sums + c);
    }
  }
}

template <class F>
HWY_INLINE void UpdateSumsBy(const SumTile& tile, const EpilogueStage& stage, const F& f) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* const sums = tile.sums + r * tile.stride;
    const float* const operand = stage.operand + (tile.row + r) * stage.row_stride;
    if (stage.column_stride == 0) {
      const F32 number = hn::Set(kTag, *operand);
      for (int64_t c = 0; c < tile.columns; c += kN) {
        hn::StoreU(f(hn::LoadU(kTag, sums + c), number), kTag, sums + c);
      }
      continue;
    }
    for (int64_t c = 0; c < tile.columns; c += kN) {
      const float* const at = operand + tile.column + c;
      const F32 other = tile.columns - c >= kN
                            ? hn::LoadU(kTag, at)
                            : LoadPart(at, static_cast<size_t>(tile.columns - c));
      hn::StoreU(f(hn::LoadU(kTag, sums + c), other), kTag, sums + c);
    }
  }
}

inline HWY_NOINLINE void ApplyStage(const SumTile& tile, const EpilogueStage& stage) {
  constexpr F32Tag d;
  switch (stage.op) {
    case EpilogueOp::kRelu:
      return UpdateSums(tile, [=](F32 v) { return AtLeast(v, hn::Zero(d)); });
    case EpilogueOp::kLeakyRelu:
      return UpdateSums(tile, [&](F32 v) {
        return hn::IfThenElse(hn::Gt(v, hn::Zero(d)), v, hn::Mul(v, hn::Set(d, stage.alpha)));
      });
    case EpilogueOp::kClamp:
      return UpdateSums(tile, [&](F32 v) {
        return AtMost(AtLeast(v, hn::Set(d, stage.alpha)), hn::Set(d, stage.beta));
      });
    case EpilogueOp::kHardswish:
    case EpilogueOp::kHardsigmoid:
      return UpdateSums(tile, [&](F32 v) {
        const F32 gate =
            AtMost(AtLeast(hn::Add(v, hn::Set(d, 3.0f)), hn::Zero(d)), hn::Set(d, 6.0f));
        return hn::Div(stage.op == EpilogueOp::kHardswish ? hn::Mul(v, gate) : gate,
                       hn::Set(d, 6.0f));
      });
    case EpilogueOp::kGeluErf:
      return UpdateSums(tile, [=](F32 v) { return GeluErf(d, v); });
    case EpilogueOp::kGeluTanh:
      return UpdateSums(tile, [=](F32 v) { return GeluTanh(d, v); });
    case EpilogueOp::kSilu:
      return UpdateSums(tile, [=](F32 v) { return Silu(d, v); });
    case EpilogueOp::kTanh:
      return UpdateSums(tile, [=](F32 v) { return TanhF32(d, v); });
    case EpilogueOp::kSigmoid:
      return UpdateSums(tile, [=](F32 v) { return Sigmoid(d, v); });
    case EpilogueOp::kAdd:
      return UpdateSumsBy(tile, stage, [](F32 v, F32 o) { return hn::Add(v, o); });
    case EpilogueOp::kSub:
      return UpdateSumsBy(tile, stage, [](F32 v, F32 o) { return hn::Sub(v, o); });
    case EpilogueOp::kMul:
      return UpdateSumsBy(tile, stage, [](F32 v, F32 o) { return hn::Mul(v, o); });
    case EpilogueOp::kDiv:
      return UpdateSumsBy(tile, stage, [](F32 v, F32 o) { return hn::Div(v, o); });
  }
}

// y: where (row, column) of the tile goes, f32 or bf16; its rows lie ldc apart. Rounding: of
// bf16-inl.h.
template <class Rounding = RoundByArithmetic, class Result>
HWY_INLINE void StoreSums(const SumTile& tile, Result* y, int64_t ldc) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    const float* const sums = tile.sums + r * tile.stride;
    Result* const to = y + r * ldc;
    int64_t c = 0;
    for (; c + kN <= tile.columns; c += kN) {
      StoreResult<Rounding>(WholeVector(), hn::Load(kTag, sums + c), to + c);
    }
    if (c < tile.columns) {
      const PartVector rest{static_cast<size_t>(tile.columns - c)};
      StoreResult<Rounding>(rest, hn::Load(kTag, sums + c), to + c);
    }
  }
}

HWY_INLINE void FinishSums(const SumTile& tile, absl::Span<const EpilogueStage> stages, float* y,
                           int64_t ldc) {
  for (const EpilogueStage& stage : stages) ApplyStage(tile, stage);
  StoreSums(tile, y, ldc);
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_INL_H_
