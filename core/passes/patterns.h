// Patterns: chains of ops that are one op of the vocabulary, which backends compute in one pass
// over memory.
//
//   x * sigmoid(x)                                                   -> aten::silu(x)
//   0.5 * x * (1 + erf(x / sqrt(2)))                                 -> aten::gelu(x)
//   0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))        -> aten::gelu(x,
//   approximate="tanh") softmax(q @ k^T * scale + mask, -1) @ v      ->
//   aten::scaled_dot_product_attention(q, k, v, mask, scale)
//
// GELUs are recognised as polynomials, whatever the order of factors and terms. All are the same
// function in real numbers and round differently, within the tolerance of their dtype. They decline
// when something else uses a value in between, when a constant is off by more than one part in a
// million, and when dtypes change on the way. Attention declines a mask of which it cannot see that
// no row is -inf throughout: eager's softmax is NaN there and fused attention is not. Run
// canonicalisation before.
#ifndef INGOT_CORE_PASSES_PATTERNS_H_
#define INGOT_CORE_PASSES_PATTERNS_H_

#include "absl/status/statusor.h"
#include "core/ir/recording.h"

namespace ingot::passes {

absl::StatusOr<bool> MatchActivations(ir::Recording& recording);
absl::StatusOr<bool> MatchAttention(ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_PATTERNS_H_
