// Arithmetic, comparisons, logic, selection and casts.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

absl::Status AddBinaryOperands(Operands& operands) {
  INGOT_RETURN_IF_ERROR(operands.Add(0));
  return operands.Add(1);
}

absl::Status InferBinary(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

// Integral operands are computed in the default floating dtype.
absl::Status InferFloatBinary(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  ctx.AddOutput({FloatFor(operands.dtype()), operands.dims()});
  return absl::OkStatus();
}

absl::Status InferRealBinary(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, operands.dtype()));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

// maximum, minimum, remainder, fmod …: real, and not on two bools where eager has no kernel.
absl::Status InferRealNonBoolBinary(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, operands.dtype()));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, operands.dtype()));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

absl::Status CheckAlpha(InferContext& ctx, DType dtype, int alpha) {
  const DType alpha_type = ctx.ScalarType(alpha);
  if (alpha_type == DType::kBool && dtype != DType::kBool) {
    return ctx.Error("a bool alpha needs a bool result");
  }
  if (ir::IsIntegralOrBool(dtype) && !ir::IsIntegralOrBool(alpha_type)) {
    return ctx.Error("integral operands need an integral alpha");
  }
  return absl::OkStatus();
}

absl::Status InferAdd(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  INGOT_RETURN_IF_ERROR(CheckAlpha(ctx, operands.dtype(), 2));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

DType OperandDType(InferContext& ctx, int i) {
  return ctx.def().schema.args[i].kind == ArgKind::kScalar ? ctx.ScalarType(i)
                                                           : ctx.Tensor(i).dtype;
}

absl::Status InferSub(InferContext& ctx) {
  for (int i : {0, 1}) INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, OperandDType(ctx, i)));
  return InferAdd(ctx);
}

absl::Status InferDivMode(InferContext& ctx) {
  if (!ctx.Has(2)) return InferFloatBinary(ctx);
  const auto& mode = std::get<std::string>(ctx.arg(2));
  if (mode != "trunc" && mode != "floor") {
    return ctx.Error(absl::StrCat("rounding_mode must be None, trunc or floor, not ", mode));
  }
  return InferRealNonBoolBinary(ctx);
}

absl::Status InferPow(InferContext& ctx) {
  for (int i : {0, 1}) INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, OperandDType(ctx, i)));
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  const auto* exponent = std::get_if<int64_t>(&ctx.arg(1));
  if (exponent != nullptr && *exponent < 0 && ir::IsIntegralOrBool(operands.dtype())) {
    return ctx.Error("an integer base needs an exponent >= 0");
  }
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

// eq, ne, logical_*: also on complex numbers.
absl::Status InferPredicate(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  ctx.AddOutput({DType::kBool, operands.dims()});
  return absl::OkStatus();
}

absl::Status InferOrder(InferContext& ctx) {
  for (int i : {0, 1}) INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, OperandDType(ctx, i)));
  return InferPredicate(ctx);
}

absl::Status InferUnaryPredicate(InferContext& ctx) {
  ctx.AddOutput({DType::kBool, ctx.Tensor(0).dims});
  return absl::OkStatus();
}

absl::Status RequireIntegral(InferContext& ctx, DType dtype) {
  if (ir::IsIntegralOrBool(dtype)) return absl::OkStatus();
  return ctx.Error(absl::StrCat("needs an integral dtype, not ", ir::DTypeName(dtype)));
}

absl::Status InferBitwise(InferContext& ctx) {
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(AddBinaryOperands(operands));
  INGOT_RETURN_IF_ERROR(RequireIntegral(ctx, operands.dtype()));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

absl::Status InferBitwiseNot(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireIntegral(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status InferWhere(InferContext& ctx) {
  const DType condition = ctx.Tensor(0).dtype;
  if (condition != DType::kBool && condition != DType::kUInt8) {
    return ctx.Error(absl::StrCat("condition must be b8 or u8, not ", ir::DTypeName(condition)));
  }
  Operands operands(ctx);
  INGOT_RETURN_IF_ERROR(operands.AddSizes(0));
  INGOT_RETURN_IF_ERROR(operands.Add(1));
  INGOT_RETURN_IF_ERROR(operands.Add(2));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

absl::Status RequireZeroDim(InferContext& ctx, int i) {
  if (ctx.Tensor(i).rank() == 0) return absl::OkStatus();
  return ctx.Error(absl::StrCat(ctx.def().schema.args[i].name, " must have rank 0, not ",
                                ir::ToString(ctx.Tensor(i))));
}

absl::Status InferMaskedFill(InferContext& ctx) {
  if (ctx.Tensor(1).dtype != DType::kBool) {
    return ctx.Error(absl::StrCat("mask must be b8, not ", ir::DTypeName(ctx.Tensor(1).dtype)));
  }
  if (ctx.def().schema.args[2].kind == ArgKind::kTensor) {
    INGOT_RETURN_IF_ERROR(RequireZeroDim(ctx, 2));
  }
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, Broadcast(ctx, ctx.Tensor(0).dims, ctx.Tensor(1).dims));
  ctx.AddOutput({ctx.Tensor(0).dtype, std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferClamp(InferContext& ctx) {
  Operands operands(ctx);
  bool bounded = false;
  for (size_t i = 0; i < ctx.num_args(); ++i) {
    INGOT_RETURN_IF_ERROR(operands.Add(static_cast<int>(i)));
    bounded |= i > 0 && ctx.Has(static_cast<int>(i));
  }
  if (!bounded) return ctx.Error("needs min or max");
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, operands.dtype()));
  const bool tensor_bounds = ctx.def().schema.args[1].kind == ArgKind::kTensor;
  // Eager has the maximum or minimum of two bools, and no more.
  if (!tensor_bounds || (ctx.Has(1) && ctx.Has(2))) {
    INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, operands.dtype()));
  }
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

absl::Status InferTernary(InferContext& ctx) {
  Operands operands(ctx);
  for (int i : {0, 1, 2}) INGOT_RETURN_IF_ERROR(operands.Add(i));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, operands.dtype()));
  ctx.AddOutput({operands.dtype(), operands.dims()});
  return absl::OkStatus();
}

absl::Status InferAddcmul(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(InferTernary(ctx));
  Operands operands(ctx);
  for (int i : {0, 1, 2}) INGOT_RETURN_IF_ERROR(operands.Add(i));
  return CheckAlpha(ctx, operands.dtype(), 3);
}

absl::Status InferAddcdiv(InferContext& ctx) {
  if (ir::IsIntegralOrBool(ctx.Tensor(1).dtype) && ir::IsIntegralOrBool(ctx.Tensor(2).dtype)) {
    return ctx.Error("does not divide integers; cast tensor1 or tensor2");
  }
  return InferAddcmul(ctx);
}

absl::Status InferLerp(InferContext& ctx) {
  const bool tensor_weight = ctx.def().schema.args[2].kind == ArgKind::kTensor;
  for (int i = 1; i <= (tensor_weight ? 2 : 1); ++i) {
    INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(i)));
  }
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  Operands operands(ctx);
  for (int i = 0; i <= (tensor_weight ? 2 : 1); ++i) INGOT_RETURN_IF_ERROR(operands.Add(i));
  ctx.AddOutput({ctx.Tensor(0).dtype, operands.dims()});
  return absl::OkStatus();
}

absl::Status InferToCopy(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  ctx.AddOutput({ctx.DTypeOr(1, self.dtype), self.dims});
  return absl::OkStatus();
}

absl::Status InferSame(InferContext& ctx) {
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status InferCopy(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(1).dims, ctx.Tensor(0).dims));
  return InferSame(ctx);
}

absl::Status InferFillTensor(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireZeroDim(ctx, 1));
  return InferSame(ctx);
}

std::vector<OpDef> Arithmetic() {
  constexpr uint32_t kSwappable = kPointwise | kCommutative;
  return {
      {"aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", "alpha",
       kPointwise, InferAdd, "self + alpha * other"},
      {"aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", "other,alpha",
       kPointwise, InferAdd, "self + alpha * other"},
      {"aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", "alpha",
       kPointwise, InferSub, "self - alpha * other"},
      {"aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", "other,alpha",
       kPointwise, InferSub, "self - alpha * other"},
      {"aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", "alpha",
       kPointwise, InferSub, "other - alpha * self"},
      {"aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", "other,alpha",
       kPointwise, InferSub, "other - alpha * self"},
      {"aten::mul.Tensor(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferBinary,
       "self * other"},
      {"aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", "other", kPointwise, InferBinary,
       "self * other"},
      {"aten::div.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferFloatBinary,
       "self / other, in floating point"},
      {"aten::div.Scalar(Tensor self, Scalar other) -> Tensor", "other", kPointwise,
       InferFloatBinary, "self / other, in floating point"},
      {"aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor", "",
       kPointwise, InferDivMode, "self / other, rounded by rounding_mode"},
      {"aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor", "",
       kPointwise, InferDivMode, "self / other, rounded by rounding_mode"},
      {"aten::floor_divide(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "floor(self / other)"},
      {"aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "floor(self / other)"},
      {"aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "self - other * floor(self / other)"},
      {"aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "self - other * floor(self / other)"},
      {"aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "self - other * floor(self / other)"},
      {"aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "self - other * trunc(self / other)"},
      {"aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise,
       InferRealNonBoolBinary, "self - other * trunc(self / other)"},
      {"aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", "", kPointwise, InferPow,
       "self ^ exponent"},
      {"aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", "", kPointwise, InferPow,
       "self ^ exponent"},
      {"aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor", "", kPointwise, InferPow,
       "self ^ exponent"},
      {"aten::atan2(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferFloatBinary,
       "angle of the point (other, self)"},
      {"aten::maximum(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferRealBinary,
       "max(self, other); NaN if either is"},
      {"aten::minimum(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferRealBinary,
       "min(self, other); NaN if either is"},
      {"aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", "", kPointwise,
       InferClamp, "min(max(self, min), max)"},
      {"aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", "",
       kPointwise, InferClamp, "min(max(self, min), max)"},
      {"aten::clamp_min(Tensor self, Scalar min) -> Tensor", "", kPointwise, InferClamp,
       "max(self, min)"},
      {"aten::clamp_max(Tensor self, Scalar max) -> Tensor", "", kPointwise, InferClamp,
       "min(self, max)"},
      {"aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
       "value", kPointwise, InferAddcmul, "self + value * tensor1 * tensor2"},
      {"aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
       "value", kPointwise, InferAddcdiv, "self + value * tensor1 / tensor2"},
      {"aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", "", kPointwise,
       InferLerp, "self + weight * (end - self)"},
      {"aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", "", kPointwise,
       InferLerp, "self + weight * (end - self)"},
  };
}

std::vector<OpDef> Comparisons() {
  constexpr uint32_t kSwappable = kPointwise | kCommutative;
  return {
      {"aten::eq.Tensor(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferPredicate,
       "self == other"},
      {"aten::eq.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferPredicate,
       "self == other"},
      {"aten::ne.Tensor(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferPredicate,
       "self != other"},
      {"aten::ne.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferPredicate,
       "self != other"},
      {"aten::lt.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferOrder,
       "self < other"},
      {"aten::lt.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferOrder,
       "self < other"},
      {"aten::le.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferOrder,
       "self <= other"},
      {"aten::le.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferOrder,
       "self <= other"},
      {"aten::gt.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferOrder,
       "self > other"},
      {"aten::gt.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferOrder,
       "self > other"},
      {"aten::ge.Tensor(Tensor self, Tensor other) -> Tensor", "", kPointwise, InferOrder,
       "self >= other"},
      {"aten::ge.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferOrder,
       "self >= other"},
      {"aten::logical_and(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferPredicate,
       "self != 0 and other != 0"},
      {"aten::logical_or(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferPredicate,
       "self != 0 or other != 0"},
      {"aten::logical_xor(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferPredicate,
       "(self != 0) != (other != 0)"},
      {"aten::logical_not(Tensor self) -> Tensor", "", kPointwise, InferUnaryPredicate,
       "self == 0"},
      {"aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor", "", kSwappable,
       InferBitwise, "self & other"},
      {"aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise,
       InferBitwise, "self & other"},
      {"aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor", "", kSwappable, InferBitwise,
       "self | other"},
      {"aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise, InferBitwise,
       "self | other"},
      {"aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor", "", kSwappable,
       InferBitwise, "self ^ other"},
      {"aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor", "", kPointwise,
       InferBitwise, "self ^ other"},
      {"aten::bitwise_not(Tensor self) -> Tensor", "", kPointwise, InferBitwiseNot,
       "~self; logical not on bools"},
  };
}

std::vector<OpDef> Selections() {
  constexpr uint32_t kSame = kPointwise | kIdentity;
  return {
      {"aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor", "", kPointwise,
       InferWhere, "self where condition, else other"},
      {"aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", "",
       kPointwise, InferWhere, "self where condition, else other"},
      {"aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor", "",
       kPointwise, InferWhere, "self where condition, else other"},
      {"aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", "value",
       kPointwise, InferMaskedFill, "value where mask, else self; keeps self's dtype"},
      {"aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor", "", kPointwise,
       InferMaskedFill, "value where mask, else self; keeps self's dtype"},
      {"aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
       "device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? "
       "memory_format=None) -> Tensor",
       "", kSame, InferToCopy, "self cast to dtype; floats to integers truncate"},
      {"aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor", "", kSame,
       InferSame, "self"},
      {"aten::contiguous(Tensor self, *, MemoryFormat memory_format=0) -> Tensor", "", kSame,
       InferSame, "self"},
      {"aten::detach(Tensor self) -> Tensor", "", kSame | kView, InferSame, "self"},
      {"aten::alias(Tensor self) -> Tensor", "", kSame | kView, InferSame, "self"},
      {"aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", "", kPointwise,
       InferCopy, "src broadcast to self's sizes and cast to its dtype"},
      {"aten::fill.Scalar(Tensor self, Scalar value) -> Tensor", "value", kPointwise, InferSame,
       "value in self's sizes and dtype"},
      {"aten::fill.Tensor(Tensor self, Tensor value) -> Tensor", "", kPointwise, InferFillTensor,
       "value in self's sizes and dtype"},
  };
}

}  // namespace

std::vector<OpDef> PointwiseOps() {
  std::vector<OpDef> ops = Arithmetic();
  for (auto table : {Comparisons, Selections}) {
    for (OpDef& def : table()) ops.push_back(std::move(def));
  }
  return ops;
}

}  // namespace ingot::ops
