#include "frontends/python/native/call.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/python_variable.h>

#include <mutex>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/runtime/compiled_graph.h"
#include "frontends/python/native/status.h"
#include "frontends/python/native/values.h"

namespace ingot::python {
namespace {

namespace py = pybind11;

using Kind = ir::Structure::Kind;
using Tensors = absl::InlinedVector<at::Tensor, 8>;

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
  context.state = call.program->state();
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

}  // namespace

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

}  // namespace ingot::python
