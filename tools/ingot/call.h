// One call of a compiled graph, with tensors of its own.
//
//   INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(graph, arguments));
//   INGOT_RETURN_IF_ERROR(call.Run({}));
//   Print(call.result(0));
//
// The arguments are copied, so that a call which writes to them leaves the originals alone. Not
// thread-safe; concurrent calls use a Call each.
#ifndef INGOT_TOOLS_INGOT_CALL_H_
#define INGOT_TOOLS_INGOT_CALL_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/host_tensor.h"
#include "tools/ingot/literals.h"

namespace ingot::tools {

using Arguments = std::vector<runtime::HostTensor>;

// Copies with the signature's strides. The errors of CheckArguments (stage kRun).
absl::StatusOr<Arguments> CopyArguments(const runtime::CompiledGraph& graph,
                                        const Arguments& arguments);

// Zeros for each result slot; an alias slot needs no memory, but keeps its place.
absl::StatusOr<Arguments> NewResults(const runtime::CompiledGraph& graph);

// Random arguments that fit the signature.
absl::StatusOr<Arguments> RandomArguments(const ir::Signature& signature, Random& random);

// The elements permuted within each tensor, and floating ones scaled by a factor between 0.5 and 1:
// other arguments whose elements stay within the range of the given ones.
absl::StatusOr<Arguments> FreshArguments(const Arguments& arguments, Random& random);

absl::StatusOr<Arguments> CopyTensors(const Arguments& tensors);
std::vector<ingot_tensor> Views(const Arguments& tensors);

class Call {
 public:
  static absl::StatusOr<Call> Create(std::shared_ptr<const runtime::CompiledGraph> graph,
                                     const Arguments& arguments);

  // Errors are of stage kRun.
  absl::Status Run(const runtime::RunContext& context);

  size_t result_count() const { return graph_->results().size(); }
  // An alias slot is a view of its argument. Valid until the next Run, or the end of the Call.
  ingot_tensor result(size_t slot) const;
  size_t argument_count() const { return arguments_.size(); }
  ingot_tensor argument(size_t index) const { return arguments_[index].view(); }

 private:
  Call() = default;
  std::shared_ptr<const runtime::CompiledGraph> graph_;
  Arguments arguments_, results_;
  std::vector<ingot_tensor> argument_views_, result_views_;
  std::vector<ir::Dims> strides_;  // by result slot
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_CALL_H_
