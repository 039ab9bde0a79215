#include "frontends/torchscript/number_operand.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/item.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace ingot::torchscript {
namespace {

struct Form {
  const char* op;
  size_t number;     // position of the operand that may be a number
  size_t tensor;     // … and of the tensor it meets
  const char* name;  // the form with a number, which takes (tensor, number, rest)
  const char* overload;
  bool needs_unit_alpha = false;  // operands change places although `alpha` belongs to one of them
};
constexpr Form kForms[] = {
    {"aten::add.Tensor", 1, 0, "aten::add", "Scalar"},
    {"aten::add.Tensor", 0, 1, "aten::add", "Scalar", true},
    {"aten::sub.Tensor", 1, 0, "aten::sub", "Scalar"},
    {"aten::sub.Tensor", 0, 1, "aten::rsub", "Scalar"},
    {"aten::mul.Tensor", 1, 0, "aten::mul", "Scalar"},
    {"aten::mul.Tensor", 0, 1, "aten::mul", "Scalar"},
    {"aten::div.Tensor", 1, 0, "aten::div", "Scalar"},
    {"aten::eq.Tensor", 1, 0, "aten::eq", "Scalar"},
    {"aten::ne.Tensor", 1, 0, "aten::ne", "Scalar"},
    {"aten::lt.Tensor", 1, 0, "aten::lt", "Scalar"},
    {"aten::le.Tensor", 1, 0, "aten::le", "Scalar"},
    {"aten::gt.Tensor", 1, 0, "aten::gt", "Scalar"},
    {"aten::ge.Tensor", 1, 0, "aten::ge", "Scalar"},
    {"aten::masked_fill.Tensor", 2, 0, "aten::masked_fill", "Scalar"},
};

bool IsExactInteger(double value) { return std::abs(value) <= 9007199254740992.0; }  // 2^53

double LargestOf(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat16:
      return 65504.0;
    case ir::DType::kBFloat16:
      return 3.3895313892515355e38;
    case ir::DType::kFloat32:
      return 3.4028234663852886e38;
    default:
      return INFINITY;
  }
}

bool Fits(const at::Scalar& number, ir::DType dtype) {
  if (number.isComplex()) return false;
  if (ir::Category(dtype) == ir::DTypeCategory::kBool) return number.isBoolean();
  const double value = number.toDouble();
  if (!number.isFloatingPoint() && !IsExactInteger(value)) return false;
  if (ir::Category(dtype) == ir::DTypeCategory::kIntegral) {
    const bool is_unsigned = dtype == ir::DType::kUInt8;
    const double span =
        std::ldexp(1.0, static_cast<int>(ir::ElementSize(dtype) * 8) - (is_unsigned ? 0 : 1));
    return value < span && value >= (is_unsigned ? 0.0 : -span);
  }
  return !std::isfinite(value) || std::abs(value) <= LargestOf(dtype);
}

std::optional<at::Scalar> NumberOf(const TensorSnapshot& number, const TensorSnapshot& tensor,
                                   absl::FunctionRef<at::Tensor(const TensorSnapshot&)> constant) {
  const std::optional<ir::TensorType> number_type = TypeOf(number.layout);
  const std::optional<ir::TensorType> tensor_type = TypeOf(tensor.layout);
  if (!number_type || !tensor_type || number_type->rank() != 0 || number.storage == nullptr)
    return std::nullopt;
  const bool is_wrapped = number.tensor.unsafeGetTensorImpl()->is_wrapped_number();
  const bool keeps_dtype = tensor_type->rank() != 0 &&
                           ir::Category(number_type->dtype) <= ir::Category(tensor_type->dtype);
  if (!is_wrapped && !keeps_dtype) return std::nullopt;
  const at::Tensor contents = constant(number);
  if (!contents.defined()) return std::nullopt;
  const at::Scalar scalar = contents.item();
  if (!is_wrapped && !Fits(scalar, tensor_type->dtype)) return std::nullopt;
  return scalar;
}

bool HasUnitAlpha(const FunctionalCall& call) {
  const c10::IValue& alpha = call.args.back().value;
  return (alpha.isInt() && alpha.toInt() == 1) || (alpha.isDouble() && alpha.toDouble() == 1.0);
}

bool HasTensorAt(const FunctionalCall& call, size_t position) {
  return call.args[position].tensors.size() == 1 && call.args[position].tensors[0].defined();
}

bool Rewrite(FunctionalCall& call, const Form& form,
             absl::FunctionRef<at::Tensor(const TensorSnapshot&)> constant) {
  if (!HasTensorAt(call, form.number) || !HasTensorAt(call, form.tensor)) return false;
  if (form.needs_unit_alpha && !HasUnitAlpha(call)) return false;
  const std::optional<at::Scalar> number =
      NumberOf(call.args[form.number].tensors[0], call.args[form.tensor].tensors[0], constant);
  const auto handle = c10::Dispatcher::singleton().findSchema({form.name, form.overload});
  const std::string op = std::string(form.name) + "." + form.overload;
  const ops::OpDef* def = ops::FindOp(op);
  if (!number || !handle || def == nullptr) return false;
  if (form.tensor > form.number) std::swap(call.args[form.tensor], call.args[form.number]);
  Operand& operand = call.args[std::max(form.number, form.tensor)];
  operand.value = *number;
  operand.tensors.clear();
  call.op = op;
  call.def = def;
  call.schema = &handle->schema();
  return true;
}

}  // namespace

void PreferNumber(FunctionalCall& call,
                  absl::FunctionRef<at::Tensor(const TensorSnapshot&)> constant) {
  for (const Form& form : kForms) {
    if (call.op == form.op && Rewrite(call, form, constant)) return;
  }
}

}  // namespace ingot::torchscript
