// The extension module `ingot._native`. What users see of it is in ingot/*.py.
#include <pybind11/pybind11.h>

#include <string>

#include "core/base/version.h"
#include "frontends/archive/scanned_file.h"
#include "frontends/python/native/callable.h"
#include "frontends/python/native/exported.h"
#include "frontends/python/native/program.h"
#include "frontends/python/native/status.h"

namespace {

// Before torch.jit.load sees the file.
void ScanTorchScript(const std::string& path) {
  absl::Status status;
  {
    const pybind11::gil_scoped_release release;
    status = ingot::archive::ScannedFile::Open(path).status();
  }
  if (!status.ok()) ingot::python::Throw(status);
}

}  // namespace

PYBIND11_MODULE(_native, module) {
  module.attr("__version__") = ingot::kVersion;
  ingot::python::DefineExported(module);
  ingot::python::DefineProgram(module);
  ingot::python::DefineCallable(module);
  module.def("scan_torchscript", &ScanTorchScript);
}
