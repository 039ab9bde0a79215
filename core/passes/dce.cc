#include "core/passes/dce.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/ops/registry.h"

namespace ingot::passes {
namespace {

bool MustStay(const ir::Node& node) {
  const ops::OpDef* def = ops::FindOp(node.op);
  return def == nullptr || def->Is(ops::kRandom);
}

// Values that an output, or a node that must stay, needs.
std::vector<bool> FindLive(const ir::Graph& graph) {
  std::vector<bool> live(graph.num_values(), false);
  for (const ir::OutputSpec& output : graph.outputs()) live[output.value] = true;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    bool needed = MustStay(*node);
    for (ir::ValueId output : node->outputs) needed |= output != ir::kNoValue && live[output];
    if (needed) ir::ForEachOperand(*node, [&](ir::ValueId value) { live[value] = true; });
  }
  return live;
}

bool IsLive(const ir::Node& node, const std::vector<bool>& live) {
  return MustStay(node) || std::any_of(node.outputs.begin(), node.outputs.end(),
                                       [&](ir::ValueId v) { return v != ir::kNoValue && live[v]; });
}

// Keeps `items[i]` for the live inputs of `role`, whose index is i, and numbers these inputs anew.
template <typename T>
void Reindex(ir::Graph& graph, ir::InputRole role, std::vector<T>& items) {
  std::vector<T> kept;
  for (ir::InputSpec& input : graph.mutable_inputs()) {
    if (input.role != role) continue;
    kept.push_back(std::move(items[input.index]));
    input.index = static_cast<uint32_t>(kept.size() - 1);
  }
  items = std::move(kept);
}

}  // namespace

absl::StatusOr<bool> EliminateDeadCode(ir::Recording& recording) {
  ir::Graph& graph = recording.graph;
  const std::vector<bool> live = FindLive(graph);
  const size_t dropped_nodes = std::erase_if(
      graph.mutable_nodes(), [&](const ir::Node& node) { return !IsLive(node, live); });
  const size_t dropped_inputs =
      std::erase_if(graph.mutable_inputs(), [&](const ir::InputSpec& input) {
        const bool may_go = input.role == ir::InputRole::kConstant ||
                            input.role == ir::InputRole::kScalar ||
                            input.role == ir::InputRole::kSeed;
        return may_go && !live[input.value];
      });
  if (dropped_inputs > 0) {
    Reindex(graph, ir::InputRole::kConstant, recording.constants);
    Reindex(graph, ir::InputRole::kScalar, recording.scalars);
  }
  return dropped_nodes + dropped_inputs > 0;
}

}  // namespace ingot::passes
