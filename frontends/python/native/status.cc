#include "frontends/python/native/status.h"

#include <exception>

#include "frontends/torchscript/guard.h"

namespace ingot::python {

namespace py = pybind11;

py::object MakeException(const absl::Status& status) {
  const py::object make = py::module_::import("ingot._errors").attr("error_from_status");
  const std::string message(status.message());
  // A message may quote bytes of a file.
  const py::object text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "replace"));
  return make(static_cast<int>(status.code()), text);
}

PyObject* RaiseStatus(const absl::Status& status) {
  try {
    const py::object exception = MakeException(status);
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  } catch (py::error_already_set& error) {
    error.restore();
  }
  return nullptr;
}

PyObject* RaiseCurrentException() {
  try {
    throw;
  } catch (py::error_already_set& error) {
    error.restore();
    return nullptr;
  } catch (...) {
    return RaiseStatus(torchscript::StatusFromException("ingot", std::current_exception()));
  }
}

void Throw(const absl::Status& status) {
  RaiseStatus(status);
  throw py::error_already_set();
}

std::string PythonError::Take(py::error_already_set& error) {
  std::string text = py::str(error.type().attr("__name__"));
  try {
    const std::string message = py::str(error.value());
    const std::string line = message.substr(0, message.find('\n'));
    if (!line.empty()) text += ": " + line;
  } catch (py::error_already_set&) {
    // Its __str__ fails as well: the name of its type must do.
  }
  if (error_ == nullptr) error_ = std::make_shared<py::error_already_set>(error);
  return text;
}

void PythonError::Throw(const absl::Status& status) const {
  py::error_already_set cause = *error_;
  const py::object own = py::module_::import("ingot._errors").attr("IngotError");
  if (!cause.matches(PyExc_Exception) || cause.matches(own)) throw cause;
  const py::object exception = MakeException(status);
  PyException_SetCause(exception.ptr(), cause.value().inc_ref().ptr());
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw py::error_already_set();
}

}  // namespace ingot::python
