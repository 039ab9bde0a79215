#include "frontends/torchscript/values.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::torchscript {
namespace {

using ir::Structure;
using Kind = ir::Structure::Kind;

Structure Number(Kind kind, Structure::Number number) {
  Structure structure;
  structure.kind = kind;
  structure.number = number;
  return structure;
}

Structure TensorLeaf(const at::Tensor& tensor, Slots mode, std::vector<at::Tensor>& slots) {
  if (!tensor.defined()) return Structure();
  if (mode == Slots::kByObject) {
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      if (slots[slot].is_same(tensor)) return Structure::Tensor(static_cast<int32_t>(slot));
    }
  }
  slots.push_back(tensor);
  return Structure::Tensor(static_cast<int32_t>(slots.size()) - 1);
}

absl::Status AddChild(const c10::IValue& value, Slots mode, std::vector<at::Tensor>& slots,
                      Structure& parent) {
  INGOT_ASSIGN_OR_RETURN(Structure child, ToStructure(value, mode, slots));
  parent.children.push_back(std::move(child));
  return absl::OkStatus();
}

absl::StatusOr<Structure> Dict(const c10::IValue& value, Slots mode,
                               std::vector<at::Tensor>& slots) {
  Structure structure;
  structure.kind = Kind::kDict;
  for (const auto& entry : value.toGenericDict()) {
    if (!entry.key().isString())
      return absl::UnimplementedError("a dict whose keys are not strings is not supported");
    structure.keys.push_back(entry.key().toStringRef());
    INGOT_RETURN_IF_ERROR(AddChild(entry.value(), mode, slots, structure));
  }
  return structure;
}

bool IsSameDouble(double a, double b) { return ir::SameNumber(a, b); }

bool AreSame(c10::ArrayRef<c10::IValue> before, c10::ArrayRef<c10::IValue> now) {
  bool same = before.size() == now.size();
  for (size_t i = 0; same && i < before.size(); ++i) same = IsSameValue(before[i], now[i]);
  return same;
}

}  // namespace

absl::StatusOr<Structure> ToStructure(const c10::IValue& value, Slots mode,
                                      std::vector<at::Tensor>& slots) {
  if (value.isTensor()) return TensorLeaf(value.toTensor(), mode, slots);
  if (value.isNone()) return Structure();
  if (value.isBool()) return Number(Kind::kBool, value.toBool());
  if (value.isInt()) return Number(Kind::kInt, value.toInt());
  if (value.isDouble()) return Number(Kind::kFloat, value.toDouble());
  Structure structure;
  if (value.isString()) {
    structure.kind = Kind::kString;
    structure.text = value.toStringRef();
    return structure;
  }
  if (value.isTuple()) {
    structure.kind = Kind::kTuple;
    for (const c10::IValue& element : value.toTupleRef().elements()) {
      INGOT_RETURN_IF_ERROR(AddChild(element, mode, slots, structure));
    }
    return structure;
  }
  if (value.isList()) {
    structure.kind = Kind::kList;
    for (const c10::IValue& element : value.toList().vec()) {
      INGOT_RETURN_IF_ERROR(AddChild(element, mode, slots, structure));
    }
    return structure;
  }
  if (value.isGenericDict()) return Dict(value, mode, slots);
  return absl::UnimplementedError(
      absl::StrCat("a value of type ", value.tagKind(), " is not supported: pass and return ",
                   "tensors, numbers, strings, None, and tuples, lists and dicts of them"));
}

c10::IValue MapTensors(const c10::IValue& value,
                       absl::FunctionRef<at::Tensor(const at::Tensor&)> replace) {
  if (value.isTensor()) return value.toTensor().defined() ? replace(value.toTensor()) : value;
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const c10::IValue& element : value.toTupleRef().elements())
      elements.push_back(MapTensors(element, replace));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isList()) {
    c10::impl::GenericList copy(value.toList().elementType());
    for (const c10::IValue& element : value.toList().vec())
      copy.push_back(MapTensors(element, replace));
    return copy;
  }
  if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    c10::impl::GenericDict copy(dict.keyType(), dict.valueType());
    for (const auto& entry : dict) copy.insert(entry.key(), MapTensors(entry.value(), replace));
    return copy;
  }
  return value;
}

c10::IValue CopyContainers(const c10::IValue& value) {
  return MapTensors(value, [](const at::Tensor& tensor) { return tensor; });
}

void ForEachTensor(const c10::IValue& value, const std::string& name,
                   absl::FunctionRef<void(const std::string& name, const at::Tensor&)> visit) {
  const auto visit_all = [&](c10::ArrayRef<c10::IValue> elements) {
    for (size_t i = 0; i < elements.size(); ++i)
      ForEachTensor(elements[i], absl::StrCat(name, ".", i), visit);
  };
  if (value.isTensor()) {
    if (value.toTensor().defined()) visit(name, value.toTensor());
  } else if (value.isTuple()) {
    visit_all(value.toTupleRef().elements());
  } else if (value.isList()) {
    visit_all(value.toList().vec());
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      const c10::IValue& key = entry.key();
      const std::string part = key.isString() ? key.toStringRef() : c10::str(key);
      ForEachTensor(entry.value(), absl::StrCat(name, ".", part), visit);
    }
  }
}

bool IsSameValue(const c10::IValue& before, const c10::IValue& now) {
  // Nearly all attributes are flags and numbers, for which IValue's own comparison is slow.
  if (before.isNone()) return now.isNone();
  if (before.isBool()) return now.isBool() && now.toBool() == before.toBool();
  if (before.isInt()) return now.isInt() && now.toInt() == before.toInt();
  if (before.isDouble()) return now.isDouble() && IsSameDouble(now.toDouble(), before.toDouble());
  if (before.tagKind() != now.tagKind()) return false;
  if (before.isTensor()) return before.toTensor().is_same(now.toTensor());
  if (before.isList()) return AreSame(before.toList().vec(), now.toList().vec());
  if (before.isTuple()) return AreSame(before.toTupleRef().elements(), now.toTupleRef().elements());
  if (before.isGenericDict()) {
    const auto old = before.toGenericDict();
    const auto current = now.toGenericDict();
    bool same = old.size() == current.size();
    for (const auto& entry : old) {
      const auto found = current.find(entry.key());
      same = same && found != current.end() && IsSameValue(entry.value(), found->value());
    }
    return same;
  }
  if (before.isComplexDouble()) {
    const c10::complex<double> old = before.toComplexDouble(), current = now.toComplexDouble();
    return IsSameDouble(old.real(), current.real()) && IsSameDouble(old.imag(), current.imag());
  }
  return before == now;
}

}  // namespace ingot::torchscript
