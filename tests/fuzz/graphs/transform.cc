#include "tests/fuzz/graphs/transform.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/registry.h"

namespace ingot::fuzz {
namespace {

using ir::InputRole;
using ir::OutputRole;
using ir::ValueId;

// "aten::add_.Tensor", but not "aten::__and__".
bool Writes(const ir::Node& node) {
  const absl::string_view name = absl::string_view(node.op).substr(0, node.op.find('.'));
  return absl::EndsWith(name, "_") && !absl::EndsWith(name, "__");
}

ValueId NewArgument(Case& c, const ir::TensorType& type) {
  ir::InputSpec spec;
  spec.index = static_cast<uint32_t>(c.arguments.size());
  const bool is_float = ir::IsFloating(type.dtype);
  c.arguments.push_back({Domain::Kind::kGrid, is_float ? -2.0 : 0.0, is_float ? 2.0 : 1.0});
  c.placements.emplace_back();
  return c.graph.AddInput(spec, type);
}

std::optional<ValueId> OperandOfType(const ir::Graph& graph, const ir::Node& node,
                                     const ir::TensorType& type,
                                     const std::map<ValueId, ValueId>& replaced) {
  std::optional<ValueId> found;
  ir::ForEachOperand(node, [&](ValueId operand) {
    const auto at = replaced.find(operand);
    if (at != replaced.end()) operand = at->second;
    if (!found && graph.type(operand) == type) found = operand;
  });
  return found;
}

// A tensor that the node reads, or nothing.
std::optional<ValueId> AnyOperand(const ir::Graph& graph, const ir::Node& node) {
  std::optional<ValueId> found;
  ir::ForEachOperand(node, [&](ValueId operand) {
    const bool is_tensor = std::none_of(
        graph.inputs().begin(), graph.inputs().end(), [operand](const ir::InputSpec& input) {
          return input.value == operand &&
                 (input.role == InputRole::kScalar || input.role == InputRole::kSeed);
        });
    if (!found && is_tensor) found = operand;
  });
  return found;
}

std::vector<bool> UsedValues(const ir::Graph& graph) {
  std::vector<bool> used(graph.num_values());
  for (const ir::Node& node : graph.nodes()) {
    ir::ForEachOperand(node, [&](ValueId v) { used[v] = true; });
  }
  for (const ir::OutputSpec& output : graph.outputs()) used[output.value] = true;
  return used;
}

// From the last node to the first: those whose results nothing uses.
void DropUnusedNodes(Case& c) {
  std::vector<ir::Node>& nodes = c.graph.mutable_nodes();
  for (size_t i = nodes.size(); i-- > 0;) {
    if (c.is_program && Writes(nodes[i])) continue;
    const std::vector<bool> used = UsedValues(c.graph);
    const bool any = std::any_of(nodes[i].outputs.begin(), nodes[i].outputs.end(),
                                 [&](ValueId v) { return v != ir::kNoValue && used[v]; });
    if (!any) nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

template <typename T>
void Keep(std::vector<T>& list, const std::map<uint32_t, uint32_t>& new_index) {
  std::vector<T> kept;
  for (const auto& [from, to] : new_index) kept.push_back(std::move(list[from]));
  list = std::move(kept);
}

void DropUnusedInputs(Case& c) {
  std::vector<bool> used = UsedValues(c.graph);
  std::vector<ValueId> arguments = Inputs(c.graph, InputRole::kArgument);
  std::vector<ValueId> states = Inputs(c.graph, InputRole::kState);
  for (const ir::OutputSpec& output : c.graph.outputs()) {
    if (output.role == OutputRole::kWriteBack) used[arguments[output.index]] = true;
    if (output.role == OutputRole::kAlias) used[arguments[output.alias_of]] = true;
    if (output.role == OutputRole::kStateUpdate) used[states[output.index]] = true;
  }
  for (size_t i = arguments.size(); i-- > 0;) {
    if (used[arguments[i]] && c.placements[i].view_of >= 0) {
      used[arguments[c.placements[i].view_of]] = true;
    }
  }
  std::map<uint32_t, uint32_t> kept[5];  // by role: new indices
  std::vector<ir::InputSpec>& inputs = c.graph.mutable_inputs();
  std::sort(inputs.begin(), inputs.end(), [](const auto& a, const auto& b) {
    return std::pair(a.role, a.index) < std::pair(b.role, b.index);
  });
  std::erase_if(inputs, [&](const ir::InputSpec& input) { return !used[input.value]; });
  for (ir::InputSpec& input : inputs) {
    auto& indices = kept[static_cast<size_t>(input.role)];
    const auto index = static_cast<uint32_t>(indices.size());
    indices[input.index] = index;
    input.index = index;
  }
  auto& argument_index = kept[static_cast<size_t>(InputRole::kArgument)];
  auto& state_index = kept[static_cast<size_t>(InputRole::kState)];
  Keep(c.arguments, argument_index);
  Keep(c.placements, argument_index);
  Keep(c.states, state_index);
  Keep(c.constants, kept[static_cast<size_t>(InputRole::kConstant)]);
  Keep(c.scalars, kept[static_cast<size_t>(InputRole::kScalar)]);
  for (Placement& placement : c.placements) {
    if (placement.view_of >= 0) {
      placement.view_of =
          static_cast<int>(argument_index[static_cast<uint32_t>(placement.view_of)]);
    }
  }
  for (ir::OutputSpec& output : c.graph.mutable_outputs()) {
    if (output.role == OutputRole::kWriteBack) output.index = argument_index[output.index];
    if (output.role == OutputRole::kAlias) output.alias_of = argument_index[output.alias_of];
    if (output.role == OutputRole::kStateUpdate) output.index = state_index[output.index];
  }
}

void NumberResults(Case& c) {
  uint32_t results = 0;
  std::vector<ir::Structure> slots;
  for (ir::OutputSpec& output : c.graph.mutable_outputs()) {
    if (output.role != OutputRole::kResult && output.role != OutputRole::kAlias) continue;
    output.index = results++;
    slots.push_back(ir::Structure::Tensor(static_cast<int32_t>(output.index)));
  }
  c.graph.set_result_structure(slots.size() == 1 ? slots[0] : ir::Structure::Tuple(slots));
}

absl::StatusOr<Case> Tidied(Case c) {
  DropUnusedNodes(c);
  DropUnusedInputs(c);
  NumberResults(c);
  ir::Renumber(c.graph);
  INGOT_RETURN_IF_ERROR(SetDigests(c));
  return c;
}

}  // namespace

absl::StatusOr<Case> Without(const Case& c, const std::vector<bool>& removed) {
  Case rest = c;
  // What stands for the removed: in nodes a value of the type, as a result what was read.
  std::map<ValueId, ValueId> replaced, shown;
  const auto look_up = [](const std::map<ValueId, ValueId>& map, ValueId v) {
    const auto at = map.find(v);
    return at == map.end() ? v : at->second;
  };
  const auto current = [&](ValueId v) { return look_up(replaced, v); };
  std::vector<ir::Node> nodes;
  for (size_t i = 0; i < c.graph.nodes().size(); ++i) {
    ir::Node node = c.graph.nodes()[i];
    if (!removed[i]) {
      ir::MapOperands(node, current);
      nodes.push_back(std::move(node));
      continue;
    }
    for (ValueId v : node.outputs) {
      if (v == ir::kNoValue) continue;
      const ir::TensorType type = c.graph.type(v);
      const std::optional<ValueId> operand = OperandOfType(rest.graph, node, type, replaced);
      replaced[v] = operand ? *operand : NewArgument(rest, type);
      const std::optional<ValueId> any = AnyOperand(c.graph, node);
      shown[v] = any ? look_up(shown, *any) : replaced[v];
    }
  }
  rest.graph.mutable_nodes() = std::move(nodes);
  for (ir::OutputSpec& output : rest.graph.mutable_outputs()) {
    if (output.role == OutputRole::kResult && shown.count(output.value) > 0) {
      output.value = shown[output.value];
      output.strides.clear();
    } else {
      output.value = current(output.value);
    }
  }
  return Tidied(std::move(rest));
}

absl::StatusOr<Case> WithoutOutputs(const Case& c, const std::vector<bool>& removed) {
  Case rest = c;
  std::vector<ir::OutputSpec> kept;
  for (size_t i = 0; i < c.graph.outputs().size(); ++i) {
    if (!removed[i]) kept.push_back(c.graph.outputs()[i]);
  }
  const bool any = std::any_of(kept.begin(), kept.end(), [](const ir::OutputSpec& output) {
    return output.role == OutputRole::kResult || output.role == OutputRole::kAlias;
  });
  if (!any) return absl::InvalidArgumentError("no result would remain");
  rest.graph.mutable_outputs() = std::move(kept);
  return Tidied(std::move(rest));
}

absl::StatusOr<Case> Resized(const Case& c, int64_t from, int64_t to) {
  Case result = c;
  for (const Placement& placement : c.placements) {
    if (placement.view_of >= 0) return absl::InvalidArgumentError("arguments overlap");
  }
  for (const ir::InputSpec& input : c.graph.inputs()) {
    ir::Dims& dims = result.graph.mutable_type(input.value).dims;
    std::replace(dims.begin(), dims.end(), from, to);
  }
  for (Placement& placement : result.placements) placement.strides.clear();
  for (ir::OutputSpec& output : result.graph.mutable_outputs()) output.strides.clear();
  const auto type_of = [&](ValueId v) -> const ir::TensorType& { return result.graph.type(v); };
  for (ir::Node& node : result.graph.mutable_nodes()) {
    const ops::OpDef* def = ops::FindOp(node.op);
    std::vector<ir::TensorType> types;
    if (def != nullptr) {
      INGOT_ASSIGN_OR_RETURN(types, ops::InferTypes(*def, node.args, type_of));
    } else if (Writes(node)) {
      types = {type_of(std::get<ir::ValueRef>(node.args[0]).id)};
    }
    if (types.size() != node.outputs.size()) {
      return absl::InvalidArgumentError(absl::StrCat(node.op, " has other results"));
    }
    for (size_t i = 0; i < types.size(); ++i) {
      if (node.outputs[i] != ir::kNoValue) result.graph.mutable_type(node.outputs[i]) = types[i];
    }
  }
  return Tidied(std::move(result));
}

}  // namespace ingot::fuzz
