// Nested LibTorch values (tensors, numbers, tuples, lists, dicts) as ingot structures and flat
// tensors.
//
//   std::vector<at::Tensor> slots;
//   INGOT_ASSIGN_OR_RETURN(ir::Structure s, ToStructure(result, Slots::kByObject, slots));
//
// Unimplemented for what has no place in a structure (objects, futures, dicts without string keys).
// Thread-safe.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_VALUES_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_VALUES_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/ir/structure.h"

namespace ingot::torchscript {

enum class Slots {
  kByLeaf,    // each leaf has its own: the call's arguments
  kByObject,  // leaves that are one tensor object share one: results
};

// Appends tensors to `slots`. An undefined tensor is None.
absl::StatusOr<ir::Structure> ToStructure(const c10::IValue& value, Slots mode,
                                          std::vector<at::Tensor>& slots);

// A copy of the nesting with each tensor replaced; tensors come in the order of ToStructure's
// leaves. REQUIRES: ToStructure took the value.
c10::IValue MapTensors(const c10::IValue& value,
                       absl::FunctionRef<at::Tensor(const at::Tensor&)> replace);

// Copies lists, tuples and dicts; not tensors.
c10::IValue CopyContainers(const c10::IValue& value);

// Calls `visit` with each defined tensor in the nesting and its name: "cache.0" and "cache.key" of
// containers named "cache". Takes any value; objects are not looked into.
void ForEachTensor(const c10::IValue& value, const std::string& name,
                   absl::FunctionRef<void(const std::string& name, const at::Tensor&)> visit);

// Containers by element, tensors and objects by identity, all else by value: floating-point numbers
// by their bits, as ir::SameNumber.
bool IsSameValue(const c10::IValue& before, const c10::IValue& now);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_VALUES_H_
