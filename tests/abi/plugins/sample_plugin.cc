// The tutorial's backend (docs/writing-a-backend.md): negates f32 tensors, and nothing else.

#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/sdk/backend.h"
#include "core/ops/op_view.h"

namespace {

namespace ir = ingot::ir;
namespace sdk = ingot::sdk;
using ingot::plugin::TensorData;

// Where a value is during a run. Results of nodes live in the workspace.
struct Place {
  enum Kind { kInput, kConstant, kWorkspace } kind = kInput;
  size_t index = 0;            // kInput
  const void* data = nullptr;  // kConstant
  size_t offset = 0;           // kWorkspace
};

struct Step {
  ir::NodeId node;
  Place from;
  Place to;
  int64_t count;  // elements
};

class NegateExecutable : public sdk::Executable {
 public:
  NegateExecutable(const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants) {
    std::vector<Place> place(graph.num_values());
    size_t num_inputs = 0;
    for (const ir::InputSpec& input : graph.inputs()) {
      place[input.value] = input.role == ir::InputRole::kConstant
                               ? Place{Place::kConstant, 0, constants[input.index].data, 0}
                               : Place{Place::kInput, num_inputs++, nullptr, 0};
    }
    for (ir::NodeId n = 0; n < graph.nodes().size(); ++n) {
      const ir::Node& node = graph.node(n);
      const ir::ValueId result = node.outputs[0];
      place[result] = {Place::kWorkspace, 0, nullptr, workspace_bytes_};
      workspace_bytes_ += (graph.type(result).NumBytes() + 63) / 64 * 64;
      const ir::ValueId operand = ingot::ops::OpView(graph, node).Value("self");
      steps_.push_back({n, place[operand], place[result], graph.type(result).NumElements()});
    }
    for (const ir::OutputSpec& output : graph.outputs()) {
      results_.push_back({place[output.value], graph.type(output.value).NumBytes()});
    }
  }

  size_t workspace_bytes() const override { return workspace_bytes_; }
  size_t retained_bytes() const override { return sizeof(*this) + steps_.size() * sizeof(Step); }

  absl::Status Execute(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void* workspace) const override {
    const auto address = [&](const Place& place) -> const void* {
      if (place.kind == Place::kInput) return TensorData(inputs[place.index]);
      if (place.kind == Place::kConstant) return place.data;
      return static_cast<char*>(workspace) + place.offset;
    };
    for (const Step& step : steps_) {
      if (absl::Status status = context.cancel().Check(); !status.ok()) return status;
      const int64_t begin = context.tracing() ? sdk::MonotonicNanoseconds() : 0;
      const auto* from = static_cast<const float*>(address(step.from));
      auto* to = reinterpret_cast<float*>(static_cast<char*>(workspace) + step.to.offset);
      for (int64_t i = 0; i < step.count; ++i) to[i] = -from[i];
      if (context.tracing()) {
        context.Trace(step.node, "negate", begin, sdk::MonotonicNanoseconds());
      }
    }
    for (size_t i = 0; i < results_.size(); ++i) {
      std::memcpy(TensorData(outputs[i]), address(results_[i].place), results_[i].bytes);
    }
    return absl::OkStatus();
  }

 private:
  struct Result {
    Place place;
    int64_t bytes;
  };
  std::vector<Step> steps_;
  std::vector<Result> results_;
  size_t workspace_bytes_ = 0;
};

class NegateBackend : public sdk::Backend {
 public:
  sdk::BackendInfo Info() const override { return {"sample", "1.0", "", ""}; }

  absl::Status Supports(const ir::Graph& graph, ir::NodeId node) const override {
    if (graph.node(node).op != "aten::neg") return absl::UnimplementedError("only aten::neg");
    const ir::DType dtype = graph.type(graph.node(node).outputs[0]).dtype;
    if (dtype != ir::DType::kFloat32) {
      return absl::UnimplementedError(absl::StrCat("no kernel for ", ir::DTypeName(dtype)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
      const sdk::CompileContext&) const override {
    return std::make_unique<NegateExecutable>(graph, constants);
  }
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options&) {
  return std::make_unique<NegateBackend>();
}

}  // namespace

INGOT_DEFINE_BACKEND(sdk::Factory{{}, &Create})
