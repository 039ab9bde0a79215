// The extension module `ingot._native`. What users see of it is in ingot/*.py.
#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "core/base/version.h"
#include "frontends/archive/scanned_file.h"
#include "frontends/python/native/callable.h"
#include "frontends/python/native/exported.h"
#include "frontends/python/native/program.h"
#include "frontends/python/native/status.h"

namespace {

using ingot::archive::ScannedFile;

ScannedFile ScanTorchScript(const std::string& path) {
  absl::StatusOr<ScannedFile> file = absl::UnknownError("not scanned");
  {
    const pybind11::gil_scoped_release release;
    file = ScannedFile::Open(path);
  }
  if (!file.ok()) ingot::python::Throw(file.status());
  return *std::move(file);
}

}  // namespace

PYBIND11_MODULE(_native, module) {
  module.attr("__version__") = ingot::kVersion;
  ingot::python::DefineExported(module);
  ingot::python::DefineProgram(module);
  ingot::python::DefineCallable(module);
  pybind11::class_<ScannedFile>(module, "ScannedTorchScript")
      .def(pybind11::init(&ScanTorchScript), pybind11::arg("path"))
      .def_property_readonly("descriptor_path", &ScannedFile::descriptor_path);
}
