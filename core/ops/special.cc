// Special functions, further pointwise functions of two tensors, and losses.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

// Integral operands are computed in the default floating dtype.
absl::Status InferFloat(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput({FloatFor(ctx.Tensor(0).dtype), ctx.Tensor(0).dims});
  return absl::OkStatus();
}

absl::Status InferReal(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status InferRealPredicate(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput({DType::kBool, ctx.Tensor(0).dims});
  return absl::OkStatus();
}

absl::StatusOr<ir::TensorType> BinaryType(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(operands.Add(0));
  INGOT_RETURN_IF_ERROR(operands.Add(1));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, operands.dtype()));
  return ir::TensorType{operands.dtype(), operands.dims()};
}

absl::Status InferFloatBinary(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, BinaryType(ctx));
  ctx.AddOutput({FloatFor(type.dtype), std::move(type.dims)});
  return absl::OkStatus();
}

absl::Status InferRealBinary(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, BinaryType(ctx));
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

// Eager has these for floats only.
absl::Status InferFloatOnlyBinary(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, BinaryType(ctx));
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, type.dtype));
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferIntegerBinary(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, BinaryType(ctx));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, type.dtype));
  if (ir::IsFloating(type.dtype)) return ctx.Error("needs integers");
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferHeaviside(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  return InferRealBinary(ctx);
}

absl::Status InferGlu(InferContext& ctx) {
  ir::TensorType type = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, type.dtype));
  if (type.rank() == 0) return ctx.Error("a tensor of rank 0 has no halves");
  INGOT_ASSIGN_OR_RETURN(const int dim, WrapDim(ctx, ctx.Int(1), type.rank()));
  if (type.dims[dim] % 2 != 0) {
    return ctx.Error(absl::StrCat("size ", type.dims[dim], " of dimension ", dim, " is odd"));
  }
  type.dims[dim] /= 2;
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

// Reduction: 0 none, 1 mean, 2 sum. `position` is its argument's.
absl::Status AddLoss(InferContext& ctx, int position, ir::TensorType type) {
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, type.dtype));
  const int64_t reduction = ctx.Int(position);
  if (reduction < 0 || reduction > 2) {
    return ctx.Error(absl::StrCat("reduction must be 0, 1 or 2, not ", reduction));
  }
  if (reduction != 0) type.dims.clear();
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferLoss(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, BinaryType(ctx));
  // Eager computes this one in self's memory.
  if (ctx.def().schema.op == "aten::soft_margin_loss" && type.dims != ctx.Tensor(0).dims) {
    return ctx.Error("target must broadcast to self's sizes");
  }
  return AddLoss(ctx, 2, std::move(type));
}

// Arguments: self, target, weight, reduction. self and target have equal sizes.
absl::Status InferBinaryCrossEntropy(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  if (ctx.Tensor(1).dims != self.dims) {
    return ctx.Error(absl::StrCat("target must have the sizes of ", ir::ToString(self), ", not ",
                                  ir::ToString(ctx.Tensor(1))));
  }
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, self, ctx.Tensor(1)));
  if (ctx.Has(2)) {
    INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, self, ctx.Tensor(2)));
    INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(2).dims, self.dims));
  }
  return AddLoss(ctx, 3, self);
}

std::vector<OpDef> SpecialFunctions() {
  return {
      {"aten::lgamma(Tensor self) -> Tensor", "", kPointwise, InferFloat, "log(|Gamma(self)|)"},
      {"aten::digamma(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "derivative of log(Gamma(self))"},
      {"aten::erfinv(Tensor self) -> Tensor", "", kPointwise, InferFloat, "inverse of erf"},
      {"aten::i0(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "modified Bessel function of order 0"},
      {"aten::special_i1(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "modified Bessel function of order 1"},
      {"aten::special_entr(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "-self * log(self); 0 at 0, -inf below"},
      {"aten::sinc(Tensor self) -> Tensor", "", kPointwise, InferFloat,
       "sin(pi self) / (pi self); 1 at 0"},
      {"aten::logit(Tensor self, float? eps=None) -> Tensor", "", kPointwise, InferFloat,
       "log(self / (1 - self)), self limited to [eps, 1 - eps]"},
      {"aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> "
       "Tensor",
       "", kPointwise, InferReal,
       "NaN, inf and -inf replaced; None: 0, the greatest and the least number"},
      {"aten::isneginf(Tensor self) -> Tensor", "", kPointwise, InferRealPredicate, "self == -inf"},
      {"aten::isposinf(Tensor self) -> Tensor", "", kPointwise, InferRealPredicate, "self == inf"},
      {"aten::signbit(Tensor self) -> Tensor", "", kPointwise, InferRealPredicate,
       "the sign's bit: also of -0 and -NaN"},
      {"aten::glu(Tensor self, int dim=-1) -> Tensor", "", kNoTraits, InferGlu,
       "first half along dim * sigmoid(second half)"},
  };
}

std::vector<OpDef> BinaryFunctions() {
  return {
      {"aten::logaddexp(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferFloatOnlyBinary,
       "log(e^self + e^other)"},
      {"aten::logaddexp2(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferFloatOnlyBinary, "log2(2^self + 2^other)"},
      {"aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferFloatBinary, "|self| with other's sign"},
      {"aten::heaviside(Tensor self, Tensor values) -> Tensor", "", kPointwise, InferHeaviside,
       "0 below 0, values at 0, 1 above"},
      {"aten::hypot(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferFloatOnlyBinary,
       "sqrt(self^2 + other^2)"},
      {"aten::nextafter(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferFloatOnlyBinary,
       "the number next to self towards other"},
      {"aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferFloatBinary,
       "self * log(other); 0 where self is 0, unless other is NaN"},
      {"aten::special_xlog1py(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferFloatBinary, "self * log1p(other); 0 where self is 0, unless other is NaN"},
      {"aten::fmax(Tensor self, Tensor other) -> Tensor", "", kPointwise | kCommutative,
       InferRealBinary, "max(self, other); a NaN gives way"},
      {"aten::fmin(Tensor self, Tensor other) -> Tensor", "", kPointwise | kCommutative,
       InferRealBinary, "min(self, other); a NaN gives way"},
      {"aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor", "", kPointwise, InferRealBinary,
       "max(self, min)"},
      {"aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor", "", kPointwise, InferRealBinary,
       "min(self, max)"},
      {"aten::gcd(Tensor self, Tensor other) -> Tensor", "", kPointwise | kCommutative,
       InferIntegerBinary, "greatest common divisor"},
      {"aten::lcm(Tensor self, Tensor other) -> Tensor", "", kPointwise | kCommutative,
       InferIntegerBinary, "least common multiple"},
      {"aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferIntegerBinary, "self << other; 0 where other is no place of the dtype"},
      {"aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferIntegerBinary, "self >> other; the sign where other is no place of the dtype"},
  };
}

std::vector<OpDef> Losses() {
  return {
      {"aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", "", kNoTraits,
       InferLoss, "(self - target)^2, its mean or its sum"},
      {"aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> Tensor",
       "", kNoTraits, InferLoss,
       "d^2 / (2 beta) where d = |self - target| < beta, else d - beta/2"},
      {"aten::huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.) -> Tensor",
       "", kNoTraits, InferLoss,
       "d^2 / 2 where d = |self - target| <= delta, else delta (d - delta/2)"},
      {"aten::soft_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", "",
       kNoTraits, InferLoss, "log(1 + e^(-target self))"},
      {"aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int "
       "reduction=1) -> Tensor",
       "", kNoTraits, InferBinaryCrossEntropy,
       "-weight (target log(self) + (1 - target) log(1 - self)), logarithms at least -100"},
  };
}

}  // namespace

std::vector<OpDef> SpecialOps() {
  std::vector<OpDef> ops = SpecialFunctions();
  for (auto table : {BinaryFunctions, Losses}) {
    for (OpDef& def : table()) ops.push_back(std::move(def));
  }
  return ops;
}

}  // namespace ingot::ops
