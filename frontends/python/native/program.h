// Sessions and extracted programs as Python objects.
//
//   session = _native.Session([{"backend": "onednn"}, …])      # option layers, strongest first
//   program = session.extract(function, [leaf, …], "name")     # records `function`, compiles
//   program = session.extract_exported(exported, [leaf, …])    # exported.h
//   artifact = _native.Artifact("model.ingot")                 # an .ingot file; artifact.options
//   program = session.load(artifact)
//   _native.Callable(program)                                  # callable.h
//
// `function` runs under the recorder on the calling thread: the GIL is held while it runs and
// released around the recorder's own work and compilation. Both classes are thread-safe; failures
// are Python exceptions (status.h).
#ifndef INGOT_FRONTENDS_PYTHON_NATIVE_PROGRAM_H_
#define INGOT_FRONTENDS_PYTHON_NATIVE_PROGRAM_H_

#include <torch/csrc/utils/pybind.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/ir/recording.h"
#include "core/runtime/state.h"
#include "frontends/python/native/exported.h"
#include "frontends/torch/ingot.h"
#include "frontends/torchscript/data_numbers.h"
#include "frontends/torchscript/record.h"

namespace ingot::python {

// One extracted call: what runs it, and the recording it came from (its weights are shared with the
// model), for saving.
class Program {
 public:
  // `stored`: options to save with it. `state`: that of the program's buffers, if other graphs
  // share it; else the graph has its own.
  Program(CompiledGraph graph, ir::Recording recording, artifact::Options stored,
          std::vector<at::Tensor> captured, std::shared_ptr<runtime::State> state = nullptr)
      : graph_(std::move(graph)),
        recording_(std::move(recording)),
        stored_(std::move(stored)),
        captured_(std::move(captured)),
        state_(std::move(state)) {}

  const CompiledGraph& graph() const { return graph_; }
  // nullptr: the graph's own, or none.
  runtime::State* state() const { return state_.get(); }
  // Tensors that the function used and neither was given nor made: its weights.
  const std::vector<at::Tensor>& captured() const { return captured_; }
  // Whether it updates tensors that are no arguments of it.
  bool is_stateful() const;
  void Save(const std::string& path) const;
  // {"name", "arguments", "results", "is_random", "written_arguments", "groups",
  // "nodes", "text", "dot"}: what ingot._report makes reports and pictures from.
  pybind11::dict Describe() const;

 private:
  const CompiledGraph graph_;
  const ir::Recording recording_;
  const artifact::Options stored_;
  const std::vector<at::Tensor> captured_;
  const std::shared_ptr<runtime::State> state_;
};

class PySession {
 public:
  // Each layer maps option names to text, as in an options file; the environment comes below them,
  // and below that what a file `stored`.
  explicit PySession(const std::vector<std::map<std::string, std::string>>& layers,
                     const artifact::Options& stored = {});

  // `numbers`: which number leaves may become scalar inputs; it is tried again without if they turn
  // out to be no data.
  std::shared_ptr<Program> Extract(const pybind11::function& function, const pybind11::list& leaves,
                                   const std::string& name,
                                   const torchscript::DataNumbers* numbers) const;
  std::shared_ptr<Program> ExtractExported(const ExportedProgram& exported,
                                           const pybind11::list& leaves) const;
  std::shared_ptr<Program> Load(const artifact::Artifact& artifact) const;

  // "forbid", "warn", "allow".
  std::string fallback() const;
  // Counts that `model` runs whole on LibTorch, and warns if the policy is to.
  void NoteFallback(const std::string& model, const std::string& reason) const;
  std::vector<std::string> Backends() const;
  // Counters by name; samples as {"count", "total_us", "p50_us", "p99_us"}.
  pybind11::dict Metrics() const;

 private:
  std::shared_ptr<Program> Compile(ir::Recording recording, std::vector<at::Tensor> captured,
                                   const ExportedProgram* exported) const;
  absl::StatusOr<ir::Recording> Record(const pybind11::function& function,
                                       const std::vector<c10::IValue>& arguments,
                                       const torchscript::DataNumbers& numbers,
                                       const torchscript::RecordOptions& options) const;

  std::optional<Session> session_;  // set by the constructor, which may throw
};

// Every plugin found: [{"name", "path", "version", "library_version", "unavailable"}].
pybind11::list ListBackends(const std::vector<std::map<std::string, std::string>>& layers);

// InvalidArgumentError unless the option exists and takes this value.
void CheckOption(const std::string& name, const std::string& value);

// Adds the classes and functions of this header.
void DefineProgram(pybind11::module_& module);

}  // namespace ingot::python

#endif  // INGOT_FRONTENDS_PYTHON_NATIVE_PROGRAM_H_
