// The Python type `_native.Callable`: one extracted program, called with tensors.
//
//   Callable(program, *, flatten=None, unflatten=None, as_list=False, written=(), guarded=(),
//            watched=(), check=None)
//
// `flatten(args, kwargs)` gives the program's leaves in order; None: the positional arguments are
// the leaves. `unflatten(result)` makes the caller's result; `as_list`: the result is a list, of
// one element if the program returns no tuple or list. `written`: tensors of the model that the
// program updates in place; they follow the caller's leaves. `guarded`: (name, tensor) of the
// weights that the program holds; a call after one of them was changed is refused
// (FailedPrecondition).
//
// Calls take CPython's vectorcall protocol and release the GIL while the graph runs. Any number of
// threads may call one object. Errors are ingot.IngotError; a refused call touches no argument.
#ifndef INGOT_FRONTENDS_PYTHON_NATIVE_CALLABLE_H_
#define INGOT_FRONTENDS_PYTHON_NATIVE_CALLABLE_H_

#include <torch/csrc/utils/pybind.h>

namespace ingot::python {

// Adds the type to the module. Throws pybind11::error_already_set.
void DefineCallable(pybind11::module_& module);

}  // namespace ingot::python

#endif  // INGOT_FRONTENDS_PYTHON_NATIVE_CALLABLE_H_
