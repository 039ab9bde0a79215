#include "core/passes/canonicalize_numbers.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

// The .Scalar forms of a binary op: with the number on the right, and, where one exists, on the
// left (with the tensor first).
struct ScalarForms {
  absl::string_view op;
  absl::string_view number_right;
  absl::string_view number_left;  // empty: none
  bool has_third;                 // alpha or rounding_mode, handed on
};

constexpr ScalarForms kForms[] = {
    {"aten::add.Tensor", "aten::add.Scalar", "aten::add.Scalar", true},
    {"aten::sub.Tensor", "aten::sub.Scalar", "aten::rsub.Scalar", true},
    {"aten::mul.Tensor", "aten::mul.Scalar", "aten::mul.Scalar", false},
    {"aten::div.Tensor", "aten::div.Scalar", "", false},
    {"aten::div.Tensor_mode", "aten::div.Scalar_mode", "", true},
    {"aten::floor_divide", "aten::floor_divide.Scalar", "", false},
    {"aten::remainder.Tensor", "aten::remainder.Scalar", "", false},
    {"aten::fmod.Tensor", "aten::fmod.Scalar", "", false},
    {"aten::eq.Tensor", "aten::eq.Scalar", "aten::eq.Scalar", false},
    {"aten::ne.Tensor", "aten::ne.Scalar", "aten::ne.Scalar", false},
    {"aten::lt.Tensor", "aten::lt.Scalar", "aten::gt.Scalar", false},
    {"aten::le.Tensor", "aten::le.Scalar", "aten::ge.Scalar", false},
    {"aten::gt.Tensor", "aten::gt.Scalar", "aten::lt.Scalar", false},
    {"aten::ge.Tensor", "aten::ge.Scalar", "aten::le.Scalar", false},
};

const ScalarForms* FormsOf(absl::string_view op) {
  for (const ScalarForms& forms : kForms) {
    if (forms.op == op) return &forms;
  }
  return nullptr;
}

bool IsOne(const ir::Argument& arg) {
  if (const int64_t* value = std::get_if<int64_t>(&arg)) return *value == 1;
  const double* value = std::get_if<double>(&arg);
  return value != nullptr && *value == 1.0;
}

bool IsPositiveZero(const ir::Argument& arg) {
  if (const int64_t* value = std::get_if<int64_t>(&arg)) return *value == 0;
  const double* value = std::get_if<double>(&arg);
  return value != nullptr && *value == 0.0 && !std::signbit(*value);
}

// Eager gives a 0-dim tensor and a number the same weight in promotion only against a dimensioned
// tensor of their category or a higher one. The computation is then in the tensor's dtype for both.
bool PromotesAlike(const ir::TensorType& tensor, const ir::TensorType& number) {
  return tensor.rank() > 0 && number.rank() == 0 &&
         ir::Category(number.dtype) <= ir::Category(tensor.dtype) && !ir::IsComplex(tensor.dtype);
}

// With a half-precision tensor, eager keeps a number on the right in float32 and rounds one on the
// left to the tensor's dtype: the two products differ.
bool RoundsNumbersOnTheLeft(ir::DType dtype) {
  return dtype == ir::DType::kFloat16 || dtype == ir::DType::kBFloat16;
}

}  // namespace

absl::StatusOr<ValueId> NumberOperand(GraphRewriter& r, const ir::Node& node) {
  const ScalarForms* forms = FormsOf(node.op);
  const ValueId a = OperandOf(node, 0);
  const ValueId b = OperandOf(node, 1);
  if (forms == nullptr || a == kNoValue || b == kNoValue) return kNoValue;
  if (r.ConstantOf(a) != nullptr && r.ConstantOf(b) != nullptr) return kNoValue;
  const std::optional<ir::Scalar> right = r.NumberOf(node.args[1]);
  if (right.has_value() && PromotesAlike(r.type(a), r.type(b))) {
    std::vector<ir::Argument> args = {ir::ValueRef{a}, AsArgument(*right)};
    if (forms->has_third) args.push_back(node.args[2]);
    return r.Emit(forms->number_right, std::move(args));
  }
  const std::optional<ir::Scalar> left = r.NumberOf(node.args[0]);
  if (!left.has_value() || !PromotesAlike(r.type(b), r.type(a)) || forms->number_left.empty() ||
      RoundsNumbersOnTheLeft(r.type(b).dtype)) {
    return kNoValue;
  }
  std::vector<ir::Argument> args = {ir::ValueRef{b}, AsArgument(*left)};
  if (forms->has_third) {
    // number + alpha * tensor is alpha-free only in the plain case.
    if (!IsOne(node.args[2])) return kNoValue;
    args.push_back(node.args[2]);
  }
  return r.Emit(forms->number_left, std::move(args));
}

absl::StatusOr<ValueId> DropNeutralNumber(GraphRewriter& r, const ir::Node& node) {
  const ValueId operand = OperandOf(node, 0);
  const ir::TensorType& type = r.type(node.outputs[0]);
  // A complex product with 1 + 0i adds products with 0, which are not 0 for infinities.
  if (r.type(operand) != type || ir::IsComplex(type.dtype)) return kNoValue;
  const bool is_difference = node.op == "aten::sub.Scalar";
  const bool neutral =
      is_difference ? IsPositiveZero(node.args[1]) && IsOne(node.args[2]) : IsOne(node.args[1]);
  return neutral ? operand : kNoValue;
}

}  // namespace ingot::passes
