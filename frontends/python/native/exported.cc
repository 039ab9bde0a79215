#include "frontends/python/native/exported.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/graph.h"
#include "frontends/pt2/convert.h"
#include "frontends/python/native/status.h"
#include "frontends/torchscript/layout.h"

namespace ingot::python {
namespace {

namespace py = pybind11;

using Kind = ir::Structure::Kind;

void AppendLeaves(const ir::Structure& structure, std::vector<ir::Structure>& leaves) {
  const bool is_container = structure.kind == Kind::kTuple || structure.kind == Kind::kList ||
                            structure.kind == Kind::kDict;
  if (!is_container) leaves.push_back(structure);
  for (const ir::Structure& child : structure.children) AppendLeaves(child, leaves);
}

absl::StatusOr<std::vector<ir::TensorType>> TypesOf(const std::vector<c10::IValue>& leaves) {
  std::vector<ir::TensorType> types;
  for (const c10::IValue& leaf : leaves) {
    if (!leaf.isTensor()) continue;
    const at::Tensor& tensor = leaf.toTensor();
    const auto dtype = torchscript::ToDType(tensor.scalar_type());
    if (!dtype || tensor.layout() != c10::kStrided || !tensor.device().is_cpu()) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument ", types.size(), " must be a dense CPU tensor of a dtype that ",
                       "ingot takes, not ", c10::toString(tensor.scalar_type())));
    }
    types.push_back({*dtype, ir::Dims(tensor.sizes().begin(), tensor.sizes().end())});
  }
  return types;
}

}  // namespace

ExportedProgram::ExportedProgram(const std::string& path)
    : identity_(std::make_shared<char>()),
      state_(
          std::make_shared<runtime::State>(runtime::MakeStateLayout(ir::Graph(), {}, identity_))) {
  absl::StatusOr<std::shared_ptr<const pt2::Archive>> archive;
  {
    const py::gil_scoped_release release;
    archive = pt2::Archive::Open(path);
  }
  archive_ = ValueOrThrow(std::move(archive));
}

absl::StatusOr<ir::Recording> ExportedProgram::Record(
    const std::vector<c10::IValue>& leaves) const {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ir::TensorType> types, TypesOf(leaves));
  INGOT_ASSIGN_OR_RETURN(ir::Recording recording, pt2::Convert(*archive_, types));
  std::vector<ir::Structure> flat;
  AppendLeaves(recording.signature.arguments_structure, flat);
  recording.signature.arguments_structure = ir::Structure::Tuple(std::move(flat));
  return recording;
}

void DefineExported(py::module_& module) {
  py::class_<ExportedProgram, std::shared_ptr<ExportedProgram>>(module, "ExportedProgram")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def_property_readonly("in_spec", &ExportedProgram::in_spec)
      .def_property_readonly("out_spec", &ExportedProgram::out_spec);
}

}  // namespace ingot::python
