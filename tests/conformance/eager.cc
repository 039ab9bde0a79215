#include "tests/conformance/eager.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ingot::conformance {
namespace {

using ir::DType;

constexpr std::pair<DType, at::ScalarType> kDTypes[] = {{DType::kBool, at::kBool},
                                                        {DType::kUInt8, at::kByte},
                                                        {DType::kInt8, at::kChar},
                                                        {DType::kInt16, at::kShort},
                                                        {DType::kInt32, at::kInt},
                                                        {DType::kInt64, at::kLong},
                                                        {DType::kFloat16, at::kHalf},
                                                        {DType::kBFloat16, at::kBFloat16},
                                                        {DType::kFloat32, at::kFloat},
                                                        {DType::kFloat64, at::kDouble},
                                                        {DType::kComplex64, at::kComplexFloat},
                                                        {DType::kComplex128, at::kComplexDouble}};

at::ScalarType ToScalarType(DType dtype) {
  for (const auto& [ours, theirs] : kDTypes) {
    if (ours == dtype) return theirs;
  }
  throw std::runtime_error("no LibTorch dtype");
}

DType FromScalarType(at::ScalarType dtype) {
  for (const auto& [ours, theirs] : kDTypes) {
    if (theirs == dtype) return ours;
  }
  throw std::runtime_error("a result of a dtype that ingot lacks");
}

at::Tensor ToTensor(const HostTensor& tensor) {
  at::Tensor result =
      at::empty(at::IntArrayRef(tensor.type().dims.data(), tensor.type().dims.size()),
                at::TensorOptions(ToScalarType(tensor.type().dtype)));
  if (result.numel() > 0) std::memcpy(result.data_ptr(), tensor.data(), result.nbytes());
  return result;
}

HostTensor FromTensor(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  HostTensor result(
      {FromScalarType(dense.scalar_type()), ir::Dims(dense.sizes().begin(), dense.sizes().end())});
  if (dense.numel() > 0) std::memcpy(result.data(), dense.data_ptr(), dense.nbytes());
  return result;
}

c10::IValue ToList(const ops::SchemaArg& spec, const ir::ValueRefList& list,
                   const std::vector<at::Tensor>& tensors) {
  if (!spec.optional_elements) {
    c10::List<at::Tensor> result;
    for (ir::ValueId id : list.ids) result.push_back(tensors[id]);
    return result;
  }
  c10::List<std::optional<at::Tensor>> result;
  for (ir::ValueId id : list.ids) {
    result.push_back(id == ir::kNoValue ? std::nullopt : std::optional<at::Tensor>(tensors[id]));
  }
  return result;
}

c10::IValue ToIValue(const ops::SchemaArg& spec, const ir::Argument& arg,
                     const std::vector<at::Tensor>& tensors) {
  if (const auto* ref = std::get_if<ir::ValueRef>(&arg)) return tensors[ref->id];
  if (const auto* list = std::get_if<ir::ValueRefList>(&arg)) return ToList(spec, *list, tensors);
  if (const auto* value = std::get_if<bool>(&arg)) return *value;
  if (const auto* value = std::get_if<int64_t>(&arg)) return *value;
  if (const auto* value = std::get_if<double>(&arg)) return *value;
  if (const auto* value = std::get_if<std::string>(&arg)) return *value;
  if (const auto* value = std::get_if<std::vector<int64_t>>(&arg)) return *value;
  if (const auto* value = std::get_if<DType>(&arg)) return ToScalarType(*value);
  return {};
}

void AddResults(const c10::IValue& value, std::vector<HostTensor>& results) {
  if (value.isTensor()) {
    results.push_back(FromTensor(value.toTensor()));
  } else {
    for (const at::Tensor& tensor : value.toTensorVector()) results.push_back(FromTensor(tensor));
  }
}

}  // namespace

absl::StatusOr<std::vector<HostTensor>> RunEager(const ops::Call& call,
                                                 const std::vector<HostTensor>& operands) try {
  const c10::InferenceMode inference;
  std::vector<at::Tensor> tensors;
  for (const HostTensor& operand : operands) tensors.push_back(ToTensor(operand));
  const auto& schema = call.def->schema;
  torch::jit::Stack stack;
  for (size_t i = 0; i < schema.args.size(); ++i) {
    stack.push_back(ToIValue(schema.args[i], call.args[i], tensors));
  }
  const size_t dot = schema.op.find('.');
  const std::string overload = dot == std::string::npos ? "" : schema.op.substr(dot + 1);
  c10::Dispatcher::singleton()
      .findSchemaOrThrow(schema.op.substr(0, dot).c_str(), overload.c_str())
      .callBoxed(stack);
  std::vector<HostTensor> results;
  for (const c10::IValue& value : stack) AddResults(value, results);
  return results;
} catch (const c10::Error& error) {
  return absl::FailedPreconditionError(absl::StrCat("LibTorch: ", error.what_without_backtrace()));
} catch (const std::exception& error) {
  return absl::FailedPreconditionError(absl::StrCat("LibTorch: ", error.what()));
}

}  // namespace ingot::conformance
