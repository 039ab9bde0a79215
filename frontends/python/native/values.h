// Python objects as LibTorch's values, and back. No copies: a tensor stays the tensor.
//
//   INGOT_ASSIGN_OR_RETURN(c10::IValue value, ToIValue(object, "argument 0"));
//   return FromIValue(*value);
//
// Python objects: tensors, bool, int, float, str, None, and tuples, lists and dicts (keys: str) of
// them. All functions need the GIL and are thread-safe otherwise.
#ifndef INGOT_FRONTENDS_PYTHON_NATIVE_VALUES_H_
#define INGOT_FRONTENDS_PYTHON_NATIVE_VALUES_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/python_headers.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ingot::python {

// The tensor of a torch.Tensor or torch.nn.Parameter. InvalidArgument, beginning with "argument
// <index>", for other objects, for subclasses of torch.Tensor (their operators may mean anything),
// and for tensors that autograd would follow: a compiled graph computes no gradients.
absl::StatusOr<at::Tensor> ToTensor(PyObject* object, size_t index);

// InvalidArgument beginning with `where` for what has no place in a call.
absl::StatusOr<c10::IValue> ToIValue(PyObject* object, const std::string& where);

// A new reference; nullptr with Python's error set. Takes what ToIValue makes.
PyObject* FromIValue(const c10::IValue& value);

}  // namespace ingot::python

#endif  // INGOT_FRONTENDS_PYTHON_NATIVE_VALUES_H_
