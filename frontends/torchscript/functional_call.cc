#include "frontends/torchscript/functional_call.h"

#include <ATen/core/jit_type.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::torchscript {
namespace {

using c10::TypeKind;
using ops::ArgKind;

struct KindOfType {
  TypeKind type;
  ArgKind kind;
  std::optional<ArgKind> list;
};
constexpr KindOfType kKinds[] = {
    {TypeKind::TensorType, ArgKind::kTensor, ArgKind::kTensorList},
    {TypeKind::NumberType, ArgKind::kScalar, std::nullopt},
    {TypeKind::BoolType, ArgKind::kBool, ArgKind::kBoolList},
    {TypeKind::IntType, ArgKind::kInt, ArgKind::kIntList},
    {TypeKind::SymIntType, ArgKind::kInt, ArgKind::kIntList},
    {TypeKind::MemoryFormatType, ArgKind::kInt, std::nullopt},
    {TypeKind::FloatType, ArgKind::kFloat, ArgKind::kFloatList},
    {TypeKind::StringType, ArgKind::kString, std::nullopt},
    {TypeKind::ScalarTypeType, ArgKind::kDType, std::nullopt},
    {TypeKind::DeviceObjType, ArgKind::kIgnored, std::nullopt},
    {TypeKind::LayoutType, ArgKind::kIgnored, std::nullopt},
    {TypeKind::GeneratorType, ArgKind::kIgnored, std::nullopt},
};

const c10::Type& WithoutOptional(const c10::Type& type) {
  return type.kind() == TypeKind::OptionalType
             ? *type.expectRef<c10::OptionalType>().getElementType()
             : type;
}

std::optional<ArgKind> KindOf(const c10::Argument& argument) {
  const c10::TypePtr holder = argument.real_type();
  const c10::Type& type = WithoutOptional(*holder);
  const bool is_list = type.kind() == TypeKind::ListType;
  const c10::Type& element =
      is_list ? WithoutOptional(*type.expectRef<c10::ListType>().getElementType()) : type;
  for (const KindOfType& entry : kKinds) {
    if (entry.type == element.kind())
      return is_list ? entry.list : std::optional<ArgKind>(entry.kind);
  }
  return std::nullopt;
}

// Values have neither strides nor a place: an optional memory format or pin_memory says nothing.
bool IsAboutMemory(const c10::Argument& argument) {
  const c10::TypePtr type = argument.real_type();
  if (type->kind() != TypeKind::OptionalType) return false;
  return WithoutOptional(*type).kind() == TypeKind::MemoryFormatType ||
         argument.name() == "pin_memory";
}

ir::Argument FromNumber(const c10::IValue& value) {
  if (value.isBool()) return value.toBool();
  if (value.isDouble()) return value.toDouble();
  if (value.isComplexDouble()) {
    const c10::complex<double> z = value.toComplexDouble();
    return std::complex<double>(z.real(), z.imag());
  }
  return value.toInt();
}

double ToDouble(const c10::IValue& value) {
  return value.isInt() ? static_cast<double>(value.toInt()) : value.toDouble();
}

// A lone number stands for a list of it in some schemas.
template <typename T, typename Convert>
std::vector<T> ListOf(const c10::IValue& value, Convert convert) {
  std::vector<T> list;
  if (!value.isList()) {
    list.push_back(convert(value));
    return list;
  }
  for (const c10::IValue& element : c10::impl::toList(value.toList()).vec())
    list.push_back(convert(element));
  return list;
}

class Converter {
 public:
  Converter(const std::string& op, ValueOf value_of) : op_(op), value_of_(value_of) {}

  absl::StatusOr<ir::Argument> Convert(const c10::Argument& argument,
                                       const Operand& operand) const {
    const std::optional<ArgKind> kind = KindOf(argument);
    if (operand.value.isNone() || kind == ArgKind::kIgnored || IsAboutMemory(argument))
      return ir::None{};
    if (!kind) return Unsupported(argument);
    if (*kind == ArgKind::kTensor) return Tensor(operand);
    if (*kind == ArgKind::kTensorList) return TensorList(operand);
    return Number(*kind, argument, operand.value);
  }

 private:
  absl::Status Unsupported(const c10::Argument& argument) const {
    return absl::UnimplementedError(absl::StrCat(op_, ": its argument \"", argument.name(),
                                                 "\" of type ", argument.real_type()->str(),
                                                 " can't be held in a graph"));
  }

  absl::StatusOr<ir::Argument> Tensor(const Operand& operand) const {
    if (operand.tensors.empty() || !operand.tensors[0].defined()) return ir::None{};
    INGOT_ASSIGN_OR_RETURN(const ir::ValueId id, value_of_(operand.tensors[0]));
    return ir::ValueRef{id};
  }

  absl::StatusOr<ir::Argument> TensorList(const Operand& operand) const {
    ir::ValueRefList list;
    for (const TensorSnapshot& tensor : operand.tensors) {
      ir::ValueId id = ir::kNoValue;
      if (tensor.defined()) {
        INGOT_ASSIGN_OR_RETURN(id, value_of_(tensor));
      }
      list.ids.push_back(id);
    }
    return list;
  }

  absl::StatusOr<ir::Argument> Number(ArgKind kind, const c10::Argument& argument,
                                      const c10::IValue& value) const {
    const auto integer = [](const c10::IValue& v) { return v.toInt(); };
    switch (kind) {
      case ArgKind::kScalar:
        return FromNumber(value);
      case ArgKind::kBool:
        return value.toBool();
      case ArgKind::kInt:
        return value.toInt();
      case ArgKind::kFloat:
        return ToDouble(value);
      case ArgKind::kString:
        return std::string(value.toStringRef());
      case ArgKind::kIntList:
        return ListOf<int64_t>(value, integer);
      case ArgKind::kFloatList:
        return ListOf<double>(value, ToDouble);
      case ArgKind::kBoolList:
        return ListOf<bool>(value, [](const c10::IValue& v) { return v.toBool(); });
      case ArgKind::kDType: {
        const std::optional<ir::DType> dtype = ToDType(static_cast<at::ScalarType>(value.toInt()));
        if (!dtype) return Unsupported(argument);
        return *dtype;
      }
      default:
        return Unsupported(argument);
    }
  }

  const std::string& op_;
  ValueOf value_of_;
};

std::vector<TensorSnapshot> Flatten(const std::vector<Operand>& operands) {
  std::vector<TensorSnapshot> tensors;
  for (const Operand& operand : operands) {
    tensors.insert(tensors.end(), operand.tensors.begin(), operand.tensors.end());
  }
  return tensors;
}

void AddResults(const Call& call, const std::vector<int>& written, FunctionalCall& functional) {
  const std::vector<TensorSnapshot> outputs = Flatten(call.outputs);
  if (written.empty() || call.rule->returns_and_writes) {
    for (const TensorSnapshot& tensor : outputs)
      functional.results.push_back({tensor, false, tensor.layout});
  }
  size_t next_output = 0;
  for (int position : written) {
    for (const TensorSnapshot& tensor : call.inputs[position].tensors) {
      FunctionalCall::Result result{tensor, true, tensor.layout};
      if (call.rule->is_out_variant && next_output < outputs.size())
        result.after = outputs[next_output++].layout;
      functional.results.push_back(std::move(result));
    }
  }
}

}  // namespace

absl::StatusOr<FunctionalCall> ToFunctional(const Call& call) {
  const OpRule& rule = *call.rule;
  std::vector<c10::IValue> values;
  for (const Operand& operand : call.inputs) values.push_back(operand.value);
  const std::vector<int> written = rule.Written(values);
  FunctionalCall functional;
  // Batch norm without statistics, which its functional form insists on.
  const bool lacks_target =
      rule.returns_and_writes && written.empty() &&
      std::any_of(rule.written.begin(), rule.written.end(), [&](int position) {
        return call.inputs[position].tensors.empty() || !call.inputs[position].tensors[0].defined();
      });
  if (lacks_target) {
    functional.op = rule.name;
    functional.schema = rule.schema;
    functional.args = call.inputs;
  } else if (rule.functional_schema == nullptr) {
    return absl::UnimplementedError(absl::StrCat(rule.name,
                                                 " writes into its argument and LibTorch has no "
                                                 "form of it that doesn't: use one in the model"));
  } else {
    functional.op = rule.functional;
    functional.schema = rule.functional_schema;
    functional.def = rule.def;
    for (size_t i = 0; i < call.inputs.size() && functional.args.size() < rule.functional_arguments;
         ++i) {
      const bool is_out = rule.is_out_variant &&
                          std::count(written.begin(), written.end(), static_cast<int>(i)) > 0;
      if (!is_out) functional.args.push_back(call.inputs[i]);
    }
  }
  AddResults(call, written, functional);
  // What nobody is told of was not written.
  if (rule.returns_and_writes && written.empty() && !lacks_target) {
    functional.results.resize(functional.schema->returns().size());
  }
  return functional;
}

absl::StatusOr<std::vector<ir::Argument>> ToArguments(const FunctionalCall& call,
                                                      ValueOf value_of) {
  const Converter converter(call.op, value_of);
  std::vector<ir::Argument> args;
  for (size_t i = 0; i < call.args.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(ir::Argument argument,
                           converter.Convert(call.schema->arguments()[i], call.args[i]));
    args.push_back(std::move(argument));
  }
  return args;
}

}  // namespace ingot::torchscript
