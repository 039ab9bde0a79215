#include "frontends/python/native/values.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/python_variable.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::python {
namespace {

// Deeper nesting than any call has; a list that contains itself ends here.
constexpr int kMaxDepth = 64;

std::string TypeName(PyObject* object) { return Py_TYPE(object)->tp_name; }

absl::Status Refuse(absl::string_view where, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat(where, " ", reason));
}

absl::StatusOr<at::Tensor> TensorOf(PyObject* object, absl::string_view where) {
  const int is_tensor =
      THPVariable_CheckExact(object)
          ? 1
          : PyObject_IsInstance(object, reinterpret_cast<PyObject*>(THPVariableClass));
  if (is_tensor < 0) PyErr_Clear();
  if (is_tensor != 1)
    return Refuse(where, absl::StrCat("is a ", TypeName(object), ", but must be a torch.Tensor"));
  if (!THPVariable_CheckExact(object)) {
    return Refuse(where, absl::StrCat("is a ", TypeName(object),
                                      ", a subclass of torch.Tensor: pass a plain tensor, such as ",
                                      "x.as_subclass(torch.Tensor)"));
  }
  const at::Tensor& tensor = THPVariable_Unpack(object);
  if (tensor.is_nested()) return Refuse(where, "is a nested tensor, which no graph takes");
  if (tensor.requires_grad() && at::GradMode::is_enabled()) {
    return Refuse(where,
                  "requires grad, but a compiled graph computes no gradients: call it under "
                  "torch.no_grad() or pass x.detach(); to train, use torch.compile(model, "
                  "backend=\"ingot\")");
  }
  return tensor;
}

absl::StatusOr<c10::IValue> Convert(PyObject* object, const std::string& where, int depth);

absl::StatusOr<std::vector<c10::IValue>> ConvertAll(PyObject* sequence, const std::string& where,
                                                    int depth) {
  std::vector<c10::IValue> elements;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
  for (Py_ssize_t i = 0; i < count; ++i) {
    INGOT_ASSIGN_OR_RETURN(
        elements.emplace_back(),
        Convert(PySequence_Fast_GET_ITEM(sequence, i), absl::StrCat(where, "[", i, "]"), depth));
  }
  return elements;
}

absl::StatusOr<c10::IValue> ConvertDict(PyObject* object, const std::string& where, int depth) {
  c10::impl::GenericDict dict(c10::StringType::get(), c10::AnyType::get());
  PyObject *key = nullptr, *value = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(object, &position, &key, &value)) {
    Py_ssize_t size = 0;
    const char* const text = PyUnicode_Check(key) ? PyUnicode_AsUTF8AndSize(key, &size) : nullptr;
    if (text == nullptr) {
      PyErr_Clear();
      return Refuse(where, "is a dict with a key that is no text: only keys of type str are taken");
    }
    const std::string name(text, static_cast<size_t>(size));
    INGOT_ASSIGN_OR_RETURN(const c10::IValue element,
                           Convert(value, absl::StrCat(where, "['", name, "']"), depth));
    dict.insert(name, element);
  }
  return dict;
}

absl::StatusOr<c10::IValue> ConvertInt(PyObject* object, const std::string& where) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow != 0) return Refuse(where, "is an int that does not fit 64 bits");
  return c10::IValue(static_cast<int64_t>(number));
}

absl::StatusOr<c10::IValue> ConvertText(PyObject* object, const std::string& where) {
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(object, &size);
  if (text == nullptr) {
    PyErr_Clear();
    return Refuse(where, "is a str that is no valid Unicode");
  }
  return c10::IValue(std::string(text, static_cast<size_t>(size)));
}

absl::StatusOr<c10::IValue> ConvertContainer(PyObject* object, const std::string& where,
                                             int depth) {
  if (depth >= kMaxDepth) return Refuse(where, "is nested too deeply");
  if (PyTuple_Check(object)) {
    INGOT_ASSIGN_OR_RETURN(std::vector<c10::IValue> elements, ConvertAll(object, where, depth + 1));
    return c10::IValue(c10::ivalue::Tuple::create(std::move(elements)));
  }
  if (PyList_Check(object)) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<c10::IValue> elements,
                           ConvertAll(object, where, depth + 1));
    c10::impl::GenericList list(c10::AnyType::get());
    for (const c10::IValue& element : elements) list.push_back(element);
    return c10::IValue(std::move(list));
  }
  return ConvertDict(object, where, depth + 1);
}

absl::StatusOr<c10::IValue> Convert(PyObject* object, const std::string& where, int depth) {
  if (THPVariable_CheckExact(object)) return TensorOf(object, where);
  if (object == Py_None) return c10::IValue();
  if (PyBool_Check(object)) return c10::IValue(object == Py_True);
  if (PyLong_Check(object)) return ConvertInt(object, where);
  if (PyFloat_Check(object)) return c10::IValue(PyFloat_AS_DOUBLE(object));
  if (PyUnicode_Check(object)) return ConvertText(object, where);
  if (PyTuple_Check(object) || PyList_Check(object) || PyDict_Check(object))
    return ConvertContainer(object, where, depth);
  if (PyObject_IsInstance(object, reinterpret_cast<PyObject*>(THPVariableClass)) == 1)
    return TensorOf(object, where);
  PyErr_Clear();
  return Refuse(where, absl::StrCat("is a ", TypeName(object),
                                    ": pass tensors, numbers, str, None, and tuples, lists and "
                                    "dicts of them"));
}

// Fills `container` by `set(i, item)`, which takes over the item.
template <typename Elements, typename Set>
PyObject* FillFrom(PyObject* container, const Elements& elements, Set set) {
  if (container == nullptr) return nullptr;
  Py_ssize_t i = 0;
  for (const c10::IValue& element : elements) {
    PyObject* const item = FromIValue(element);
    if (item == nullptr) {
      Py_DECREF(container);
      return nullptr;
    }
    set(container, i++, item);
  }
  return container;
}

PyObject* DictFromIValue(const c10::IValue& value) {
  PyObject* const dict = PyDict_New();
  if (dict == nullptr) return nullptr;
  for (const auto& entry : value.toGenericDict()) {
    PyObject* const key = FromIValue(entry.key());
    PyObject* const item = key == nullptr ? nullptr : FromIValue(entry.value());
    const bool ok = item != nullptr && PyDict_SetItem(dict, key, item) == 0;
    Py_XDECREF(key);
    Py_XDECREF(item);
    if (!ok) {
      Py_DECREF(dict);
      return nullptr;
    }
  }
  return dict;
}

}  // namespace

absl::StatusOr<at::Tensor> ToTensor(PyObject* object, size_t index) {
  if (THPVariable_CheckExact(object)) {
    const at::Tensor& tensor = THPVariable_Unpack(object);
    const bool has_gradient = tensor.requires_grad() && at::GradMode::is_enabled();
    if (!has_gradient && !tensor.is_nested()) return tensor;
  }
  return TensorOf(object, absl::StrCat("argument ", index));
}

absl::StatusOr<c10::IValue> ToIValue(PyObject* object, const std::string& where) {
  return Convert(object, where, 0);
}

PyObject* FromIValue(const c10::IValue& value) {
  if (value.isTensor()) return THPVariable_Wrap(value.toTensor());
  if (value.isNone()) return Py_NewRef(Py_None);
  if (value.isBool()) return PyBool_FromLong(value.toBool());
  if (value.isInt()) return PyLong_FromLongLong(value.toInt());
  if (value.isDouble()) return PyFloat_FromDouble(value.toDouble());
  if (value.isString()) {
    const std::string& text = value.toStringRef();
    return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
  }
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    return FillFrom(
        PyTuple_New(static_cast<Py_ssize_t>(elements.size())), elements,
        [](PyObject* c, Py_ssize_t i, PyObject* item) { PyTuple_SET_ITEM(c, i, item); });
  }
  if (value.isList()) {
    const std::vector<c10::IValue> elements = value.toList().vec();
    return FillFrom(PyList_New(static_cast<Py_ssize_t>(elements.size())), elements,
                    [](PyObject* c, Py_ssize_t i, PyObject* item) { PyList_SET_ITEM(c, i, item); });
  }
  if (value.isGenericDict()) return DictFromIValue(value);
  PyErr_Format(PyExc_TypeError, "a value of type %s has no place in Python",
               value.tagKind().c_str());
  return nullptr;
}

}  // namespace ingot::python
