#include "backends/reference/executable.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/plugin/tensor.h"

namespace ingot::reference {
namespace {

constexpr size_t kAlignment = 64;  // what the host aligns a workspace to

size_t AlignUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Gives out the lowest free place of a workspace.
class Planner {
 public:
  explicit Planner(size_t reserved) : begin_(AlignUp(reserved)), peak_(begin_) {}

  size_t Allocate(size_t bytes) {
    bytes = AlignUp(std::max<size_t>(bytes, 1));
    size_t offset = begin_;
    auto next = live_.begin();
    for (; next != live_.end() && next->offset - offset < bytes; ++next) {
      offset = next->offset + next->bytes;
    }
    live_.insert(next, {offset, bytes});
    peak_ = std::max(peak_, offset + bytes);
    return offset;
  }

  void Free(size_t offset) {
    live_.erase(std::find_if(live_.begin(), live_.end(),
                             [&](const Block& block) { return block.offset == offset; }));
  }

  size_t peak() const { return peak_; }

 private:
  struct Block {
    size_t offset, bytes;
  };
  const size_t begin_;
  size_t peak_;
  std::vector<Block> live_;  // by offset
};

}  // namespace

std::unique_ptr<ReferenceExecutable> ReferenceExecutable::Compile(
    const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants) {
  std::unique_ptr<ReferenceExecutable> executable(new ReferenceExecutable(graph));
  executable->PlaceInputs(constants);
  executable->PlanSteps(executable->PlaceOutputs());
  return executable;
}

void ReferenceExecutable::PlaceInputs(absl::Span<const sdk::ConstantView> constants) {
  for (const ir::InputSpec& input : graph_.inputs()) {
    if (input.role == ir::InputRole::kConstant) {
      constants_.emplace_back(input.value, constants[input.index].data);
    } else {
      inputs_.emplace_back(input.value, inputs_.size());
    }
  }
}

// A value that a node makes and the graph yields is made in the caller's buffer. Returns which
// values are.
std::vector<bool> ReferenceExecutable::PlaceOutputs() {
  std::vector<bool> made_by_node(graph_.num_values(), false), placed(graph_.num_values(), false);
  for (const ir::Node& node : graph_.nodes()) {
    for (ir::ValueId id : node.outputs) {
      if (id != ir::kNoValue) made_by_node[id] = true;
    }
  }
  for (size_t i = 0; i < graph_.outputs().size(); ++i) {
    const ir::ValueId id = graph_.outputs()[i].value;
    if (made_by_node[id] && !placed[id]) {
      placed[id] = true;
      outputs_.emplace_back(id, i);
    } else {
      copies_.push_back({id, i});
    }
  }
  return placed;
}

void ReferenceExecutable::PlanSteps(const std::vector<bool>& is_output) {
  const size_t num_nodes = graph_.nodes().size();
  std::vector<size_t> last_use(graph_.num_values(), 0);
  for (size_t n = 0; n < num_nodes; ++n) {
    ir::ForEachOperand(graph_.node(n), [&](ir::ValueId id) { last_use[id] = n; });
  }
  // The workspace starts with the table of addresses by value.
  Planner planner(graph_.num_values() * sizeof(void*));
  std::vector<std::vector<size_t>> free_after(num_nodes);
  for (size_t n = 0; n < num_nodes; ++n) {
    const ir::Node& node = graph_.node(n);
    Step step = {static_cast<ir::NodeId>(n), FindKernel(node.op), ops::OpView(graph_, node), 0};
    for (ir::ValueId id : node.outputs) {
      if (id == ir::kNoValue || is_output[id]) continue;
      const size_t offset = planner.Allocate(graph_.type(id).NumBytes());
      in_workspace_.emplace_back(id, offset);
      free_after[std::max(last_use[id], n)].push_back(offset);
    }
    if (step.kernel->scratch_bytes != nullptr) {
      step.scratch = planner.Allocate(step.kernel->scratch_bytes(step.op));
      planner.Free(step.scratch);
    }
    for (size_t offset : free_after[n]) planner.Free(offset);
    steps_.push_back(std::move(step));
  }
  workspace_bytes_ = planner.peak();
}

size_t ReferenceExecutable::retained_bytes() const {
  return sizeof(*this) + steps_.size() * sizeof(Step) + graph_.nodes().size() * sizeof(ir::Node) +
         graph_.num_values() * sizeof(ir::TensorType);
}

std::string ReferenceExecutable::plan_json() const {
  return absl::StrCat("[",
                      absl::StrJoin(steps_, ",",
                                    [](std::string* out, const Step& step) {
                                      absl::StrAppend(out, "{\"node\":", step.node, ",\"op\":\"",
                                                      step.op.node().op,
                                                      "\",\"impl\":\"reference\"}");
                                    }),
                      "]");
}

// Fills the table of addresses at the start of the workspace.
void ReferenceExecutable::Bind(absl::Span<const ingot_tensor> inputs,
                               absl::Span<const ingot_tensor> outputs, char* workspace) const {
  void** table = reinterpret_cast<void**>(workspace);
  for (const auto& [id, data] : constants_) table[id] = const_cast<void*>(data);
  for (const auto& [id, i] : inputs_) table[id] = plugin::TensorData(inputs[i]);
  for (const auto& [id, i] : outputs_) table[id] = plugin::TensorData(outputs[i]);
  for (const auto& [id, offset] : in_workspace_) table[id] = workspace + offset;
}

absl::Status ReferenceExecutable::Execute(const sdk::RunContext& context,
                                          absl::Span<const ingot_tensor> inputs,
                                          absl::Span<const ingot_tensor> outputs,
                                          void* workspace) const {
  char* base = static_cast<char*>(workspace);
  Bind(inputs, outputs, base);
  void* const* table = reinterpret_cast<void* const*>(base);
  for (const Step& step : steps_) {
    INGOT_RETURN_IF_ERROR(context.cancel().Check());
    const int64_t begin = context.tracing() ? sdk::MonotonicNanoseconds() : 0;
    INGOT_RETURN_IF_ERROR(
        step.kernel->run(KernelContext(graph_, step.op, step.node, table, base + step.scratch)));
    if (context.tracing()) {
      context.Trace(step.node, step.kernel->op, begin, sdk::MonotonicNanoseconds());
    }
  }
  for (const Copy& copy : copies_) {
    const ir::TensorType& type = graph_.type(copy.from);
    CopyDense({type.dtype, type.dims, table[copy.from]},
              {type.dtype, type.dims, plugin::TensorData(outputs[copy.output])});
  }
  return absl::OkStatus();
}

}  // namespace ingot::reference
