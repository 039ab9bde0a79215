#include "frontends/python/native/program.h"

#include <pybind11/stl.h>

#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/ir/text.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"
#include "core/runtime/stored_options.h"
#include "frontends/python/native/status.h"
#include "frontends/python/native/values.h"

namespace ingot::python {
namespace {

namespace py = pybind11;

using Layers = std::vector<std::map<std::string, std::string>>;

absl::StatusOr<runtime::OptionOverrides> ToOverrides(
    const std::map<std::string, std::string>& layer) {
  runtime::OptionOverrides overrides;
  for (const auto& [name, value] : layer) {
    INGOT_RETURN_IF_ERROR(runtime::SetOption(name, value, overrides));
  }
  return overrides;
}

absl::StatusOr<Options> Resolve(const Layers& layers, const artifact::Options& stored = {}) {
  std::vector<runtime::OptionOverrides> overrides;
  for (const auto& layer : layers) {
    INGOT_ASSIGN_OR_RETURN(overrides.emplace_back(), ToOverrides(layer));
  }
  INGOT_ASSIGN_OR_RETURN(overrides.emplace_back(), runtime::OptionsFromEnvironment());
  absl::StatusOr<runtime::OptionOverrides> of_file = ToOverrides(stored);
  if (!of_file.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("option stored in the file: ", of_file.status().message()));
  }
  overrides.push_back(*std::move(of_file));
  return runtime::ResolveOptions(overrides);
}

std::shared_ptr<artifact::Artifact> ReadArtifact(const std::string& path) {
  absl::StatusOr<artifact::Artifact> artifact;
  {
    const py::gil_scoped_release release;
    artifact = artifact::ReadArtifact(path);
  }
  return std::make_shared<artifact::Artifact>(ValueOrThrow(std::move(artifact)));
}

absl::StatusOr<std::vector<c10::IValue>> ToIValues(const py::list& leaves) {
  std::vector<c10::IValue> values;
  for (const py::handle leaf : leaves) {
    INGOT_ASSIGN_OR_RETURN(values.emplace_back(),
                           ToIValue(leaf.ptr(), "argument " + std::to_string(values.size())));
  }
  return values;
}

// By leaf: whether it is a number that is data.
absl::StatusOr<std::vector<bool>> AreData(const torchscript::DataNumbers& numbers,
                                          const py::list& leaves) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<c10::IValue> values, ToIValues(leaves));
  const std::vector<c10::IValue> probed = numbers.WithProbes(values);
  std::vector<bool> are_data;
  for (size_t i = 0; i < values.size(); ++i)
    are_data.push_back((values[i].isInt() || values[i].isDouble()) && probed[i] != values[i]);
  return are_data;
}

// Calls `function` on `values` with the GIL held. What it raises is kept in `error`, and thrown as
// an exception that the recorder understands.
c10::IValue CallPython(const py::function& function, const std::vector<c10::IValue>& values,
                       PythonError& error) {
  const py::gil_scoped_acquire gil;
  try {
    py::tuple arguments(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      PyObject* const argument = FromIValue(values[i]);
      if (argument == nullptr) throw py::error_already_set();
      arguments[i] = py::reinterpret_steal<py::object>(argument);
    }
    const py::object result = function(*arguments);
    absl::StatusOr<c10::IValue> value = ToIValue(result.ptr(), "result");
    if (!value.ok()) throw std::invalid_argument(std::string(value.status().message()));
    return *std::move(value);
  } catch (py::error_already_set& raised) {
    throw std::runtime_error(error.Take(raised));
  }
}

py::dict DescribeNode(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  py::list outputs, operands;
  for (const ir::ValueId value : node.outputs) {
    if (value != ir::kNoValue)
      outputs.append(py::make_tuple(value, ir::ToString(graph.type(value))));
  }
  ir::ForEachOperand(node, [&](ir::ValueId value) { operands.append(value); });
  py::dict row;
  row["op"] = node.op;
  row["outputs"] = outputs;
  row["operands"] = operands;
  row["source"] = node.source;
  return row;
}

constexpr const char* kInputRoles[] = {"argument", "scalar", "state", "seed", "constant"};
constexpr const char* kOutputRoles[] = {"result", "write-back", "state", "alias"};

py::list DescribeInputs(const ir::Graph& graph) {
  py::list inputs;
  for (const ir::InputSpec& input : graph.inputs()) {
    py::dict row;
    row["role"] = kInputRoles[static_cast<size_t>(input.role)];
    row["index"] = input.index;
    row["name"] = input.name;
    row["value"] = input.value;
    row["type"] = ir::ToString(graph.type(input.value));
    inputs.append(row);
  }
  return inputs;
}

py::list DescribeOutputs(const ir::Graph& graph) {
  py::list outputs;
  for (const ir::OutputSpec& output : graph.outputs()) {
    py::dict row;
    row["role"] = kOutputRoles[static_cast<size_t>(output.role)];
    row["index"] = output.index;
    row["value"] = output.value;
    outputs.append(row);
  }
  return outputs;
}

py::list DescribeGroups(const runtime::CompiledGraph& graph) {
  py::list groups;
  for (const runtime::GroupReport& group : graph.groups()) {
    py::dict row;
    row["backend"] = group.backend;
    row["library_version"] = group.library_version;
    row["nodes"] = py::cast(group.nodes);
    row["plan_json"] = group.plan_json;
    row["retained_bytes"] = group.retained_bytes;
    row["workspace_bytes"] = group.workspace_bytes;
    row["cached"] = group.cached;
    groups.append(row);
  }
  return groups;
}

py::list DescribeFallbacks(const runtime::CompiledGraph& graph) {
  py::list fallbacks;
  for (const plugin::Fallback& fallback : graph.fallbacks()) {
    py::dict row;
    row["node"] = fallback.node;
    row["op"] = fallback.op;
    row["reason"] = fallback.reason;
    fallbacks.append(row);
  }
  return fallbacks;
}

}  // namespace

bool Program::is_stateful() const { return graph_.runtime().is_stateful(); }

void Program::Save(const std::string& path) const {
  absl::Status status;
  {
    const py::gil_scoped_release release;
    status = artifact::WriteArtifact(path, recording_, stored_);
  }
  if (!status.ok()) Throw(status);
}

py::dict Program::Describe() const {
  const runtime::CompiledGraph& compiled = graph_.runtime();
  const ir::Graph& graph = compiled.graph();
  py::list nodes;
  for (ir::NodeId n = 0; n < graph.nodes().size(); ++n) nodes.append(DescribeNode(graph, n));
  py::dict description;
  description["name"] = graph.name();
  description["arguments"] = ir::ToString(compiled.signature());
  description["results"] = ir::ToString(compiled.result_structure());
  description["is_random"] = compiled.is_random();
  description["written_arguments"] = py::cast(std::vector<uint32_t>(
      compiled.written_arguments().begin(), compiled.written_arguments().end()));
  description["inputs"] = DescribeInputs(graph);
  description["nodes"] = nodes;
  description["outputs"] = DescribeOutputs(graph);
  description["groups"] = DescribeGroups(compiled);
  description["fallbacks"] = DescribeFallbacks(compiled);
  description["text"] = ir::PrintGraph(graph);
  description["dot"] = ir::PrintDot(graph);
  return description;
}

PySession::PySession(const Layers& layers, const artifact::Options& stored) {
  const Options options = ValueOrThrow(Resolve(layers, stored));
  absl::StatusOr<Session> session;
  {
    const py::gil_scoped_release release;
    session = Session::Create(options);
  }
  session_ = ValueOrThrow(std::move(session));
}

std::shared_ptr<Program> PySession::Compile(ir::Recording recording,
                                            std::vector<at::Tensor> captured,
                                            const ExportedProgram* exported) const {
  absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> compiled;
  {
    const py::gil_scoped_release release;
    compiled = session_->runtime().Compile(recording, exported ? exported->identity() : nullptr);
  }
  std::shared_ptr<const runtime::CompiledGraph> graph = ValueOrThrow(std::move(compiled));
  std::shared_ptr<runtime::State> state;
  if (exported != nullptr && graph->is_stateful()) state = exported->state();
  artifact::Options stored = runtime::StoredOptions(session_->runtime(), *graph);
  return std::make_shared<Program>(CompiledGraph(std::move(graph)), std::move(recording),
                                   std::move(stored), std::move(captured), std::move(state));
}

// With the GIL held, which it releases around the recorder's own work.
absl::StatusOr<ir::Recording> PySession::Record(const py::function& function,
                                                const std::vector<c10::IValue>& arguments,
                                                const torchscript::DataNumbers& numbers,
                                                const torchscript::RecordOptions& options) const {
  PythonError error;
  absl::StatusOr<ir::Recording> recording;
  {
    const py::gil_scoped_release release;
    recording = torchscript::Record(
        [&](std::vector<c10::IValue> values) {
          return CallPython(function, numbers.WithProbes(std::move(values)), error);
        },
        arguments, options);
  }
  if (!numbers.empty()) {
    if (recording.ok() && !error.is_set()) {
      numbers.Mark(recording->signature.arguments_structure);
      const absl::Status bound = numbers.Bind(arguments, *recording);
      if (bound.ok()) return recording;
    }
    // With numbers of the recorder's own a model may also fail where it wouldn't with the caller's.
    return Record(function, arguments, torchscript::DataNumbers(), options);
  }
  if (error.is_set()) {
    error.Throw(recording.ok() ? absl::FailedPreconditionError("the model raised an error")
                               : recording.status());
  }
  return recording;
}

std::shared_ptr<Program> PySession::Extract(const py::function& function, const py::list& leaves,
                                            const std::string& name,
                                            const torchscript::DataNumbers* numbers) const {
  const absl::Time start = absl::Now();
  const std::vector<c10::IValue> arguments = ValueOrThrow(ToIValues(leaves));
  const torchscript::DataNumbers none;
  std::vector<at::Tensor> captured;
  ir::Recording recording = ValueOrThrow(
      Record(function, arguments, numbers != nullptr ? *numbers : none, {name, &captured}));
  session_->runtime().metrics().Record("ExtractTime", absl::Now() - start);
  return Compile(std::move(recording), std::move(captured), nullptr);
}

std::shared_ptr<Program> PySession::ExtractExported(const ExportedProgram& exported,
                                                    const py::list& leaves) const {
  const absl::Time start = absl::Now();
  const std::vector<c10::IValue> values = ValueOrThrow(ToIValues(leaves));
  absl::StatusOr<ir::Recording> recording;
  {
    const py::gil_scoped_release release;
    recording = exported.Record(values);
  }
  session_->runtime().metrics().Record("ExtractTime", absl::Now() - start);
  return Compile(ValueOrThrow(std::move(recording)), {}, &exported);
}

std::string PySession::fallback() const {
  return std::string(runtime::FallbackPolicyName(session_->runtime().options().fallback));
}

void PySession::NoteFallback(const std::string& model, const std::string& reason) const {
  runtime::Session& session = session_->runtime();
  session.metrics().Count("fallback.program");
  if (session.options().fallback != FallbackPolicy::kWarn) return;
  session.Log(runtime::LogSeverity::kWarning,
              absl::StrCat("fallback: ", model, " runs on LibTorch: ", reason));
}

std::shared_ptr<Program> PySession::Load(const artifact::Artifact& artifact) const {
  return Compile(artifact.recording, {}, nullptr);
}

std::vector<std::string> PySession::Backends() const {
  std::vector<std::string> names;
  for (const auto& backend : session_->runtime().backends()) names.push_back(backend->name());
  return names;
}

py::dict PySession::Metrics() const {
  runtime::Metrics& metrics = session_->runtime().metrics();
  py::dict result;
  for (const auto& [name, count] : metrics.counters()) result[py::str(name)] = count;
  for (const auto& [name, sample] : metrics.samples()) {
    py::dict row;
    row["count"] = sample.count;
    row["total_us"] = absl::ToDoubleMicroseconds(sample.total);
    row["p50_us"] = absl::ToDoubleMicroseconds(sample.p50);
    row["p99_us"] = absl::ToDoubleMicroseconds(sample.p99);
    result[py::str(name)] = row;
  }
  return result;
}

py::list ListBackends(const Layers& layers) {
  const Options options = ValueOrThrow(Resolve(layers));
  py::list rows;
  for (const runtime::BackendListing& listing : runtime::ListBackends(options)) {
    py::dict row;
    row["name"] = listing.name;
    row["path"] = listing.path;
    row["version"] = listing.version;
    row["library_version"] = listing.library_version;
    row["unavailable"] = listing.unavailable;
    rows.append(row);
  }
  return rows;
}

void CheckOption(const std::string& name, const std::string& value) {
  runtime::OptionOverrides overrides;
  const absl::Status status = runtime::SetOption(name, value, overrides);
  if (!status.ok()) Throw(status);
}

void DefineProgram(py::module_& module) {
  py::class_<torchscript::DataNumbers>(module, "DataNumbers")
      .def(py::init(&torchscript::DataNumbers::Of), py::arg("module"))
      .def("are_data", [](const torchscript::DataNumbers& numbers, const py::list& leaves) {
        return ValueOrThrow(AreData(numbers, leaves));
      });
  py::class_<Program, std::shared_ptr<Program>>(module, "Program")
      .def("save", &Program::Save, py::arg("path"))
      .def("describe", &Program::Describe)
      .def_property_readonly("captured", &Program::captured)
      .def_property_readonly("is_stateful", &Program::is_stateful);
  py::class_<artifact::Artifact, std::shared_ptr<artifact::Artifact>>(module, "Artifact")
      .def(py::init(&ReadArtifact), py::arg("path"))
      .def_readonly("options", &artifact::Artifact::options);
  py::class_<PySession, std::shared_ptr<PySession>>(module, "Session")
      .def(py::init<const Layers&, const artifact::Options&>(), py::arg("layers"),
           py::arg("stored") = artifact::Options())
      .def("extract", &PySession::Extract, py::arg("function"), py::arg("leaves"), py::arg("name"),
           py::arg("numbers") = nullptr)
      .def("extract_exported", &PySession::ExtractExported, py::arg("exported"), py::arg("leaves"))
      .def_property_readonly("fallback", &PySession::fallback)
      .def("note_fallback", &PySession::NoteFallback, py::arg("model"), py::arg("reason"))
      .def("load", &PySession::Load, py::arg("artifact"))
      .def("backends", &PySession::Backends)
      .def("metrics", &PySession::Metrics);
  module.def("check_option", &CheckOption, py::arg("name"), py::arg("value"));
  module.def("list_backends", &ListBackends, py::arg("layers"));
}

}  // namespace ingot::python
