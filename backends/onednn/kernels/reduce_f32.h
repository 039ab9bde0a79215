// Vectorised folds of f32, the inner loops of reductions. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_F32_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_F32_H_

#include <cstdint>

namespace ingot::kernels::internal {

enum class Fold : uint8_t {
  kSum,
  kSumAbs,
  kSumSquares,  // of x - centre
  kSumExp,      // of x - centre
  kMax,         // NaN wins, here and below
  kMin,
  kMaxAbs,
};

constexpr bool IsSum(Fold fold) { return fold <= Fold::kSumExp; }

// What folding nothing gives.
double FoldIdentity(Fold fold);

// Folds n dense elements.
double FoldRow(Fold fold, const float* x, int64_t n, float centre);

// Columns folded together: strips of this many are fastest.
inline constexpr int64_t kFoldColumns = 64;

// Folds `rows` rows of `columns` <= kFoldColumns neighbouring elements into `state` (in and out;
// start it with the identity). centre: one a column, or null for 0.
void FoldColumns(Fold fold, const float* x, int64_t row_stride, int64_t rows, int64_t columns,
                 const float* centre, float* state);

// The first i with x[i] == value (or x[i] a NaN, if value is one); n if there is none.
int64_t FindFirst(const float* x, int64_t n, float value);

}  // namespace ingot::kernels::internal

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_F32_H_
