#include "tests/exhaustive/bounds.h"

namespace ingot::exhaustive {
namespace {

using ir::DType;

constexpr char kTie[] = "eager's vectorised function is off by a hair next to a tie";
constexpr char kTiny[] = "eager's vectorised function is inexact, or 0, next to 0";
constexpr char kOverflow[] = "eager's intermediate overflows before the result does";
constexpr char kFlush[] =
    "eager flushes a denormal e^-x to 0, and loses the sign of what it is subtracted from";
constexpr char kRoot[] = "eager takes roots in bfloat16, which differ from powers at -0 and -inf";

// torchscript runs eager's own kernels.
const Bound kBounds[] = {
    {"reference", "asin", DType::kFloat16, 1, 0, kTie},
    {"reference", "cosh", DType::kBFloat16, 0, 2, kOverflow},
    {"reference", "digamma", DType::kFloat16, 1, 0, kTie},
    {"reference", "elu_numbers", DType::kFloat16, 1, 0, kTie},
    {"reference", "erf", DType::kFloat16, 5, 0, kTiny},
    {"reference", "erf", DType::kBFloat16, 13404, 0, kTiny},
    {"reference", "gelu", DType::kFloat16, 3, 0, kTiny},
    {"reference", "gelu", DType::kBFloat16, 128, 129, kOverflow},
    {"reference", "gelu_tanh", DType::kFloat16, 3, 0, kTiny},
    {"reference", "gelu_tanh", DType::kBFloat16, 13349, 0, kTiny},
    {"reference", "i0", DType::kFloat16, 1, 0, kTie},
    {"reference", "i0", DType::kBFloat16, 0, 12, kOverflow},
    {"reference", "lgamma", DType::kFloat16, 1, 0, kTie},
    {"reference", "lgamma", DType::kBFloat16, 0, 2, kOverflow},
    {"reference", "log_sigmoid", DType::kFloat16, 1, 18, kFlush},
    {"reference", "log_sigmoid", DType::kBFloat16, 0, 2, kFlush},
    {"reference", "mish", DType::kFloat16, 1, 0, kTie},
    {"reference", "pow_Tensor_Scalar_cube", DType::kBFloat16, 1, 0, kTie},
    {"reference", "pow_Tensor_Scalar_inverse_root", DType::kBFloat16, 0, 2, kRoot},
    {"reference", "pow_Tensor_Scalar_root", DType::kBFloat16, 0, 2, kRoot},
    {"reference", "sin", DType::kFloat16, 1, 0, kTie},
    {"reference", "sinh", DType::kBFloat16, 0, 2, kOverflow},
    {"reference", "special_entr", DType::kFloat16, 1, 0, kTie},
    {"reference", "special_entr", DType::kBFloat16, 1, 1, kTie},
    {"reference", "special_i1", DType::kFloat16, 1, 0, kTiny},
    {"reference", "special_i1", DType::kBFloat16, 0, 12, kOverflow},
};

}  // namespace

const Bound* FindBound(absl::string_view backend, absl::string_view call, ir::DType dtype) {
  for (const Bound& bound : kBounds) {
    if (bound.backend == backend && bound.call == call && bound.dtype == dtype) return &bound;
  }
  return nullptr;
}

}  // namespace ingot::exhaustive
