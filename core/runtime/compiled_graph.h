// A compiled graph: the callable.
//
//   std::vector<ingot_tensor> args = {a, b}, results = {out};
//   INGOT_RETURN_IF_ERROR(graph->Run(args, results));
//
// Immutable and reentrant: any number of threads may call `Run`. A call allocates nothing once as
// many frames exist as there are concurrent calls. Destination passing: the caller owns arguments
// and results.
//
// What an error leaves behind: written-back arguments and state are as they were, whatever the
// error; they change only after the last step has succeeded. Results are unspecified once a step
// has begun, and so after Cancelled, DeadlineExceeded and whatever a step returned; a refusal of
// the arguments (InvalidArgument, FailedPrecondition) or no memory for the call (ResourceExhausted)
// has begun none.
//
// A compiled graph owns its executables: eviction from the cache cannot break it.
#ifndef INGOT_CORE_RUNTIME_COMPILED_GRAPH_H_
#define INGOT_CORE_RUNTIME_COMPILED_GRAPH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ir/recording.h"
#include "core/plugin/abi/ingot_backend.h"
#include "core/plugin/backend.h"
#include "core/plugin/partitioner.h"
#include "core/runtime/run_context.h"
#include "core/runtime/state.h"

namespace ingot::runtime {

// A result slot.
struct ResultSpec {
  ir::TensorType type;
  ir::Dims strides;  // as eager returns them; empty: row-major
  bool is_alias =
      false;  // the slot is argument `alias_of`, or a view of it: no memory is written for it
  uint32_t alias_of = 0;
  int64_t offset = 0;  // of the view, in elements from the argument's first
};

// How a part of the graph is run.
struct GroupReport {
  std::string backend;            // "onednn"
  std::string library_version;    // "oneDNN 3.2.0"
  std::vector<ir::NodeId> nodes;  // of graph()
  std::string
      plan_json;  // see ingot_executable_info::plan_json; its node ids are positions in `nodes`
  size_t retained_bytes = 0, workspace_bytes = 0;
  bool cached = false;  // found in the compile cache
};

class CompiledGraph {
 public:
  ~CompiledGraph();
  CompiledGraph(const CompiledGraph&) = delete;
  CompiledGraph& operator=(const CompiledGraph&) = delete;

  const ir::Signature& signature() const;
  absl::Span<const ResultSpec> results() const;   // by slot
  const ir::Structure& result_structure() const;  // leaves are slots
  // Arguments that a call writes to, ascending.
  absl::Span<const uint32_t> written_arguments() const;
  bool is_random() const;  // has a seed input
  bool is_stateful() const;

  // The graph as compiled, after passes.
  const ir::Graph& graph() const;
  absl::Span<const GroupReport> groups() const;
  absl::Span<const plugin::Fallback> fallbacks() const;

  // Whether a call with these arguments would be accepted. InvalidArgument naming the argument and
  // what it must be; FailedPrecondition if arguments that the graph writes share memory otherwise
  // than when recorded.
  absl::Status CheckArguments(absl::Span<const ingot_tensor> arguments) const;

  // Whether these are exactly the signature's tensors: types, strides, and which share memory and
  // how, whether the graph writes them or not. What re-extraction is guarded by.
  bool Fits(absl::Span<const ingot_tensor> arguments) const;

  // One call. `arguments` by tensor slot of the signature; `results` by result slot, each of the
  // slot's type and with its strides, not overlapping any argument or each other; entries of alias
  // slots are ignored. Cancelled, DeadlineExceeded: see RunContext.
  absl::Status Run(absl::Span<const ingot_tensor> arguments, absl::Span<const ingot_tensor> results,
                   const RunContext& context = {}) const;

  // A state of its own for a stream of calls, with the contents at recording time. It serves all
  // graphs of the same program, and may outlive them.
  std::unique_ptr<State> NewState() const;
  State& default_state() const;

 private:
  friend class CompiledGraphBuilder;
  struct Impl;
  explicit CompiledGraph(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_COMPILED_GRAPH_H_
