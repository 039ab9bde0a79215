#include "frontends/pt2/number_form.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/ops/registry.h"

namespace ingot::pt2 {
namespace {

struct Form {
  const char* op;
  size_t number;                  // position of the operand that may be a number
  size_t tensor;                  // … and of the tensor it meets
  const char* scalar_op;          // takes (tensor, number, rest)
  bool needs_unit_alpha = false;  // operands change places although `alpha` belongs to one of them
  bool literal_only = false;      // not for constants: traces keep those as they are
};
constexpr Form kForms[] = {
    {"aten::add.Tensor", 1, 0, "aten::add.Scalar"},
    {"aten::add.Tensor", 0, 1, "aten::add.Scalar", true},
    {"aten::sub.Tensor", 1, 0, "aten::sub.Scalar"},
    {"aten::sub.Tensor", 0, 1, "aten::rsub.Scalar", true},
    {"aten::mul.Tensor", 1, 0, "aten::mul.Scalar"},
    {"aten::mul.Tensor", 0, 1, "aten::mul.Scalar"},
    {"aten::div.Tensor", 1, 0, "aten::div.Scalar"},
    {"aten::div.Tensor_mode", 1, 0, "aten::div.Scalar_mode", false, true},
    {"aten::eq.Tensor", 1, 0, "aten::eq.Scalar"},
    {"aten::ne.Tensor", 1, 0, "aten::ne.Scalar"},
    {"aten::lt.Tensor", 1, 0, "aten::lt.Scalar"},
    {"aten::le.Tensor", 1, 0, "aten::le.Scalar"},
    {"aten::gt.Tensor", 1, 0, "aten::gt.Scalar"},
    {"aten::ge.Tensor", 1, 0, "aten::ge.Scalar"},
    {"aten::masked_fill.Tensor", 2, 0, "aten::masked_fill.Scalar"},
    {"aten::floor_divide", 1, 0, "aten::floor_divide.Scalar", false, true},
    {"aten::remainder.Tensor", 1, 0, "aten::remainder.Scalar", false, true},
    {"aten::fmod.Tensor", 1, 0, "aten::fmod.Scalar", false, true},
    {"aten::rsub.Tensor", 1, 0, "aten::rsub.Scalar", false, true},
    {"aten::pow.Tensor_Tensor", 1, 0, "aten::pow.Tensor_Scalar", false, true},
    {"aten::bitwise_and.Tensor", 1, 0, "aten::bitwise_and.Scalar", false, true},
    {"aten::bitwise_or.Tensor", 1, 0, "aten::bitwise_or.Scalar", false, true},
    {"aten::bitwise_xor.Tensor", 1, 0, "aten::bitwise_xor.Scalar", false, true},
    {"aten::where.self", 2, 1, "aten::where.ScalarOther", false, true},
};

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

struct NumberValue {
  double value = 0;
  ir::DTypeCategory category = ir::DTypeCategory::kIntegral;
};

std::optional<NumberValue> ValueOf(const Operand& number) {
  if (const auto* truth = std::get_if<bool>(&number))
    return NumberValue{*truth ? 1.0 : 0.0, ir::DTypeCategory::kBool};
  if (const auto* integer = std::get_if<int64_t>(&number))
    return NumberValue{static_cast<double>(*integer), ir::DTypeCategory::kIntegral};
  if (const auto* real = std::get_if<double>(&number))
    return NumberValue{*real, ir::DTypeCategory::kFloating};
  return std::nullopt;
}

// Whether a tensor of rank 0 with this element means the same as the number beside `dtype`.
bool Fits(const Operand& number, ir::DType dtype) {
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
  const std::optional<NumberValue> known = ValueOf(number);
  if (!known) return false;
  if (ir::Category(dtype) == ir::DTypeCategory::kBool)
    return known->category == ir::DTypeCategory::kBool;
  if (known->category != ir::DTypeCategory::kFloating && std::abs(known->value) > kExactIntegers)
    return false;
  if (ir::Category(dtype) == ir::DTypeCategory::kIntegral) {
    const bool is_unsigned = dtype == ir::DType::kUInt8;
    const int bits = static_cast<int>(ir::ElementSize(dtype) * 8) - (is_unsigned ? 0 : 1);
    const double span = std::ldexp(1.0, bits);
    return known->value < span && known->value >= (is_unsigned ? 0.0 : -span);
  }
  return !std::isfinite(known->value) || std::abs(known->value) <= LargestOf(dtype);
}

bool HasUnitAlpha(const std::vector<Operand>& args) {
  return args.back() == Operand(int64_t{1}) || args.back() == Operand(1.0);
}

// The number that operand `number` is; nullopt if it isn't one.
std::optional<Operand> AsNumber(const Operand& number, const ir::TensorType& tensor,
                                const Memory& memory, bool literal_only,
                                absl::FunctionRef<Operand(TensorId)> constant) {
  if (IsNumber(number)) return number;
  const auto* id = std::get_if<TensorOperand>(&number);
  if (literal_only || id == nullptr || !memory.type(id->id).dims.empty()) return std::nullopt;
  const bool keeps_dtype =
      !tensor.dims.empty() && ir::Category(memory.type(id->id).dtype) <= ir::Category(tensor.dtype);
  if (!keeps_dtype) return std::nullopt;
  Operand element = constant(id->id);
  if (!Fits(element, tensor.dtype)) return std::nullopt;
  return element;
}

}  // namespace

std::optional<NumberForm> ToNumberForm(const std::string& op, const std::vector<Operand>& args,
                                       const Memory& memory,
                                       absl::FunctionRef<Operand(TensorId)> constant) {
  for (const Form& form : kForms) {
    if (op != form.op || ops::FindOp(form.scalar_op) == nullptr) continue;
    const auto* tensor = std::get_if<TensorOperand>(&args[form.tensor]);
    if (tensor == nullptr || (form.needs_unit_alpha && !HasUnitAlpha(args))) continue;
    std::optional<Operand> number =
        AsNumber(args[form.number], memory.type(tensor->id), memory, form.literal_only, constant);
    if (!number) continue;
    NumberForm result{form.scalar_op, args};
    if (form.tensor > form.number) std::swap(result.args[form.tensor], result.args[form.number]);
    result.args[std::max(form.number, form.tensor)] = *std::move(number);
    return result;
  }
  return std::nullopt;
}

}  // namespace ingot::pt2
