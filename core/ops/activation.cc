// Pointwise functions of one tensor.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

// exp, sin …: integral operands are computed in the default floating dtype.
absl::Status InferFloat(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput({FloatFor(ctx.Tensor(0).dtype), ctx.Tensor(0).dims});
  return absl::OkStatus();
}

// silu, gelu …: eager has them for floating dtypes only.
absl::Status InferFloatOnly(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status InferSame(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status InferNumber(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, ctx.Tensor(0).dtype));
  return InferSame(ctx);
}

// isnan, isinf, isfinite.
absl::Status InferPredicate(InferContext& ctx) {
  ctx.AddOutput({DType::kBool, ctx.Tensor(0).dims});
  return absl::OkStatus();
}

// self ^ 2 with an integral exponent: bools become i64.
absl::Status InferSquare(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  const DType dtype = ctx.Tensor(0).dtype;
  ctx.AddOutput({dtype == DType::kBool ? DType::kInt64 : dtype, ctx.Tensor(0).dims});
  return absl::OkStatus();
}

absl::Status InferGelu(InferContext& ctx) {
  const auto& approximate = std::get<std::string>(ctx.arg(1));
  if (approximate != "none" && approximate != "tanh") {
    return ctx.Error(absl::StrCat("approximate must be none or tanh, not ", approximate));
  }
  return InferFloatOnly(ctx);
}

absl::Status InferHardtanh(InferContext& ctx) {
  // Eager refuses negative limits on u8, and relu6's have none.
  if (ctx.Tensor(0).dtype == DType::kUInt8 && ctx.num_args() == 3 &&
      (ctx.Float(1) < 0 || ctx.Float(2) < 0)) {
    return ctx.Error("negative limits on u8");
  }
  return InferNumber(ctx);
}

std::vector<OpDef> Functions() {
  return {
      {"aten::neg(Tensor self) -> Tensor", "", kPointwise, InferNumber, "-self"},
      {"aten::abs(Tensor self) -> Tensor", "", kPointwise, InferNumber, "|self|"},
      {"aten::exp(Tensor self) -> Tensor", "", kPointwise, InferFloat, "e ^ self"},
      {"aten::exp2(Tensor self) -> Tensor", "", kPointwise, InferFloat, "2 ^ self"},
      {"aten::expm1(Tensor self) -> Tensor", "", kPointwise, InferFloat, "e ^ self - 1"},
      {"aten::log(Tensor self) -> Tensor", "", kPointwise, InferFloat, "natural logarithm"},
      {"aten::log2(Tensor self) -> Tensor", "", kPointwise, InferFloat, "logarithm to base 2"},
      {"aten::log10(Tensor self) -> Tensor", "", kPointwise, InferFloat, "logarithm to base 10"},
      {"aten::log1p(Tensor self) -> Tensor", "", kPointwise, InferFloat, "log(1 + self)"},
      {"aten::sqrt(Tensor self) -> Tensor", "", kPointwise, InferFloat, "square root"},
      {"aten::rsqrt(Tensor self) -> Tensor", "", kPointwise, InferFloat, "1 / sqrt(self)"},
      {"aten::reciprocal(Tensor self) -> Tensor", "", kPointwise, InferFloat, "1 / self"},
      {"aten::sin(Tensor self) -> Tensor", "", kPointwise, InferFloat, "sine"},
      {"aten::cos(Tensor self) -> Tensor", "", kPointwise, InferFloat, "cosine"},
      {"aten::tan(Tensor self) -> Tensor", "", kPointwise, InferFloat, "tangent"},
      {"aten::asin(Tensor self) -> Tensor", "", kPointwise, InferFloat, "arc sine"},
      {"aten::acos(Tensor self) -> Tensor", "", kPointwise, InferFloat, "arc cosine"},
      {"aten::atan(Tensor self) -> Tensor", "", kPointwise, InferFloat, "arc tangent"},
      {"aten::sinh(Tensor self) -> Tensor", "", kPointwise, InferFloat, "hyperbolic sine"},
      {"aten::cosh(Tensor self) -> Tensor", "", kPointwise, InferFloat, "hyperbolic cosine"},
      {"aten::tanh(Tensor self) -> Tensor", "", kPointwise, InferFloat, "hyperbolic tangent"},
      {"aten::asinh(Tensor self) -> Tensor", "", kPointwise, InferFloat, "inverse hyperbolic sine"},
      {"aten::acosh(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "inverse hyperbolic cosine"},
      {"aten::atanh(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "inverse hyperbolic tangent"},
      {"aten::erf(Tensor self) -> Tensor", "", kPointwise, InferFloat, "error function"},
      {"aten::erfc(Tensor self) -> Tensor", "", kPointwise, InferFloat, "1 - erf(self)"},
      {"aten::sigmoid(Tensor self) -> Tensor", "", kPointwise, InferFloat, "1 / (1 + e ^ -self)"},
      {"aten::floor(Tensor self) -> Tensor", "", kPointwise, InferNumber, "round down"},
      {"aten::ceil(Tensor self) -> Tensor", "", kPointwise, InferNumber, "round up"},
      {"aten::round(Tensor self) -> Tensor", "", kPointwise, InferNumber,
       "round to nearest, halves to even"},
      {"aten::trunc(Tensor self) -> Tensor", "", kPointwise, InferNumber, "round towards zero"},
      {"aten::frac(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly, "self - trunc(self)"},
      {"aten::sign(Tensor self) -> Tensor", "", kPointwise, InferSame, "-1, 0 or 1"},
      {"aten::sgn(Tensor self) -> Tensor", "", kPointwise, InferSame, "-1, 0 or 1"},
      {"aten::square(Tensor self) -> Tensor", "", kPointwise, InferSquare, "self * self"},
      {"aten::isnan(Tensor self) -> Tensor", "", kPointwise, InferPredicate, "self != self"},
      {"aten::isinf(Tensor self) -> Tensor", "", kPointwise, InferPredicate, "|self| == inf"},
      {"aten::isfinite(Tensor self) -> Tensor", "", kPointwise, InferPredicate, "|self| < inf"},
  };
}

std::vector<OpDef> Activations() {
  return {
      {"aten::relu(Tensor self) -> Tensor", "", kPointwise, InferNumber, "max(self, 0)"},
      {"aten::relu6(Tensor self) -> Tensor", "", kPointwise, InferHardtanh, "min(max(self, 0), 6)"},
      {"aten::silu(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly, "self * sigmoid(self)"},
      {"aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor", "", kPointwise, InferGelu,
       "self * Phi(self), Phi the normal distribution; tanh: its tanh approximation"},
      {"aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor", "", kPointwise,
       InferFloatOnly, "self if self > 0, else negative_slope * self"},
      {"aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor", "",
       kPointwise, InferFloatOnly,
       "scale * (self if self > 0, else alpha * (e ^ (self * input_scale) - 1))"},
      {"aten::selu(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly,
       "elu with alpha 1.6732632423543772 and scale 1.0507009873554805"},
      {"aten::celu(Tensor self, Scalar alpha=1.) -> Tensor", "", kPointwise, InferFloatOnly,
       "self if self > 0, else alpha * (e ^ (self / alpha) - 1)"},
      {"aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor", "", kPointwise,
       InferHardtanh, "min(max(self, min_val), max_val)"},
      {"aten::hardswish(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly,
       "self * min(max(self + 3, 0), 6) / 6"},
      {"aten::hardsigmoid(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly,
       "min(max(self + 3, 0), 6) / 6"},
      {"aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor", "", kPointwise,
       InferFloatOnly, "log(1 + e ^ (beta self)) / beta; self where beta self > threshold"},
      {"aten::mish(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly,
       "self * tanh(log(1 + e ^ self))"},
      {"aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor", "", kPointwise, InferFloatOnly,
       "0 if |self| <= lambd, else self"},
      {"aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor", "", kPointwise, InferFloatOnly,
       "self moved towards 0 by lambd, not beyond"},
      {"aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", "", kPointwise,
       InferNumber, "self if self > threshold, else value"},
      {"aten::log_sigmoid(Tensor self) -> Tensor", "", kPointwise, InferFloatOnly,
       "log(sigmoid(self))"},
  };
}

}  // namespace

std::vector<OpDef> ActivationOps() {
  std::vector<OpDef> ops = Functions();
  for (OpDef& def : Activations()) ops.push_back(std::move(def));
  return ops;
}

}  // namespace ingot::ops
