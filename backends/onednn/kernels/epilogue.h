// What a product or convolution kernel does to its sums before they are stored: a short list of
// elementwise stages, run while the sums are still in registers or L1.
//
//   const EpilogueStage stages[] = {{EpilogueOp::kAdd, 0, 0, residual, /*row_stride=*/n, 1},
//                                   {EpilogueOp::kRelu}};
//
// Semantics, NaN included, are PyTorch's: relu and clamp hand NaN on.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_H_

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/types/span.h"

namespace ingot::kernels {

enum class EpilogueOp : uint8_t {
  // y = f(y), some with parameters alpha and beta.
  kRelu,
  kLeakyRelu,    // slope alpha
  kClamp,        // between alpha and beta
  kHardswish,    // y * clamp(y + 3, 0, 6) / 6
  kHardsigmoid,  // clamp(y + 3, 0, 6) / 6
  kGeluErf,
  kGeluTanh,
  kSilu,
  kTanh,
  kSigmoid,
  // y = y op operand.
  kAdd,
  kSub,
  kMul,
  kDiv,
};

inline bool IsBinary(EpilogueOp op) { return op >= EpilogueOp::kAdd; }

struct EpilogueStage {
  EpilogueOp op = EpilogueOp::kRelu;
  float alpha = 0, beta = 0;
  // Binary ops: element (row, column) of the operand is operand[row * row_stride + column *
  // column_stride], column_stride 0 or 1. Must not overlap the result.
  const float* operand = nullptr;
  int64_t row_stride = 0;
  int column_stride = 1;
};

// What the commonest lists of stages do, for kernels that do it in registers: an addend, unless it
// is null, then bounds, if any.
struct RegisterStages {
  const float* addend = nullptr;
  int64_t addend_stride = 0;
  bool bounded = false;
  float low = 0, high = 0;
};

// False: `stages` do more than that. `addend` is made to point to (row, column) of the result.
inline bool FitRegisters(absl::Span<const EpilogueStage> stages, int64_t row, int64_t column,
                         RegisterStages& fit) {
  size_t i = 0;
  if (i < stages.size() && stages[i].op == EpilogueOp::kAdd && stages[i].row_stride != 0 &&
      stages[i].column_stride == 1) {
    fit.addend = stages[i].operand + row * stages[i].row_stride + column;
    fit.addend_stride = stages[i].row_stride;
    ++i;
  }
  if (i < stages.size() && stages[i].op == EpilogueOp::kRelu) {
    fit.bounded = true;
    fit.low = 0;
    fit.high = std::numeric_limits<float>::infinity();
    ++i;
  } else if (i < stages.size() && stages[i].op == EpilogueOp::kClamp) {
    fit.bounded = true;
    fit.low = stages[i].alpha;
    fit.high = stages[i].beta;
    ++i;
  }
  return i == stages.size();
}

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_H_
