#include "core/passes/cse.h"

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/ops/registry.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

// An argument as text: equal for equal arguments, different for different ones. One overload an
// alternative.
struct ArgumentKey {
  std::string operator()(const ir::None&) const { return ""; }
  std::string operator()(const ir::ValueRef& ref) const { return absl::StrCat(ref.id); }
  std::string operator()(const ir::ValueRefList& list) const { return List(list.ids); }
  std::string operator()(bool value) const { return value ? "1" : "0"; }
  std::string operator()(int64_t value) const { return absl::StrCat(value); }
  std::string operator()(double value) const { return Bits(value); }
  std::string operator()(const std::complex<double>& value) const {
    return absl::StrCat(Bits(value.real()), ",", Bits(value.imag()));
  }
  // The length keeps a text from running into what follows.
  std::string operator()(const std::string& value) const {
    return absl::StrCat(value.size(), ":", value);
  }
  std::string operator()(const std::vector<int64_t>& value) const { return List(value); }
  std::string operator()(const std::vector<double>& value) const {
    std::string text;
    for (double d : value) absl::StrAppend(&text, Bits(d), ",");
    return text;
  }
  std::string operator()(const std::vector<bool>& value) const { return List(value); }
  std::string operator()(ir::DType dtype) const { return absl::StrCat(static_cast<int>(dtype)); }

 private:
  static std::string Bits(double value) { return absl::StrCat(std::bit_cast<uint64_t>(value)); }

  template <typename T>
  static std::string List(const std::vector<T>& list) {
    std::string text;
    for (const auto& element : list) absl::StrAppend(&text, static_cast<int64_t>(element), ",");
    return text;
  }
};

// Operands of a commutative op are put in order when they are of one type: in half precision eager
// rounds an operand of rank 0 or not, depending on its side.
std::string NodeKey(const ir::Graph& graph, const ops::OpDef& def, const ir::Node& node) {
  std::vector<ir::Argument> args = node.args;
  if (def.Is(ops::kCommutative)) {
    ir::ValueRef* a = std::get_if<ir::ValueRef>(&args[0]);
    ir::ValueRef* b = std::get_if<ir::ValueRef>(&args[1]);
    const bool one_type = a != nullptr && b != nullptr && graph.type(a->id) == graph.type(b->id);
    if (one_type && b->id < a->id) std::swap(*a, *b);
  }
  std::string key = node.op;
  for (const ir::Argument& arg : args) {
    absl::StrAppend(&key, "|", arg.index(), " ", std::visit(ArgumentKey(), arg));
  }
  return key;
}

class Eliminator {
 public:
  explicit Eliminator(ir::Graph& graph) : graph_(graph), replacement_(graph.num_values()) {
    for (ValueId v = 0; v < replacement_.size(); ++v) replacement_[v] = v;
  }

  bool Run() {
    MergeConstants();
    std::erase_if(graph_.mutable_nodes(), [this](ir::Node& node) {
      ir::MapOperands(node, [this](ValueId v) { return replacement_[v]; });
      return MergeNode(node);
    });
    for (ir::OutputSpec& output : graph_.mutable_outputs()) {
      output.value = replacement_[output.value];
    }
    return changed_;
  }

 private:
  void MergeConstants() {
    absl::flat_hash_map<std::string, ValueId> seen;
    for (const ir::InputSpec& input : graph_.inputs()) {
      if (input.role != ir::InputRole::kConstant) continue;
      const std::string key =
          absl::StrCat(input.digest.ToHex(), ir::ToString(graph_.type(input.value)));
      const auto [it, is_new] = seen.try_emplace(key, input.value);
      // A later run must not count the input, which stays until dead code elimination, as a change
      // again.
      if (!is_new && IsUsed(input.value)) Replace(input.value, it->second);
    }
  }

  bool IsUsed(ValueId value) const {
    bool used = false;
    for (const ir::Node& node : graph_.nodes()) {
      ir::ForEachOperand(node, [&](ValueId v) { used |= v == value; });
    }
    for (const ir::OutputSpec& output : graph_.outputs()) used |= output.value == value;
    return used;
  }

  // True if an earlier node yields all that this one does.
  bool MergeNode(const ir::Node& node) {
    const ops::OpDef* def = ops::FindOp(node.op);
    if (def == nullptr || def->Is(ops::kRandom)) return false;
    const auto [it, is_new] = nodes_.try_emplace(NodeKey(graph_, *def, node), node.outputs);
    if (is_new) return false;
    const std::vector<ValueId>& earlier = it->second;
    for (size_t i = 0; i < earlier.size(); ++i) {
      if (node.outputs[i] != kNoValue && earlier[i] == kNoValue) return false;
    }
    for (size_t i = 0; i < earlier.size(); ++i) {
      if (node.outputs[i] != kNoValue) Replace(node.outputs[i], earlier[i]);
    }
    return true;
  }

  void Replace(ValueId value, ValueId by) {
    replacement_[value] = by;
    changed_ = true;
  }

  ir::Graph& graph_;
  std::vector<ValueId> replacement_;  // by value
  absl::flat_hash_map<std::string, std::vector<ValueId>>
      nodes_;  // outputs of the first node by key
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<bool> EliminateCommonSubexpressions(ir::Recording& recording) {
  return Eliminator(recording.graph).Run();
}

}  // namespace ingot::passes
