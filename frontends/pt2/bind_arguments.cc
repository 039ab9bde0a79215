#include "frontends/pt2/bind_arguments.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::pt2 {
namespace {

using ops::ArgKind;
using ops::SchemaArg;
using Result = absl::StatusOr<Operand>;
using Ints = std::vector<int64_t>;

// LibTorch's codes of the schema's memory formats.
constexpr int64_t kMemoryFormats[] = {0, 0, 2, 3, 1};

class Binder {
 public:
  Binder(const SchemaArg& spec, const Names& names) : spec_(spec), names_(names) {}

  Result operator()(const NoneArgument&) const {
    if (spec_.optional || spec_.kind == ArgKind::kIgnored) return Operand(ir::None{});
    return Wrong("None");
  }
  Result operator()(const TensorArgument& tensor) const {
    if (spec_.kind == ArgKind::kTensor) {
      INGOT_ASSIGN_OR_RETURN(const TensorId id, names_.tensor(tensor.name));
      return Operand(TensorOperand{id});
    }
    if (spec_.kind == ArgKind::kScalar) {
      return absl::FailedPreconditionError(absl::StrCat("data-dependent: the number \"", spec_.name,
                                                        "\" is read out of the tensor ",
                                                        tensor.name));
    }
    return Wrong("a tensor");
  }
  Result operator()(const TensorsArgument& tensors) const {
    if (spec_.kind != ArgKind::kTensorList) {
      return tensors.names.empty() ? EmptyList() : Wrong("a list of tensors");
    }
    TensorListOperand list;
    for (const std::string& name : tensors.names) {
      TensorId id = kNoTensor;
      if (!name.empty()) {
        INGOT_ASSIGN_OR_RETURN(id, names_.tensor(name));
      }
      list.ids.push_back(id);
    }
    return Operand(std::move(list));
  }
  Result operator()(bool value) const {
    switch (spec_.kind) {
      case ArgKind::kBool:
        if (spec_.name == "pin_memory") return Operand(ir::None{});
        // A switch of another device, which exports set by the machine's: as traces have it.
        if (absl::StartsWith(spec_.name, "cudnn_enable")) return Operand(true);
        [[fallthrough]];
      case ArgKind::kScalar:
      case ArgKind::kTensor:
        return Operand(value);
      case ArgKind::kInt:
        return Operand(int64_t{value});
      case ArgKind::kFloat:
        return Operand(value ? 1.0 : 0.0);
      default:
        return Wrong("a bool");
    }
  }
  Result operator()(int64_t value) const {
    switch (spec_.kind) {
      case ArgKind::kInt:
      case ArgKind::kScalar:
      case ArgKind::kTensor:
        return Operand(value);
      case ArgKind::kFloat:
        return Operand(static_cast<double>(value));
      case ArgKind::kBool:
        return Operand(value != 0);
      case ArgKind::kIntList:
        return Operand(Ints{value});
      case ArgKind::kFloatList:
        return Operand(std::vector<double>{static_cast<double>(value)});
      default:
        return Wrong("a whole number");
    }
  }
  Result operator()(double value) const {
    switch (spec_.kind) {
      case ArgKind::kFloat:
      case ArgKind::kScalar:
      case ArgKind::kTensor:
        return Operand(value);
      case ArgKind::kFloatList:
        return Operand(std::vector<double>{value});
      default:
        return Wrong("a number");
    }
  }
  Result operator()(const std::complex<double>& value) const {
    if (spec_.kind == ArgKind::kScalar || spec_.kind == ArgKind::kTensor) return Operand(value);
    return Wrong("a complex number");
  }
  Result operator()(const std::string& value) const {
    if (spec_.kind == ArgKind::kString) return Operand(value);
    return Wrong("a string");
  }
  Result operator()(const Ints& value) const {
    if (spec_.kind == ArgKind::kIntList) return Operand(value);
    if (spec_.kind == ArgKind::kFloatList)
      return Operand(std::vector<double>(value.begin(), value.end()));
    return value.empty() ? EmptyList() : Wrong("a list of whole numbers");
  }
  Result operator()(const std::vector<double>& value) const {
    if (spec_.kind == ArgKind::kFloatList) return Operand(value);
    return value.empty() ? EmptyList() : Wrong("a list of numbers");
  }
  Result operator()(const std::vector<bool>& value) const {
    if (spec_.kind == ArgKind::kBoolList) return Operand(value);
    return value.empty() ? EmptyList() : Wrong("a list of bools");
  }
  Result operator()(const std::vector<SymArgument>& value) const {
    Ints sizes;
    for (const SymArgument& size : value) {
      int64_t known = size.value;
      if (!size.name.empty()) {
        INGOT_ASSIGN_OR_RETURN(known, names_.size(size.name));
      }
      sizes.push_back(known);
    }
    return (*this)(sizes);
  }
  Result operator()(const NameArgument& name) const {
    INGOT_ASSIGN_OR_RETURN(const int64_t value, names_.size(name.name));
    return (*this)(value);
  }
  Result operator()(const DTypeArgument& dtype) const {
    if (spec_.kind != ArgKind::kDType) return Wrong("a dtype");
    const std::optional<ir::DType> known = DTypeOfCode(dtype.code);
    if (known) return Operand(*known);
    return absl::UnimplementedError(
        absl::StrCat("dtype ", DTypeCodeName(dtype.code), " is not supported"));
  }
  Result operator()(const MemoryFormatArgument& format) const {
    if (spec_.kind != ArgKind::kInt) return Wrong("a memory format");
    if (spec_.optional) return Operand(ir::None{});
    if (format.code < 0 || format.code >= static_cast<int64_t>(std::size(kMemoryFormats)))
      return absl::InvalidArgumentError(absl::StrCat("memory format ", format.code));
    return Operand(kMemoryFormats[format.code]);
  }
  Result operator()(const PlacementArgument& placement) const {
    if (spec_.kind != ArgKind::kIgnored) return Wrong(placement.text);
    if (placement.usable) return Operand(ir::None{});
    return absl::UnimplementedError(absl::StrCat(
        placement.text, " is not supported: move the model to the CPU before exporting it"));
  }
  Result operator()(const OtherArgument& other) const {
    return absl::UnimplementedError(absl::StrCat("its argument \"", spec_.name, "\" is ",
                                                 other.kind, ", which no graph can hold"));
  }

 private:
  // Which kind of list an empty one is, only the schema knows.
  Result EmptyList() const {
    switch (spec_.kind) {
      case ArgKind::kTensorList:
        return Operand(TensorListOperand{});
      case ArgKind::kIntList:
        return Operand(Ints());
      case ArgKind::kFloatList:
        return Operand(std::vector<double>());
      case ArgKind::kBoolList:
        return Operand(std::vector<bool>());
      default:
        return Wrong("an empty list");
    }
  }
  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("its argument \"", spec_.name, "\" cannot be ", what));
  }

  const SchemaArg& spec_;
  const Names& names_;
};

}  // namespace

absl::StatusOr<std::vector<Operand>> BindArguments(const GraphNode& node,
                                                   const OpSignature& signature,
                                                   const Names& names) {
  const ops::Schema& schema = signature.schema;
  std::vector<Operand> args(schema.args.size());
  std::vector<bool> given(schema.args.size(), false);
  for (const NamedArgument& input : node.inputs) {
    const int at = schema.Find(input.name);
    if (at < 0 || given[static_cast<size_t>(at)]) {
      return absl::InvalidArgumentError(
          absl::StrCat("it has no argument \"", input.name, "\"", at < 0 ? "" : " twice"));
    }
    given[static_cast<size_t>(at)] = true;
    INGOT_ASSIGN_OR_RETURN(
        args[static_cast<size_t>(at)],
        std::visit(Binder(schema.args[static_cast<size_t>(at)], names), input.value));
  }
  for (size_t i = 0; i < args.size(); ++i) {
    const SchemaArg& spec = schema.args[i];
    if (given[i] || spec.kind == ArgKind::kIgnored) continue;
    if (!spec.default_value) {
      return absl::InvalidArgumentError(
          absl::StrCat("its argument \"", spec.name, "\" is missing"));
    }
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_constructible_v<Operand, decltype(value)>) args[i] = value;
        },
        *spec.default_value);
  }
  return args;
}

}  // namespace ingot::pt2
