// A graph compiled for the reference backend: a list of steps, one a node, over buffers with fixed
// places.
//
// Every value lives in one of four places: the caller's input, a constant, the caller's output, or
// the workspace, where values whose lives do not overlap share bytes. Immutable after Compile;
// Execute is thread-safe, each call with its own workspace, and allocates nothing.
#ifndef INGOT_BACKENDS_REFERENCE_EXECUTABLE_H_
#define INGOT_BACKENDS_REFERENCE_EXECUTABLE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/reference/kernel.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"

namespace ingot::reference {

class ReferenceExecutable final : public sdk::Executable {
 public:
  // `graph` is verified, and each of its nodes has a kernel.
  static std::unique_ptr<ReferenceExecutable> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants);

  size_t workspace_bytes() const override { return workspace_bytes_; }
  size_t retained_bytes() const override;
  std::string plan_json() const override;
  absl::Status Execute(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void* workspace) const override;

 private:
  struct Step {
    ir::NodeId node;
    const Kernel* kernel;
    ops::OpView op;
    size_t scratch;  // offset in the workspace
  };
  // A graph output that no step writes: an input, a constant, or a value that is another output
  // already.
  struct Copy {
    ir::ValueId from;
    size_t output;
  };

  explicit ReferenceExecutable(const ir::Graph& graph) : graph_(graph) {}
  void PlaceInputs(absl::Span<const sdk::ConstantView> constants);
  std::vector<bool> PlaceOutputs();
  void PlanSteps(const std::vector<bool>& is_output);
  void Bind(absl::Span<const ingot_tensor> inputs, absl::Span<const ingot_tensor> outputs,
            char* workspace) const;

  const ir::Graph graph_;
  std::vector<Step> steps_;
  std::vector<Copy> copies_;
  // By value: where its data is. Inputs and outputs by position in the call, the workspace by
  // offset.
  std::vector<std::pair<ir::ValueId, size_t>> inputs_, outputs_, in_workspace_;
  std::vector<std::pair<ir::ValueId, const void*>> constants_;
  size_t workspace_bytes_ = 0;
};

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_EXECUTABLE_H_
