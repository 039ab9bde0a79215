// A torch.export archive as a Python object: read by frontends/pt2, not by torch.export.
//
//   exported = _native.ExportedProgram("model.pt2")
//   exported.in_spec, exported.out_spec               # nesting, as torch.utils._pytree dumps it
//   program = session.extract_exported(exported, [leaf, …])
//
// Nothing in the file is run. Weights stay in a mapping of the file. The programs of one
// ExportedProgram share its state: the buffers that calls update. Immutable but for that;
// thread-safe.
#ifndef INGOT_FRONTENDS_PYTHON_NATIVE_EXPORTED_H_
#define INGOT_FRONTENDS_PYTHON_NATIVE_EXPORTED_H_

#include <ATen/core/ivalue.h>
#include <torch/csrc/utils/pybind.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/recording.h"
#include "core/runtime/state.h"
#include "frontends/pt2/archive.h"

namespace ingot::python {

class ExportedProgram {
 public:
  // Throws Python's exceptions; their message begins with the path.
  explicit ExportedProgram(const std::string& path);

  const std::string& in_spec() const { return archive_->program().in_spec; }
  const std::string& out_spec() const { return archive_->program().out_spec; }

  // The graph for `leaves` (tensors, numbers, texts, None) in the order of in_spec: its signature
  // has one argument a leaf, whatever their nesting.
  absl::StatusOr<ir::Recording> Record(const std::vector<c10::IValue>& leaves) const;

  // Identity of this program, and its buffers.
  const runtime::Program& identity() const { return identity_; }
  const std::shared_ptr<runtime::State>& state() const { return state_; }

 private:
  std::shared_ptr<const pt2::Archive> archive_;
  const runtime::Program identity_;
  const std::shared_ptr<runtime::State> state_;
};

// Adds the class.
void DefineExported(pybind11::module_& module);

}  // namespace ingot::python

#endif  // INGOT_FRONTENDS_PYTHON_NATIVE_EXPORTED_H_
