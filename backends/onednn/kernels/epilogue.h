// What a product or convolution kernel does to its sums before they are stored: a short list of
// elementwise stages, run while the sums are still in registers or L1.
//
//   const EpilogueStage stages[] = {{EpilogueOp::kAdd, 0, 0, residual, /*row_stride=*/n, 1},
//                                   {EpilogueOp::kRelu}};
//
// Semantics, NaN included, are PyTorch's: relu and clamp hand NaN on.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_H_

#include <cstdint>

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

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_EPILOGUE_H_
