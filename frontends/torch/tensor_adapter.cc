#include "frontends/torch/tensor_adapter.h"

#include <ATen/EmptyTensor.h>
#include <ATen/ops/empty_strided.h>

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/plugin/tensor.h"
#include "frontends/torchscript/layout.h"

namespace ingot {
namespace {

absl::Status Differs(const std::string& where, absl::string_view expected,
                     const c10::IValue& value) {
  return absl::InvalidArgumentError(absl::StrCat(where, " is a ", value.tagKind(),
                                                 ", but the graph was recorded with ", expected));
}

class Flattener {
 public:
  explicit Flattener(FlatArguments& out) : out_(out) {}

  absl::Status Add(const ir::Structure& s, const c10::IValue& value, const std::string& where) {
    using Kind = ir::Structure::Kind;
    switch (s.kind) {
      case Kind::kNone:
        return value.isNone() ? absl::OkStatus() : Differs(where, "None", value);
      case Kind::kTensor:
        return AddTensor(s, value, where);
      case Kind::kBool:
        return AddNumber<bool>(
            s, value.isBool() ? std::optional<bool>(value.toBool()) : std::nullopt, value, where);
      case Kind::kInt:
        return AddNumber<int64_t>(
            s, value.isInt() ? std::optional<int64_t>(value.toInt()) : std::nullopt, value, where);
      case Kind::kFloat:
        return AddNumber<double>(
            s, value.isDouble() ? std::optional<double>(value.toDouble()) : std::nullopt, value,
            where);
      case Kind::kString:
        return value.isString() && value.toStringRef() == s.text
                   ? absl::OkStatus()
                   : Differs(where, absl::StrCat("\"", s.text, "\""), value);
      case Kind::kTuple:
        if (!value.isTuple()) return Differs(where, "a tuple", value);
        return AddAll(s, value.toTupleRef().elements().vec(), where);
      case Kind::kList:
        if (!value.isList()) return Differs(where, "a list", value);
        return AddAll(s, value.toListRef().vec(), where);
      case Kind::kDict:
        return AddDict(s, value, where);
    }
    return absl::InternalError(absl::StrCat(where, ": unknown structure"));
  }

  absl::Status AddAll(const ir::Structure& s, const std::vector<c10::IValue>& values,
                      const std::string& where) {
    if (values.size() != s.children.size()) {
      return absl::InvalidArgumentError(absl::StrCat(where, " has ", values.size(),
                                                     " elements, but the graph was recorded with ",
                                                     s.children.size()));
    }
    for (size_t i = 0; i < values.size(); ++i) {
      INGOT_RETURN_IF_ERROR(Add(s.children[i], values[i], absl::StrCat(where, "[", i, "]")));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AddTensor(const ir::Structure& s, const c10::IValue& value,
                         const std::string& where) {
    if (!value.isTensor()) return Differs(where, "a tensor", value);
    const size_t slot = static_cast<size_t>(s.slot);
    if (slot >= out_.tensors.size()) out_.tensors.resize(slot + 1);
    if (out_.tensors[slot].defined() && !out_.tensors[slot].is_same(value.toTensor())) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " must be the same tensor as an earlier argument"));
    }
    out_.tensors[slot] = value.toTensor();
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status AddNumber(const ir::Structure& s, std::optional<T> number, const c10::IValue& value,
                         const std::string& where) {
    if (!number) return Differs(where, "a number of another type", value);
    if (s.slot >= 0) {
      const size_t slot = static_cast<size_t>(s.slot);
      if (slot >= out_.scalars.size()) out_.scalars.resize(slot + 1);
      out_.scalars[slot] = *number;
      return absl::OkStatus();
    }
    if (ir::SameNumber(s.number, *number)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(where,
                                                   " is a number that the graph was not recorded "
                                                   "with: extract again with it"));
  }

  absl::Status AddDict(const ir::Structure& s, const c10::IValue& value, const std::string& where) {
    if (!value.isGenericDict()) return Differs(where, "a dict", value);
    const auto dict = value.toGenericDict();
    if (dict.size() != s.keys.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, " has ", dict.size(), " keys, but the graph was recorded with ", s.keys.size()));
    }
    for (size_t i = 0; i < s.keys.size(); ++i) {
      const auto it = dict.find(s.keys[i]);
      if (it == dict.end())
        return absl::InvalidArgumentError(absl::StrCat(where, " lacks the key '", s.keys[i], "'"));
      INGOT_RETURN_IF_ERROR(
          Add(s.children[i], it->value(), absl::StrCat(where, "['", s.keys[i], "']")));
    }
    return absl::OkStatus();
  }

  FlatArguments& out_;
};

c10::IValue UnflattenList(const std::vector<c10::IValue>& elements) {
  c10::TypePtr type =
      elements.empty() ? c10::TypePtr(c10::TensorType::get()) : elements.front().type();
  for (const c10::IValue& element : elements) {
    if (*element.type() != *type) type = c10::AnyType::get();
  }
  c10::impl::GenericList list(type);
  for (const c10::IValue& element : elements) list.push_back(element);
  return list;
}

c10::IValue UnflattenDict(const std::vector<std::string>& keys,
                          const std::vector<c10::IValue>& values) {
  c10::TypePtr type = values.empty() ? c10::TypePtr(c10::TensorType::get()) : values.front().type();
  for (const c10::IValue& value : values) {
    if (*value.type() != *type) type = c10::AnyType::get();
  }
  c10::impl::GenericDict dict(c10::StringType::get(), type);
  for (size_t i = 0; i < keys.size(); ++i) dict.insert(keys[i], values[i]);
  return dict;
}

}  // namespace

absl::StatusOr<ingot_tensor> ToIngotTensor(const at::Tensor& tensor, size_t index) {
  if (!tensor.defined() || tensor.layout() != c10::kStrided || !tensor.device().is_cpu() ||
      tensor.is_conj() || tensor.is_neg()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", index, " must be a defined, dense CPU tensor"));
  }
  const std::optional<ir::DType> dtype = torchscript::ToDType(tensor.scalar_type());
  if (!dtype) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", index, " has dtype ",
                                                   c10::toString(tensor.scalar_type()),
                                                   ", which ingot does not take"));
  }
  const c10::IntArrayRef sizes = tensor.sizes(), strides = tensor.strides();
  return plugin::MakeTensor(tensor.data_ptr(), *dtype,
                            absl::MakeConstSpan(sizes.data(), sizes.size()),
                            absl::MakeConstSpan(strides.data(), strides.size()));
}

absl::StatusOr<FlatArguments> Flatten(const ir::Structure& structure,
                                      const std::vector<c10::IValue>& arguments) {
  FlatArguments flat;
  INGOT_RETURN_IF_ERROR(Flattener(flat).AddAll(structure, arguments, "arguments"));
  return flat;
}

at::Tensor EmptyResult(const runtime::ResultSpec& spec) {
  const c10::ScalarType dtype = torchscript::ToScalarType(spec.type.dtype);
  const c10::IntArrayRef sizes(spec.type.dims.data(), spec.type.dims.size());
  if (spec.strides.empty()) return at::detail::empty_cpu(sizes, dtype);
  return at::empty_strided(sizes, c10::IntArrayRef(spec.strides.data(), spec.strides.size()),
                           dtype);
}

at::Tensor AliasResult(const runtime::ResultSpec& spec, absl::Span<const at::Tensor> arguments) {
  const at::Tensor& argument = arguments[spec.alias_of];
  const c10::IntArrayRef sizes(spec.type.dims.data(), spec.type.dims.size());
  // Without strides it is the argument, whatever that one's strides are.
  if (spec.strides.empty() && spec.offset == 0 && argument.sizes() == sizes) return argument;
  const ir::Dims dense = ir::ContiguousStrides(spec.type.dims);
  const ir::Dims& strides = spec.strides.empty() ? dense : spec.strides;
  const c10::IntArrayRef view_strides(strides.data(), strides.size());
  if (spec.offset == 0 && argument.sizes() == sizes && argument.strides() == view_strides)
    return argument;
  return argument.as_strided(sizes, view_strides, argument.storage_offset() + spec.offset);
}

at::Tensor TensorOfBytes(const ir::TensorType& type, const std::string& bytes) {
  const at::Tensor tensor = at::detail::empty_cpu(
      c10::IntArrayRef(type.dims.data(), type.dims.size()), torchscript::ToScalarType(type.dtype));
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

c10::IValue Unflatten(const ir::Structure& s, const std::vector<at::Tensor>& results) {
  using Kind = ir::Structure::Kind;
  std::vector<c10::IValue> children;
  for (const ir::Structure& child : s.children) children.push_back(Unflatten(child, results));
  switch (s.kind) {
    case Kind::kTensor:
      return results[s.slot];
    case Kind::kBool:
      return std::get<bool>(s.number);
    case Kind::kInt:
      return std::get<int64_t>(s.number);
    case Kind::kFloat:
      return std::get<double>(s.number);
    case Kind::kString:
      return s.text;
    case Kind::kTuple:
      return c10::ivalue::Tuple::create(std::move(children));
    case Kind::kList:
      return UnflattenList(children);
    case Kind::kDict:
      return UnflattenDict(s.keys, children);
    case Kind::kNone:
      break;
  }
  return c10::IValue();
}

}  // namespace ingot
