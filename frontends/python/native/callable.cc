#include "frontends/python/native/callable.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <structmember.h>
#include <torch/csrc/autograd/python_variable.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/runtime/compiled_graph.h"
#include "frontends/python/native/program.h"
#include "frontends/python/native/status.h"
#include "frontends/python/native/values.h"

namespace ingot::python {
namespace {

namespace py = pybind11;

using Kind = ir::Structure::Kind;
using Tensors = absl::InlinedVector<at::Tensor, 8>;

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

bool AllTensors(const ir::Structure& structure) {
  for (const ir::Structure& child : structure.children) {
    if (child.kind != Kind::kTensor) return false;
  }
  return true;
}

bool IsSequence(const ir::Structure& structure) {
  return structure.kind == Kind::kTuple || structure.kind == Kind::kList;
}

void Analyse(Call& call) {
  const runtime::CompiledGraph& graph = call.program->graph().runtime();
  const ir::Structure& arguments = graph.signature().arguments_structure;
  call.num_leaves = arguments.children.size() - call.written.size();
  call.only_tensors = AllTensors(arguments);
  for (size_t i = 0; i < arguments.children.size(); ++i)
    call.only_tensors &= arguments.children[i].slot == static_cast<int32_t>(i);
  const ir::Structure& result = graph.result_structure();
  if (result.kind == Kind::kTensor) {
    call.plain_result = true;
    call.result_slots = {result.slot};
  } else if (IsSequence(result) && AllTensors(result)) {
    call.plain_result = true;
    for (const ir::Structure& child : result.children) call.result_slots.push_back(child.slot);
  }
  call.is_random = graph.is_random();
}

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

// What a call may bring along beside its arguments.
struct Extras {
  std::optional<uint64_t> seed;
  std::optional<double> timeout_seconds;
};

absl::Status CheckGuards(const Call& call) {
  for (const Guard& guard : call.guards) {
    if (guard.tensor.unsafeGetTensorImpl()->version_counter().current_version() == guard.version &&
        guard.tensor.unsafeGetTensorImpl()->storage().data() == guard.data) {
      continue;
    }
    return absl::FailedPreconditionError(
        absl::StrCat("the model's tensor '", guard.name,
                     "' was changed after the graph had been extracted: extract again (a "
                     "CompiledModule does so by itself)"));
  }
  return absl::OkStatus();
}

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

// A seed from torch's default generator, so that torch.manual_seed makes calls repeatable. Directly
// after torch.manual_seed(k) it is k itself: the torchscript backend then draws what eager draws.
uint64_t DrawSeed() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  at::CPUGeneratorImpl& impl = *at::check_generator<at::CPUGeneratorImpl>(generator);
  const at::mt19937_data_pod engine = impl.engine().data();
  const bool is_fresh = engine.next_ == 0 && engine.left_ == 1 &&
                        !impl.next_float_normal_sample() && !impl.next_double_normal_sample();
  const uint64_t seed = impl.current_seed();
  const uint64_t drawn = impl.random64();
  return is_fresh ? seed : drawn;
}

RunContext ContextOf(const Call& call, const Extras& extras) {
  RunContext context;
  context.seed = extras.seed;
  if (!context.seed && call.is_random) context.seed = DrawSeed();
  if (extras.timeout_seconds)
    context.deadline = absl::Now() + absl::Seconds(*extras.timeout_seconds);
  return context;
}

absl::Status WrongCount(const Call& call, size_t given) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the graph takes ", call.num_leaves, call.num_leaves == 1 ? " argument" : " arguments",
      ", but ", given, given == 1 ? " was" : " were", " given"));
}

// Items that are new references become a list, a tuple or the one item.
PyObject* Collect(const Call& call, const std::vector<at::Tensor>& results) {
  const Kind kind = call.program->graph().runtime().result_structure().kind;
  if (kind == Kind::kTensor && !call.as_list)
    return THPVariable_Wrap(results[static_cast<size_t>(call.result_slots[0])]);
  const Py_ssize_t count = static_cast<Py_ssize_t>(call.result_slots.size());
  const bool list = call.as_list || kind == Kind::kList;
  PyObject* const container = list ? PyList_New(count) : PyTuple_New(count);
  if (container == nullptr) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const item =
        THPVariable_Wrap(results[static_cast<size_t>(call.result_slots[static_cast<size_t>(i)])]);
    if (item == nullptr) {
      Py_DECREF(container);
      return nullptr;
    }
    if (list)
      PyList_SET_ITEM(container, i, item);
    else
      PyTuple_SET_ITEM(container, i, item);
  }
  return container;
}

// The way of nearly all calls: tensors in, tensors out.
PyObject* RunTensors(const Call& call, Tensors& arguments, const Extras& extras) {
  for (const at::Tensor& tensor : call.written) arguments.push_back(tensor);
  const RunContext context = ContextOf(call, extras);
  std::vector<at::Tensor> results;
  absl::Status status;
  Py_BEGIN_ALLOW_THREADS;
  status = call.program->graph().RunFlat(arguments, results, context);
  Py_END_ALLOW_THREADS;
  if (!status.ok()) return RaiseStatus(status);
  return Collect(call, results);
}

PyObject* AsList(PyObject* result) {
  if (result == nullptr || PyList_Check(result)) return result;
  PyObject* list = nullptr;
  if (PyTuple_Check(result)) {
    list = PySequence_List(result);
  } else {
    list = PyList_New(1);
    if (list != nullptr) PyList_SET_ITEM(list, 0, Py_NewRef(result));
  }
  Py_DECREF(result);
  return list;
}

// Numbers, None or nesting among arguments or results.
PyObject* RunValues(const Call& call, std::vector<c10::IValue> arguments, const Extras& extras) {
  for (const at::Tensor& tensor : call.written) arguments.emplace_back(tensor);
  const RunContext context = ContextOf(call, extras);
  absl::StatusOr<c10::IValue> result;
  Py_BEGIN_ALLOW_THREADS;
  result = call.program->graph().Run(arguments, context);
  arguments.clear();
  Py_END_ALLOW_THREADS;
  if (!result.ok()) return RaiseStatus(result.status());
  PyObject* const object = FromIValue(*result);
  return call.as_list ? AsList(object) : object;
}

PyObject* RunLeaves(const Call& call, PyObject* const* leaves, size_t count, const Extras& extras) {
  if (count != call.num_leaves) return RaiseStatus(WrongCount(call, count));
  if (!call.guards.empty()) {
    const absl::Status status = CheckGuards(call);
    if (!status.ok()) return RaiseStatus(status);
  }
  if (call.only_tensors && call.plain_result) {
    Tensors tensors;
    for (size_t i = 0; i < count; ++i) {
      absl::StatusOr<at::Tensor> tensor = ToTensor(leaves[i], i);
      if (!tensor.ok()) return RaiseStatus(tensor.status());
      tensors.push_back(*std::move(tensor));
    }
    return RunTensors(call, tensors, extras);
  }
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < count; ++i) {
    absl::StatusOr<c10::IValue> value = ToIValue(leaves[i], absl::StrCat("argument ", i));
    if (!value.ok()) return RaiseStatus(value.status());
    values.push_back(*std::move(value));
  }
  return RunValues(call, std::move(values), extras);
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

std::unique_ptr<Call> MakeCall(PyObject* program, PyObject* written, PyObject* guarded,
                               bool as_list) {
  auto call = std::make_unique<Call>();
  call->program = py::cast<std::shared_ptr<Program>>(py::handle(program));
  if (call->program == nullptr) throw py::type_error("program is None");
  call->as_list = as_list;
  if (written != nullptr) {
    for (const py::handle tensor : py::handle(written))
      call->written.push_back(py::cast<at::Tensor>(tensor));
  }
  if (guarded != nullptr) {
    for (const py::handle pair : py::handle(guarded)) {
      const auto [name, tensor] = py::cast<std::pair<std::string, at::Tensor>>(pair);
      // Inference tensors have no version.
      if (tensor.is_inference() || !tensor.has_storage()) continue;
      call->guards.push_back({name, tensor,
                              tensor.unsafeGetTensorImpl()->version_counter().current_version(),
                              tensor.unsafeGetTensorImpl()->storage().data()});
    }
  }
  const size_t inputs =
      call->program->graph().runtime().signature().arguments_structure.children.size();
  if (inputs < call->written.size()) throw py::value_error("more written tensors than arguments");
  Analyse(*call);
  return call;
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
