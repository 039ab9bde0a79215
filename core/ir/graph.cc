#include "core/ir/graph.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ingot::ir {
namespace {

// What an operand becomes that nothing defines: still no value, and never "absent".
constexpr ValueId kUndefined = kNoValue - 1;

}  // namespace

ValueId Graph::AddValue(TensorType type) {
  types_.push_back(std::move(type));
  return static_cast<ValueId>(types_.size() - 1);
}

ValueId Graph::AddInput(InputSpec spec, TensorType type) {
  spec.value = AddValue(std::move(type));
  inputs_.push_back(std::move(spec));
  return inputs_.back().value;
}

NodeId Graph::AddNode(std::string op, std::vector<Argument> args, std::vector<TensorType> types,
                      std::string source) {
  Node node{std::move(op), std::move(args), {}, std::move(source)};
  node.outputs.reserve(types.size());
  for (TensorType& type : types) node.outputs.push_back(AddValue(std::move(type)));
  nodes_.push_back(std::move(node));
  return static_cast<NodeId>(nodes_.size() - 1);
}

void Graph::AddOutput(OutputSpec spec, ValueId value) {
  spec.value = value;
  outputs_.push_back(std::move(spec));
}

void ForEachValue(const Argument& arg, absl::FunctionRef<void(ValueId)> fn) {
  if (const ValueRef* ref = std::get_if<ValueRef>(&arg)) {
    fn(ref->id);
  } else if (const ValueRefList* list = std::get_if<ValueRefList>(&arg)) {
    for (ValueId id : list->ids) {
      if (id != kNoValue) fn(id);
    }
  }
}

void ForEachOperand(const Node& node, absl::FunctionRef<void(ValueId)> fn) {
  for (const Argument& arg : node.args) ForEachValue(arg, fn);
}

void MapOperands(Node& node, absl::FunctionRef<ValueId(ValueId)> fn) {
  for (Argument& arg : node.args) {
    if (ValueRef* ref = std::get_if<ValueRef>(&arg)) {
      ref->id = fn(ref->id);
    } else if (ValueRefList* list = std::get_if<ValueRefList>(&arg)) {
      for (ValueId& id : list->ids) {
        if (id != kNoValue) id = fn(id);
      }
    }
  }
}

void Renumber(Graph& graph) {
  std::vector<ValueId> new_id(graph.num_values(), kUndefined);
  std::vector<TensorType> types;
  types.reserve(graph.num_values());
  const auto define = [&](ValueId& id) {
    if (id == kNoValue) return;
    new_id[id] = static_cast<ValueId>(types.size());
    types.push_back(graph.type(id));
    id = new_id[id];
  };
  const auto use = [&](ValueId id) { return id < new_id.size() ? new_id[id] : kUndefined; };

  for (InputSpec& input : graph.mutable_inputs()) define(input.value);
  for (Node& node : graph.mutable_nodes()) {
    MapOperands(node, use);
    for (ValueId& output : node.outputs) define(output);
  }
  for (OutputSpec& output : graph.mutable_outputs()) output.value = use(output.value);
  graph.ReplaceTypes(std::move(types));
}

std::string Describe(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::string text;
  for (ValueId output : node.outputs) {
    if (!text.empty()) text += ", ";
    text += output == kNoValue ? "_" : absl::StrCat("%", output);
  }
  if (!text.empty()) text += " = ";
  text += node.op;
  if (!node.source.empty()) absl::StrAppend(&text, " (", node.source, ")");
  return text;
}

}  // namespace ingot::ir
