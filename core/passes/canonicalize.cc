#include "core/passes/canonicalize.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/status_macros.h"
#include "core/passes/canonicalize_numbers.h"
#include "core/passes/canonicalize_views.h"
#include "core/passes/rewriter.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

bool HasOneOutput(const ir::Node& node) {
  return node.outputs.size() == 1 && node.outputs[0] != kNoValue;
}

// Ops whose output is their first operand, in value, whenever types agree.
absl::StatusOr<ValueId> DropIdentity(GraphRewriter& r, const ops::OpDef& def,
                                     const ir::Node& node) {
  if (!def.Is(ops::kIdentity)) return kNoValue;
  const ValueId operand = OperandOf(node, 0);
  return operand != kNoValue && r.type(operand) == r.type(node.outputs[0]) ? operand : kNoValue;
}

absl::StatusOr<ValueId> DropInferenceDropout(GraphRewriter&, const ir::Node& node) {
  const bool* train = std::get_if<bool>(&node.args[2]);
  return train != nullptr && !*train ? OperandOf(node, 0) : kNoValue;
}

// Arguments: self, dim, half_to_float, which is false on CPUs.
absl::StatusOr<ValueId> PublicSoftmax(GraphRewriter& r, const ir::Node& node) {
  const bool is_log = node.op == "aten::_log_softmax";
  return r.Emit(is_log ? "aten::log_softmax.int" : "aten::softmax.int",
                {node.args[0], node.args[1], ir::None{}});
}

using Rule = absl::StatusOr<ValueId> (*)(GraphRewriter&, const ir::Node&);

// The rules of an op are tried in order; the first that answers wins.
const absl::flat_hash_map<std::string, std::vector<Rule>>& Rules() {
  static const auto* const rules = new absl::flat_hash_map<std::string, std::vector<Rule>>{
      {"aten::dropout", {DropInferenceDropout}},
      {"aten::_softmax", {PublicSoftmax}},
      {"aten::_log_softmax", {PublicSoftmax}},
      {"aten::view", {CanonicalReshape}},
      {"aten::_unsafe_view", {CanonicalReshape}},
      {"aten::reshape", {CanonicalReshape}},
      {"aten::flatten.using_ints", {CanonicalReshape}},
      {"aten::squeeze", {CanonicalReshape}},
      {"aten::squeeze.dim", {CanonicalReshape}},
      {"aten::squeeze.dims", {CanonicalReshape}},
      {"aten::unsqueeze", {CanonicalReshape}},
      {"aten::t", {CanonicalPermute}},
      {"aten::transpose.int", {CanonicalPermute}},
      {"aten::movedim.int", {CanonicalPermute}},
      {"aten::movedim.intlist", {CanonicalPermute}},
      {"aten::permute", {CanonicalPermute}},
      {"aten::expand", {CanonicalExpand}},
      {"aten::slice.Tensor", {CanonicalSlice}},
      {"aten::select.int", {CanonicalSelect}},
      {"aten::add.Tensor", {NumberOperand}},
      {"aten::sub.Tensor", {NumberOperand}},
      {"aten::mul.Tensor", {NumberOperand}},
      {"aten::div.Tensor", {NumberOperand}},
      {"aten::div.Tensor_mode", {NumberOperand}},
      {"aten::floor_divide", {NumberOperand}},
      {"aten::remainder.Tensor", {NumberOperand}},
      {"aten::fmod.Tensor", {NumberOperand}},
      {"aten::eq.Tensor", {NumberOperand}},
      {"aten::ne.Tensor", {NumberOperand}},
      {"aten::lt.Tensor", {NumberOperand}},
      {"aten::le.Tensor", {NumberOperand}},
      {"aten::gt.Tensor", {NumberOperand}},
      {"aten::ge.Tensor", {NumberOperand}},
      {"aten::mul.Scalar", {DropNeutralNumber}},
      {"aten::div.Scalar", {DropNeutralNumber}},
      {"aten::sub.Scalar", {DropNeutralNumber}},
  };
  return *rules;
}

absl::StatusOr<ValueId> Canonical(GraphRewriter& r, const ir::Node& node) {
  if (!HasOneOutput(node)) return kNoValue;
  const auto rules = Rules().find(node.op);
  if (rules != Rules().end()) {
    for (Rule rule : rules->second) {
      INGOT_ASSIGN_OR_RETURN(const ValueId value, rule(r, node));
      if (value != kNoValue) return value;
    }
  }
  const ops::OpDef* def = ops::FindOp(node.op);
  if (def == nullptr) return kNoValue;
  INGOT_ASSIGN_OR_RETURN(const ValueId identity, DropIdentity(r, *def, node));
  if (identity != kNoValue) return identity;
  return PositiveDims(r, *def, node);
}

}  // namespace

absl::StatusOr<bool> Canonicalize(ir::Recording& recording) {
  return GraphRewriter(recording).Run(Canonical);
}

}  // namespace ingot::passes
