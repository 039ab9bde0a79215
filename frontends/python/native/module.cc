// The extension module `ingot._native`. What users see of it is in ingot/*.py.
#include <pybind11/pybind11.h>

#include "core/base/version.h"
#include "frontends/python/native/callable.h"
#include "frontends/python/native/exported.h"
#include "frontends/python/native/program.h"

PYBIND11_MODULE(_native, module) {
  module.attr("__version__") = ingot::kVersion;
  ingot::python::DefineExported(module);
  ingot::python::DefineProgram(module);
  ingot::python::DefineCallable(module);
}
