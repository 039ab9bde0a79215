// One extracted program with what a call of it needs to know. callable.h makes a Python type of it.
//
//   std::unique_ptr<Call> call = MakeCall(program, weights, written, /*as_list=*/false);
//   PyObject* result = RunLeaves(*call, leaves, count, {});   // new reference, or Python's error
//
// Immutable after MakeCall: any number of threads. Functions need the GIL, which is released while
// the graph runs.
#ifndef INGOT_FRONTENDS_PYTHON_NATIVE_CALL_H_
#define INGOT_FRONTENDS_PYTHON_NATIVE_CALL_H_

#include <ATen/core/Tensor.h>
#include <torch/csrc/utils/pybind.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontends/python/native/program.h"

namespace ingot::python {

// A weight that the program holds, and which of its contents.
struct Guard {
  std::string name;
  at::Tensor tensor;
  uint32_t version = 0;
  const void* data = nullptr;
};

// Everything of a callable that is no Python object. Immutable.
struct Call {
  std::shared_ptr<Program> program;
  bool as_list = false;
  std::vector<at::Tensor> written;
  std::vector<Guard> guards;

  // Leaves of the caller, and whether all of the program's are tensors, in order.
  size_t num_leaves = 0;
  bool only_tensors = false;
  // The result is one tensor, or a flat tuple or list of tensors: their slots.
  bool plain_result = false;
  std::vector<int32_t> result_slots;
  bool is_random = false;
};

// What a call may bring along beside its arguments.
struct Extras {
  std::optional<uint64_t> seed;
  std::optional<double> timeout_seconds;
};

// `written`, `guarded`: see callable.h; nullptr stands for none. Throws Python's exceptions.
std::unique_ptr<Call> MakeCall(PyObject* program, PyObject* written, PyObject* guarded,
                               bool as_list);

// The result in the program's own nesting. Refused calls (weights changed, wrong count, types or
// shapes) touch nothing.
PyObject* RunLeaves(const Call& call, PyObject* const* leaves, size_t count, const Extras& extras);

}  // namespace ingot::python

#endif  // INGOT_FRONTENDS_PYTHON_NATIVE_CALL_H_
