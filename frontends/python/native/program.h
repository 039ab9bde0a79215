// Sessions and extracted programs as Python objects.
//
//   session = _native.Session([{"backend": "onednn"}, …])      # option layers, strongest first
//   program = session.extract(function, [leaf, …], "name")     # records `function`, compiles
//   program = session.load("model.ingot")
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

#include "core/ir/recording.h"
#include "frontends/torch/ingot.h"

namespace ingot::python {

// One extracted call: what runs it, and the recording it came from (its weights are shared with the
// model), for saving.
class Program {
 public:
  Program(CompiledGraph graph, ir::Recording recording, std::vector<at::Tensor> captured)
      : graph_(std::move(graph)),
        recording_(std::move(recording)),
        captured_(std::move(captured)) {}

  const CompiledGraph& graph() const { return graph_; }
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
  const std::vector<at::Tensor> captured_;
};

class PySession {
 public:
  // Each layer maps option names to text, as in an options file; the environment comes below them.
  explicit PySession(const std::vector<std::map<std::string, std::string>>& layers);

  std::shared_ptr<Program> Extract(const pybind11::function& function, const pybind11::list& leaves,
                                   const std::string& name) const;
  std::shared_ptr<Program> Load(const std::string& path) const;

  std::vector<std::string> Backends() const;
  // Counters by name; samples as {"count", "total_us", "p50_us", "p99_us"}.
  pybind11::dict Metrics() const;

 private:
  std::shared_ptr<Program> Compile(ir::Recording recording, std::vector<at::Tensor> captured) const;

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
