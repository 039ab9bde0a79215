// ingot for programs that use LibTorch: at::Tensor in, at::Tensor out.
//
//   ingot::Options options;
//   options.backend = "onednn";
//   INGOT_ASSIGN_OR_RETURN(ingot::Session session, ingot::Session::Create(options));
//   INGOT_ASSIGN_OR_RETURN(torch::jit::Module module, ingot::LoadModule("model.pt"));
//   INGOT_ASSIGN_OR_RETURN(ingot::CompiledGraph graph, session.Extract(module, {a, b}));   // once
//   INGOT_ASSIGN_OR_RETURN(c10::IValue out, graph.Run({a, b}));                            // many
//   times
//
// `Extract` runs the module once on clones of the example arguments, under the recorder, and
// compiles what it did; the arguments are not touched. `Run` gives what the module would give, side
// effects included: arguments that the module updates in place are updated, a tensor that it
// returns twice is one tensor, an argument that it returns is that very argument.
//
// A compiled graph holds for arguments like the example's, and for the module's weights as they
// were: a call after a weight or attribute was changed is refused. What the module changes itself
// (batch norm's statistics, caches) is state, which the graph keeps: runtime().default_state(), and
// RunContext::state for streams of their own; the module's own tensors stay as they are.
// compiled_module.h has the callable that extracts again by itself.
//
// Session and CompiledGraph are handles: copies share one object, which is thread-safe; a compiled
// graph may outlive its session. No exception leaves these functions.
#ifndef INGOT_FRONTENDS_TORCH_INGOT_H_
#define INGOT_FRONTENDS_TORCH_INGOT_H_

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/runtime/options.h"
#include "core/runtime/run_context.h"
#include "core/runtime/sinks.h"
#include "frontends/torch/keyword_arguments.h"
#include "frontends/torchscript/module.h"

namespace ingot {

namespace runtime {
class CompiledGraph;
class Session;
}  // namespace runtime
namespace torchscript {
class ModuleGuard;
}

class ResultPool;

using runtime::FallbackPolicy;
using runtime::Options;
using runtime::RunContext;
// Loads a TorchScript file, from a path or from memory: NotFound, DataLoss, no exception.
using torchscript::LoadModule;

class CompiledGraph {
 public:
  // Where a graph comes from. Either may be null.
  struct Origin {
    std::shared_ptr<const torchscript::ModuleGuard> guard;  // checked before each call
    std::shared_ptr<const c10::FunctionSchema> schema;      // for keyword arguments
  };
  explicit CompiledGraph(std::shared_ptr<const runtime::CompiledGraph> graph, Origin origin = {});

  // One call, with arguments nested as in the example. InvalidArgument names the argument that does
  // not fit; FailedPrecondition: arguments share memory otherwise than the example's did, where
  // that matters, or the module's weights or attributes were changed after extraction.
  absl::StatusOr<c10::IValue> Run(const std::vector<c10::IValue>& arguments,
                                  const RunContext& context = {}) const;
  // With keyword arguments, for graphs of modules. InvalidArgument names one that is missing, given
  // twice or unknown.
  absl::StatusOr<c10::IValue> Run(const std::vector<c10::IValue>& arguments,
                                  const KeywordArguments& keywords,
                                  const RunContext& context = {}) const;

  // The same for flat tensors: arguments and result tensors by slot, in the order in which they
  // stand in the nesting. `results` empty: filled with new tensors. Else it holds one tensor a
  // slot, written in place: defined, of the slot's sizes, dtype and strides; slots that are
  // arguments are replaced by them.
  absl::Status RunFlat(absl::Span<const at::Tensor> arguments, std::vector<at::Tensor>& results,
                       const RunContext& context = {}) const;

  // What is underneath: graph, signature, groups, state.
  const runtime::CompiledGraph& runtime() const { return *graph_; }

 private:
  absl::Status CheckOrigin() const;

  std::shared_ptr<const runtime::CompiledGraph> graph_;
  std::shared_ptr<ResultPool> pool_;  // of the graph's results
  Origin origin_;
};

class Session {
 public:
  // NotFound, FailedPrecondition: no such backend, or it cannot be used here, and why.
  static absl::StatusOr<Session> Create(const Options& options = {}, runtime::Sinks sinks = {});

  // `module` as loaded (put it in eval mode first, as for eager inference).
  // Unimplemented, with a text that begins with the backend and "fallback: <op>=<count>": the
  // backend does not take an op and fallback is forbidden. FailedPrecondition: the program depends
  // on its inputs' values.
  absl::StatusOr<CompiledGraph> Extract(const torch::jit::Module& module,
                                        const std::vector<c10::IValue>& example_arguments,
                                        const KeywordArguments& keywords = {}) const;

  // Any C++ callable on tensors. `name` is for messages.
  using Function = std::function<c10::IValue(std::vector<c10::IValue>)>;
  absl::StatusOr<CompiledGraph> Extract(const Function& function,
                                        const std::vector<c10::IValue>& example_arguments,
                                        const std::string& name = "function") const;

  // See runtime::Session: force_fallback, metrics, cache.
  runtime::Session& runtime() const { return *session_; }
  const std::shared_ptr<runtime::Session>& shared() const { return session_; }

 private:
  explicit Session(std::shared_ptr<runtime::Session> session) : session_(std::move(session)) {}
  std::shared_ptr<runtime::Session> session_;
};

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_INGOT_H_
