// absl::Status as Python exceptions: `ingot.IngotError` and its subclasses (ingot/_errors.py).
//
//   if (!result.ok()) return RaiseStatus(result.status());   // in a CPython function
//   if (!result.ok()) throw ToException(result.status());    // in a pybind11 function
//
// All functions need the GIL. Python's own errors (an exception that the model raised) are kept by
// `PythonError` while C++ code that knows only Status is on the stack.
#ifndef INGOT_FRONTENDS_PYTHON_NATIVE_STATUS_H_
#define INGOT_FRONTENDS_PYTHON_NATIVE_STATUS_H_

#include <torch/csrc/utils/pybind.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ingot::python {

// The Python exception object for an error. REQUIRES: !status.ok().
pybind11::object MakeException(const absl::Status& status);

// Sets Python's error and returns nullptr, as CPython functions do.
PyObject* RaiseStatus(const absl::Status& status);

// Sets Python's error from the C++ exception that is being handled, and returns nullptr.
PyObject* RaiseCurrentException();

// For pybind11 functions: throws the Python exception.
[[noreturn]] void Throw(const absl::Status& status);

template <typename T>
T ValueOrThrow(absl::StatusOr<T> value) {
  if (!value.ok()) Throw(value.status());
  return *std::move(value);
}

// The first exception that Python code raised below a C++ function.
class PythonError {
 public:
  // Takes Python's current error, described in one line: "ValueError: no such mode".
  std::string Take(pybind11::error_already_set& error);

  // Throws `status` with the kept exception as its cause; one that is an IngotError already, or no
  // Exception (KeyboardInterrupt), as it is.
  [[noreturn]] void Throw(const absl::Status& status) const;

  bool is_set() const { return error_ != nullptr; }

 private:
  std::shared_ptr<pybind11::error_already_set> error_;
};

}  // namespace ingot::python

#endif  // INGOT_FRONTENDS_PYTHON_NATIVE_STATUS_H_
