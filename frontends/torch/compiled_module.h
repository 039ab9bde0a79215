// A module or function as a callable that compiles itself for what it is called with.
//
//   ingot::CompiledModule model(session, module);
//   model.Run({x});                         // first call: records, compiles, runs
//   model.Run({x});                         // runs
//   model.Run({longer_x});                  // other sizes: compiled again, once
//   model.Run({x}, {{"scale", 2.0}});       // keyword arguments
//   for (const auto& event : model.Explain()) …   // what was compiled, and why
//
// The guard is exact: a compiled graph serves calls whose signature (dtypes, sizes, strides, shared
// memory, nesting, numbers that are structure) is the one it was recorded for, as long as the
// module's weights and attributes are as they were; when those were changed, the next call compiles
// anew. Options::leading_sizes and max_specializations bound what varying batches cost.
// State (what the module changes itself: statistics, caches; of a function, captured tensors that
// it writes) belongs to this object and is shared by the graphs of all signatures, those that only
// read it too; it begins as the module's was at the first recording, and the
// module's own tensors stay as they are. RunContext::state = NewState() keeps a stream apart.
//
// Under FallbackPolicy::kAllow and kWarn a program that can't be a graph (its control flow or sizes
// depend on its inputs' values, or it does what graphs can't hold) runs on LibTorch, whole, for
// good: see fallback(). From then on its state lives in the module, as in eager.
// An error that the program itself raises is the call's own: the next call may be a graph.
//
// A handle: copies share one object. Thread-safe, but the module must not be changed while a call
// runs. No exception leaves these functions.
#ifndef INGOT_FRONTENDS_TORCH_COMPILED_MODULE_H_
#define INGOT_FRONTENDS_TORCH_COMPILED_MODULE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/runtime/specializations.h"
#include "core/runtime/state.h"
#include "frontends/torch/ingot.h"

namespace ingot {

class CompiledModule {
 public:
  CompiledModule(const Session& session, const torch::jit::Module& module);
  CompiledModule(const Session& session, Session::Function function, std::string name = "function");

  // One call. As CompiledGraph::Run, but another signature compiles. ResourceExhausted: it would be
  // one signature more than Options::max_specializations.
  absl::StatusOr<c10::IValue> Run(const std::vector<c10::IValue>& arguments,
                                  const RunContext& context = {}) const;
  absl::StatusOr<c10::IValue> Run(const std::vector<c10::IValue>& arguments,
                                  const KeywordArguments& keywords,
                                  const RunContext& context = {}) const;

  // The graph that a call with these arguments runs, compiled if need be: to warm up, or to look
  // at. FailedPrecondition: the program runs on LibTorch.
  absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> Specialize(
      const std::vector<c10::IValue>& arguments, const KeywordArguments& keywords = {}) const;

  // Compilations so far, with their reasons, oldest first.
  std::vector<runtime::Specializations::Event> Explain() const;
  // Why the program runs on LibTorch; empty if it doesn't.
  std::string fallback() const;

  // Buffers that no graph has used yet are not among the state's.
  void ResetState() const;
  std::vector<runtime::State::Buffer> ExportState() const;
  absl::Status ImportState(absl::Span<const runtime::State::Buffer> buffers) const;
  // A state of its own for a stream of calls.
  std::unique_ptr<runtime::State> NewState() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_COMPILED_MODULE_H_
