#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/passes/patterns.h"
#include "core/passes/rewriter.h"

namespace ingot::passes {
namespace {

using ir::DType;
using ir::kNoValue;
using ir::ValueId;
using Ints = std::vector<int64_t>;

bool IsProduct(const ir::Node* node) {
  return node != nullptr && (node->op == "aten::matmul" || node->op == "aten::bmm");
}

// What the attention's parts are; all ids are of values in the graph.
struct Attention {
  ValueId query = kNoValue;
  ValueId transposed_key = kNoValue;
  ValueId value = kNoValue;
  ValueId mask = kNoValue;  // kNoValue: none
  double scale = 1;
};

template <typename T>
bool EveryRowHasFinite(const ir::Constant& mask) {
  const int64_t row = mask.type.rank() == 0 ? 1 : mask.type.dims.back();
  const T* data = static_cast<const T*>(mask.data);
  for (int64_t i = 0; row > 0 && i < mask.type.NumElements(); i += row) {
    const bool any = std::any_of(data + i, data + i + row, [](T x) { return std::isfinite(x); });
    const bool none_odd = std::none_of(
        data + i, data + i + row, [](T x) { return std::isnan(x) || (std::isinf(x) && x > 0); });
    if (!any || !none_odd) return false;
  }
  return true;
}

bool IsFiniteNumber(const GraphRewriter& r, const ir::Argument& arg) {
  const std::optional<double> number = AsDouble(r.NumberOf(arg));
  return number.has_value() && std::isfinite(*number);
}

// Whether it can be seen that no row of the mask is -inf throughout. Masks are made of numbers that
// a program picks, such as the lowest finite one, or are constants.
bool IsSafeMask(const GraphRewriter& r, ValueId mask) {
  if (const ir::Constant* constant = r.ConstantOf(mask)) {
    if (constant->type.dtype == DType::kFloat32) return EveryRowHasFinite<float>(*constant);
    return constant->type.dtype == DType::kFloat64 && EveryRowHasFinite<double>(*constant);
  }
  const ir::Node* node = r.Producer(mask);
  if (node == nullptr) return false;
  static constexpr absl::string_view kViews[] = {"aten::reshape", "aten::expand", "aten::_to_copy"};
  if (std::find(std::begin(kViews), std::end(kViews), node->op) != std::end(kViews)) {
    // A constant seen through a view may have other rows.
    const ValueId viewed = OperandOf(*node, 0);
    return r.ConstantOf(viewed) == nullptr && IsSafeMask(r, viewed);
  }
  if (node->op == "aten::mul.Scalar") return IsFiniteNumber(r, node->args[1]);
  if (node->op == "aten::masked_fill.Scalar") return IsFiniteNumber(r, node->args[2]);
  if (node->op == "aten::where.self") {
    return IsFiniteNumber(r, node->args[1]) && IsFiniteNumber(r, node->args[2]);
  }
  return false;
}

// Steps from `value` back through scaling to the product of query and key.
bool ReadScores(const GraphRewriter& r, ValueId value, Attention& attention) {
  const ir::Node* node = r.Producer(value);
  while (node != nullptr && (node->op == "aten::mul.Scalar" || node->op == "aten::div.Scalar")) {
    const std::optional<double> number = AsDouble(r.NumberOf(node->args[1]));
    const ValueId operand = OperandOf(*node, 0);
    if (!number.has_value() || r.Uses(value) != 1 || r.type(operand) != r.type(value)) return false;
    attention.scale *= node->op == "aten::mul.Scalar" ? *number : 1 / *number;
    value = operand;
    node = r.Producer(value);
  }
  if (!IsProduct(node) || r.Uses(value) != 1 || !std::isfinite(attention.scale)) return false;
  attention.query = OperandOf(*node, 0);
  attention.transposed_key = OperandOf(*node, 1);
  return true;
}

// Steps from the softmax's operand back through an optional mask.
bool ReadMaskedScores(const GraphRewriter& r, ValueId value, Attention& attention) {
  if (r.Uses(value) != 1) return false;
  const ir::Node* sum = r.ProducerOf(value, "aten::add.Tensor");
  if (sum == nullptr) return ReadScores(r, value, attention);
  if (AsDouble(r.NumberOf(sum->args[2])) != 1.0) return false;
  for (int i = 0; i < 2; ++i) {
    const ValueId scores = OperandOf(*sum, i);
    const ValueId mask = OperandOf(*sum, 1 - i);
    Attention candidate = attention;
    if (r.type(scores) != r.type(value) || !ReadScores(r, scores, candidate)) continue;
    if (r.type(mask).dtype != r.type(scores).dtype || r.type(mask).rank() < 2) continue;
    if (!IsSafeMask(r, mask)) continue;
    candidate.mask = mask;
    attention = candidate;
    return true;
  }
  return false;
}

bool IsLastDimSoftmax(const GraphRewriter& r, const ir::Node* node) {
  if (node == nullptr) return false;
  const ir::TensorType& type = r.type(node->outputs[0]);
  return node->op == "aten::softmax.int" && r.type(OperandOf(*node, 0)) == type &&
         std::get<int64_t>(node->args[1]) == type.rank() - 1;
}

// All four of one dtype and with the same leading dimensions.
bool FitTogether(const GraphRewriter& r, const Attention& attention, const ir::TensorType& result) {
  const ir::TensorType& query = r.type(attention.query);
  if (query.rank() < 3 || (query.dtype != DType::kFloat32 && query.dtype != DType::kFloat64)) {
    return false;
  }
  const auto batch = [](const ir::TensorType& type) {
    return ir::Dims(type.dims.begin(), type.dims.end() - std::min(2, type.rank()));
  };
  for (const ir::TensorType* type :
       {&r.type(attention.transposed_key), &r.type(attention.value), &result}) {
    if (type->dtype != query.dtype || type->rank() != query.rank()) return false;
    if (batch(*type) != batch(query)) return false;
  }
  return true;
}

absl::StatusOr<ValueId> MatchOne(GraphRewriter& r, const ir::Node& node) {
  if (!IsProduct(&node)) return kNoValue;
  const ValueId weights = OperandOf(node, 0);
  const ir::Node* softmax = r.Producer(weights);
  if (!IsLastDimSoftmax(r, softmax) || r.Uses(weights) != 1) return kNoValue;
  Attention attention;
  attention.value = OperandOf(node, 1);
  if (!ReadMaskedScores(r, OperandOf(*softmax, 0), attention)) return kNoValue;
  if (!FitTogether(r, attention, r.type(node.outputs[0]))) return kNoValue;
  // Only a key that is transposed for the product: transposing it back costs nothing then.
  if (r.ProducerOf(attention.transposed_key, "aten::permute") == nullptr) return kNoValue;
  Ints order;
  for (int i = 0; i < r.type(attention.query).rank(); ++i) order.push_back(i);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  INGOT_ASSIGN_OR_RETURN(
      const ValueId key,
      r.Emit("aten::permute", {ir::ValueRef{attention.transposed_key}, std::move(order)}));
  const ir::Argument mask = attention.mask == kNoValue ? ir::Argument(ir::None{})
                                                       : ir::Argument(ir::ValueRef{attention.mask});
  return r.Emit("aten::scaled_dot_product_attention",
                {ir::ValueRef{attention.query}, ir::ValueRef{key}, ir::ValueRef{attention.value},
                 mask, 0.0, false, attention.scale, false});
}

}  // namespace

absl::StatusOr<bool> MatchAttention(ir::Recording& recording) {
  return GraphRewriter(recording).Run(MatchOne);
}

}  // namespace ingot::passes
