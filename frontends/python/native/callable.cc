#include "frontends/python/native/callable.h"

#include <structmember.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontends/python/native/call.h"
#include "frontends/python/native/program.h"
#include "frontends/python/native/status.h"

namespace ingot::python {
namespace {

namespace py = pybind11;

// Dicts of the model's modules: a change in one of them may change what the model does. Guarded by
// the GIL.
struct Watch {
  struct Entry {
    py::object dict;
    uint64_t version = 0;
  };
  std::vector<Entry> entries;

  // CPython stamps a dict anew whenever one of its items changes.
  static uint64_t VersionOf(const py::object& dict) {
    return reinterpret_cast<PyDictObject*>(dict.ptr())->ma_version_tag;
  }
  bool IsUnchanged() const {
    for (const Entry& entry : entries) {
      if (VersionOf(entry.dict) != entry.version) return false;
    }
    return true;
  }
  void Renew() {
    for (Entry& entry : entries) entry.version = VersionOf(entry.dict);
  }
};

struct CallableObject {
  PyObject_HEAD;
  vectorcallfunc vectorcall;
  Call* call;
  Watch* watch;         // or nullptr
  PyObject* check;      // with `watch`
  PyObject* flatten;    // or nullptr
  PyObject* unflatten;  // or nullptr
  PyObject* program;
};

CallableObject* Cast(PyObject* self) { return reinterpret_cast<CallableObject*>(self); }

// Whether the model is as it was, which `check` tells when a watched dict was touched. False with
// Python's error set if it isn't.
bool IsModelCurrent(const CallableObject& self) {
  if (self.watch == nullptr || self.watch->IsUnchanged()) return true;
  PyObject* const current = PyObject_CallNoArgs(self.check);
  if (current == nullptr) return false;
  const bool is_true = current == Py_True;
  Py_DECREF(current);
  if (is_true) {
    self.watch->Renew();
    return true;
  }
  RaiseStatus(absl::FailedPreconditionError(
      "the model (its mode, an attribute, a parameter or a submodule) was changed after the graph "
      "had been extracted: extract again"));
  return false;
}

PyObject* Unflatten(PyObject* unflatten, PyObject* result) {
  if (result == nullptr || unflatten == nullptr) return result;
  PyObject* const nested = PyObject_CallOneArg(unflatten, result);
  Py_DECREF(result);
  return nested;
}

// `args` and `kwargs` through the Python function that knows their nesting.
PyObject* RunNested(const CallableObject& self, PyObject* args, PyObject* kwargs,
                    const Extras& extras) {
  PyObject* const leaves = PyObject_CallFunctionObjArgs(
      self.flatten, args, kwargs == nullptr ? Py_None : kwargs, nullptr);
  if (leaves == nullptr) return nullptr;
  const py::object owner = py::reinterpret_steal<py::object>(leaves);
  if (!PyList_CheckExact(leaves)) {
    PyErr_SetString(PyExc_TypeError, "flatten must return a list");
    return nullptr;
  }
  return Unflatten(self.unflatten,
                   RunLeaves(*self.call, reinterpret_cast<PyListObject*>(leaves)->ob_item,
                             static_cast<size_t>(PyList_GET_SIZE(leaves)), extras));
}

PyObject* NoKeywords() {
  return RaiseStatus(absl::InvalidArgumentError(
      "keyword arguments were given, but the graph was extracted without any"));
}

PyObject* InvokeNested(const CallableObject& self, PyObject* const* args, size_t count,
                       PyObject* kwnames) {
  py::tuple positional(count);
  for (size_t i = 0; i < count; ++i) positional[i] = py::reinterpret_borrow<py::object>(args[i]);
  py::dict keywords;
  const Py_ssize_t num_keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  for (Py_ssize_t i = 0; i < num_keywords; ++i)
    keywords[PyTuple_GET_ITEM(kwnames, i)] = py::handle(args[count + static_cast<size_t>(i)]);
  return RunNested(self, positional.ptr(), keywords.ptr(), {});
}

PyObject* Invoke(PyObject* object, PyObject* const* args, size_t flags, PyObject* kwnames) {
  const CallableObject& self = *Cast(object);
  const size_t count = static_cast<size_t>(PyVectorcall_NARGS(flags));
  try {
    if (!IsModelCurrent(self)) return nullptr;
    if (self.flatten != nullptr) return InvokeNested(self, args, count, kwnames);
    if (kwnames != nullptr && PyTuple_GET_SIZE(kwnames) > 0) return NoKeywords();
    return Unflatten(self.unflatten, RunLeaves(*self.call, args, count, {}));
  } catch (...) {
    return RaiseCurrentException();
  }
}

absl::StatusOr<Extras> ReadExtras(PyObject* seed, PyObject* timeout) {
  Extras extras;
  if (seed != nullptr && seed != Py_None) {
    extras.seed = PyLong_Check(seed) ? PyLong_AsUnsignedLongLong(seed) : 0;
    if (PyErr_Occurred() != nullptr || !PyLong_Check(seed)) {
      PyErr_Clear();
      return absl::InvalidArgumentError("seed must be an int from 0 to 2**64 - 1");
    }
  }
  if (timeout != nullptr && timeout != Py_None) {
    extras.timeout_seconds = PyFloat_AsDouble(timeout);
    if (PyErr_Occurred() != nullptr || !(*extras.timeout_seconds >= 0)) {
      PyErr_Clear();
      return absl::InvalidArgumentError("timeout must be a number of seconds, 0 or more");
    }
  }
  return extras;
}

// run(args, kwargs=None, *, seed=None, timeout=None)
PyObject* Run(PyObject* object, PyObject* args, PyObject* kwargs) {
  const CallableObject& self = *Cast(object);
  static const char* const kNames[] = {"args", "kwargs", "seed", "timeout", nullptr};
  PyObject *positional = nullptr, *keywords = nullptr, *seed = nullptr, *timeout = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|O$OO:run", const_cast<char**>(kNames),
                                   &PyTuple_Type, &positional, &keywords, &seed, &timeout)) {
    return nullptr;
  }
  try {
    absl::StatusOr<Extras> extras = ReadExtras(seed, timeout);
    if (!extras.ok()) return RaiseStatus(extras.status());
    if (!IsModelCurrent(self)) return nullptr;
    if (self.flatten != nullptr) return RunNested(self, positional, keywords, *extras);
    if (keywords != nullptr && PyDict_Check(keywords) && PyDict_GET_SIZE(keywords) > 0)
      return NoKeywords();
    return Unflatten(self.unflatten,
                     RunLeaves(*self.call, reinterpret_cast<PyTupleObject*>(positional)->ob_item,
                               static_cast<size_t>(PyTuple_GET_SIZE(positional)), *extras));
  } catch (...) {
    return RaiseCurrentException();
  }
}

std::unique_ptr<Watch> MakeWatch(PyObject* watched) {
  auto watch = std::make_unique<Watch>();
  if (watched != nullptr) {
    for (const py::handle dict : py::handle(watched)) {
      if (!PyDict_Check(dict.ptr())) throw py::type_error("watched: not a dict");
      watch->entries.push_back({py::reinterpret_borrow<py::object>(dict)});
    }
  }
  watch->Renew();
  return watch;
}

PyObject* New(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const kNames[] = {"program", "flatten", "unflatten", "as_list", "written",
                                       "guarded", "watched", "check",     nullptr};
  PyObject *program = nullptr, *flatten = Py_None, *unflatten = Py_None, *written = nullptr,
           *guarded = nullptr, *watched = nullptr, *check = Py_None;
  int as_list = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$OOpOOOO:Callable", const_cast<char**>(kNames),
                                   &program, &flatten, &unflatten, &as_list, &written, &guarded,
                                   &watched, &check)) {
    return nullptr;
  }
  try {
    std::unique_ptr<Call> call = MakeCall(program, written, guarded, as_list != 0);
    std::unique_ptr<Watch> watch = check == Py_None ? nullptr : MakeWatch(watched);
    PyObject* const object = type->tp_alloc(type, 0);
    if (object == nullptr) return nullptr;
    CallableObject& self = *Cast(object);
    self.vectorcall = Invoke;
    self.call = call.release();
    self.watch = watch.release();
    self.check = check == Py_None ? nullptr : Py_NewRef(check);
    self.flatten = flatten == Py_None ? nullptr : Py_NewRef(flatten);
    self.unflatten = unflatten == Py_None ? nullptr : Py_NewRef(unflatten);
    self.program = Py_NewRef(program);
    return object;
  } catch (...) {
    return RaiseCurrentException();
  }
}

int Traverse(PyObject* object, visitproc visit, void* arg) {
  CallableObject& self = *Cast(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self.flatten);
  Py_VISIT(self.unflatten);
  Py_VISIT(self.program);
  Py_VISIT(self.check);
  if (self.watch != nullptr) {
    for (const Watch::Entry& entry : self.watch->entries) Py_VISIT(entry.dict.ptr());
  }
  return 0;
}

// Only what can be part of a cycle; a call needs `call` and `program` to the end.
int Clear(PyObject* object) {
  CallableObject& self = *Cast(object);
  Py_CLEAR(self.flatten);
  Py_CLEAR(self.unflatten);
  delete std::exchange(self.watch, nullptr);
  Py_CLEAR(self.check);
  return 0;
}

void Dealloc(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  Clear(object);
  CallableObject& self = *Cast(object);
  Py_CLEAR(self.program);
  delete self.call;
  type->tp_free(object);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(CallableObject, vectorcall), READONLY, nullptr},
    {"_program", T_OBJECT, offsetof(CallableObject, program), READONLY, nullptr},
    {}};

PyMethodDef methods[] = {
    {"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Run)),
     METH_VARARGS | METH_KEYWORDS,
     "run(args, kwargs=None, *, seed=None, timeout=None)\n\n"
     "One call, with arguments as a tuple and a dict. `seed` (0 to 2**64 - 1) fixes what random "
     "operators draw; `timeout` (seconds) stops the call between steps (DeadlineExceededError)."},
    {}};

PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(New)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(Traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(Clear)},
                       {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                       {Py_tp_members, members},
                       {Py_tp_methods, methods},
                       {0, nullptr}};

PyType_Spec spec = {
    "ingot._native.Callable", sizeof(CallableObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    slots};

}  // namespace

void DefineCallable(py::module_& module) {
  PyObject* const type = PyType_FromSpec(&spec);
  if (type == nullptr) throw py::error_already_set();
  module.add_object("Callable", py::reinterpret_steal<py::object>(type));
}

}  // namespace ingot::python
