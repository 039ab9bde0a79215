// The fused layers of nn.TransformerEncoder and nn.MultiheadAttention, and attention of high rank.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/passes/decompositions.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;
using Ints = std::vector<int64_t>;

// One multi-head attention: the arguments that _transformer_encoder_layer_fwd and
// _native_multi_head_attention have in common.
struct Heads {
  ValueId query, key, value;
  int64_t features, heads;
  ValueId qkv_weight, qkv_bias, out_weight, out_bias;
  ValueId mask = kNoValue;  // kNoValue: none
  int64_t mask_type = 0;    // 0: [rows, columns], 1: [batch, columns], 2: of the scores
  bool needs_weights = false;
};

struct Attended {
  ValueId result, weights;  // weights: kNoValue unless needed
};

bool IsTaken(const GraphRewriter& r, const Heads& a) {
  for (ValueId value :
       {a.query, a.key, a.value, a.qkv_weight, a.qkv_bias, a.out_weight, a.out_bias}) {
    if (value == kNoValue || !IsWide(r.type(value))) return false;
  }
  for (ValueId value : {a.query, a.key, a.value}) {
    if (r.type(value).rank() != 3 || r.type(value).dims[2] != a.features) return false;
    if (r.type(value).NumElements() == 0) return false;
  }
  return a.heads > 0 && a.features % a.heads == 0 &&
         (a.mask == kNoValue || (a.mask_type >= 0 && a.mask_type <= 2));
}

// [batch, rows, features] to [batch, heads, rows, features / heads].
ValueId Split(Steps& step, ValueId value, int64_t heads) {
  const Ints sizes = Sizes(step.type(value));
  return step.Permute(step.Reshape(value, {sizes[0], sizes[1], heads, sizes[2] / heads}),
                      {0, 2, 1, 3});
}

// The projections of query, key and value; one product where they are of one value.
std::vector<ValueId> Project(Steps& step, const Heads& a) {
  const bool one = a.query == a.key && a.query == a.value;
  std::vector<ValueId> parts;
  const ValueId all =
      one ? step("aten::linear", {Ref(a.query), Ref(a.qkv_weight), Ref(a.qkv_bias)}) : kNoValue;
  for (int64_t k = 0; k < 3; ++k) {
    const int64_t begin = k * a.features, end = begin + a.features;
    ValueId part;
    if (one) {
      part = step("aten::slice.Tensor", {Ref(all), int64_t{2}, begin, end, int64_t{1}});
    } else {
      const auto rows = [&](ValueId v) {
        return step("aten::slice.Tensor", {Ref(v), int64_t{0}, begin, end, int64_t{1}});
      };
      const ValueId from = k == 0 ? a.query : k == 1 ? a.key : a.value;
      part = step("aten::linear", {Ref(from), Ref(rows(a.qkv_weight)), Ref(rows(a.qkv_bias))});
    }
    if (step.ok()) part = Split(step, part, a.heads);
    parts.push_back(part);
  }
  return parts;
}

// Softmax of the masked scores. Where a row is masked throughout it is NaN, as LibTorch's kernel
// has it, unlike scaled_dot_product_attention.
ValueId Weights(Steps& step, const Heads& a, ValueId query, ValueId key) {
  const double scale = 1 / std::sqrt(static_cast<double>(a.features / a.heads));
  ValueId scores = step("aten::matmul", {Ref(step("aten::mul.Scalar", {Ref(query), scale})),
                                         Ref(step.Permute(key, {0, 1, 3, 2}))});
  if (a.mask != kNoValue) {
    ValueId mask = a.mask;
    if (step.type(mask).dtype != ir::DType::kBool) {
      mask = step("aten::ne.Scalar", {Ref(mask), int64_t{0}});
    }
    if (a.mask_type == 1 && step.ok()) {
      const Ints sizes = Sizes(step.type(mask));
      mask = step.Reshape(mask, {sizes.front(), 1, 1, sizes.back()});
    }
    scores = step("aten::masked_fill.Scalar",
                  {Ref(scores), Ref(mask), -std::numeric_limits<double>::infinity()});
  }
  return step("aten::softmax.int", {Ref(scores), int64_t{3}, ir::None{}});
}

Attended Attend(Steps& step, const Heads& a) {
  const std::vector<ValueId> parts = Project(step, a);
  Attended attended{kNoValue, kNoValue};
  ValueId mixed;
  if (a.mask == kNoValue && !a.needs_weights) {
    mixed = step("aten::scaled_dot_product_attention", {Ref(parts[0]), Ref(parts[1]), Ref(parts[2]),
                                                        ir::None{}, 0.0, false, ir::None{}, false});
  } else {
    attended.weights = Weights(step, a, parts[0], parts[1]);
    mixed = step("aten::matmul", {Ref(attended.weights), Ref(parts[2])});
  }
  const Ints sizes = Sizes(step.type(a.query));
  mixed = step.Reshape(step.Permute(mixed, {0, 2, 1, 3}), sizes);
  attended.result = step("aten::linear", {Ref(mixed), Ref(a.out_weight), Ref(a.out_bias)});
  return attended;
}

// Arguments: query, key, value, embed_dim, num_head, qkv_weight, qkv_bias, proj_weight, proj_bias,
// mask, need_weights, average_attn_weights, mask_type.
absl::StatusOr<Outputs> MultiHeadAttention(GraphRewriter& r, const ir::Node& node) {
  if (node.args.size() != 13 || node.outputs.size() != 2) return Outputs{};
  Heads a{OperandOf(node, 0), OperandOf(node, 1), OperandOf(node, 2),
          IntAt(node, 3, 0),  IntAt(node, 4, 0),  OperandOf(node, 5),
          OperandOf(node, 6), OperandOf(node, 7), OperandOf(node, 8)};
  a.mask = OperandOf(node, 9);
  a.mask_type = IntAt(node, 12, -1);
  a.needs_weights = !UnusedFrom(r, node, 1);
  if (!IsTaken(r, a)) return Outputs{};
  Steps step(r);
  Attended attended = Attend(step, a);
  if (!a.needs_weights) return step.Finish({attended.result, kNoValue});
  if (BoolAt(node, 11)) {
    attended.weights = step("aten::mean.dim", {Ref(attended.weights), Ints{1}, false, ir::None{}});
  }
  return step.Finish({attended.result, attended.weights});
}

// Arguments: src, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias, use_gelu,
// norm_first, eps, norm_weight_1, norm_bias_1, norm_weight_2, norm_bias_2, ffn_weight_1,
// ffn_bias_1, ffn_weight_2, ffn_bias_2, mask, mask_type.
absl::StatusOr<Outputs> EncoderLayer(GraphRewriter& r, const ir::Node& node) {
  if (node.args.size() != 20 || node.outputs.size() != 1) return Outputs{};
  const ValueId src = OperandOf(node, 0);
  Heads a{src,
          src,
          src,
          IntAt(node, 1, 0),
          IntAt(node, 2, 0),
          OperandOf(node, 3),
          OperandOf(node, 4),
          OperandOf(node, 5),
          OperandOf(node, 6)};
  a.mask = OperandOf(node, 18);
  a.mask_type = IntAt(node, 19, -1);
  if (!IsTaken(r, a)) return Outputs{};
  Steps step(r);
  const auto norm = [&](ValueId x, size_t first) {
    return step("aten::layer_norm", {Ref(x), Ints{a.features}, node.args[first],
                                     node.args[first + 1], node.args[9], false});
  };
  const auto add = [&](ValueId x, ValueId y) {
    return step("aten::add.Tensor", {Ref(x), Ref(y), int64_t{1}});
  };
  const bool norm_first = BoolAt(node, 8);
  if (norm_first) a.query = a.key = a.value = norm(src, 10);
  ValueId x = add(Attend(step, a).result, src);
  if (!norm_first) x = norm(x, 10);
  const ValueId up =
      step("aten::linear", {Ref(norm_first ? norm(x, 12) : x), node.args[14], node.args[15]});
  const ValueId act =
      BoolAt(node, 7) ? step("aten::gelu", {Ref(up), "none"}) : step("aten::relu", {Ref(up)});
  x = add(step("aten::linear", {Ref(act), node.args[16], node.args[17]}), x);
  return step.Finish({norm_first ? x : norm(x, 12)});
}

// All dimensions before the last three as one.
Ints Folded(const ir::TensorType& type) {
  Ints sizes = Sizes(type);
  const auto last = sizes.end() - 3;
  int64_t batch = 1;
  std::for_each(sizes.begin(), last, [&](int64_t size) { batch *= size; });
  Ints folded = {batch};
  folded.insert(folded.end(), last, sizes.end());
  return folded;
}

// scaled_dot_product_attention whose operands have rank 5 or more and the same leading dimensions.
absl::StatusOr<Outputs> HighRank(GraphRewriter& r, const ir::Node& node) {
  const Ints sizes = Sizes(r.type(node.outputs[0]));
  if (sizes.size() < 5) return Outputs{};
  const auto leading = [&](ValueId value) {
    const Ints all = Sizes(r.type(value));
    return Ints(all.begin(), all.end() - std::min<ptrdiff_t>(3, std::ssize(all)));
  };
  std::vector<ir::Argument> args = node.args;
  Steps step(r);
  for (size_t i = 0; i < 4; ++i) {
    const ValueId value = OperandOf(node, i);
    if (value == kNoValue || (i == 3 && r.type(value).rank() == 2)) continue;
    if (leading(value) != leading(node.outputs[0])) return Outputs{};
    args[i] = Ref(step.Reshape(value, Folded(r.type(value))));
  }
  return step.Finish({step.Reshape(step(node.op, std::move(args)), sizes)});
}

constexpr Decomposition kAttention[] = {
    {"aten::_transformer_encoder_layer_fwd", EncoderLayer},
    {"aten::_native_multi_head_attention", MultiHeadAttention},
    {"aten::scaled_dot_product_attention", HighRank},
};

}  // namespace

absl::Span<const Decomposition> AttentionDecompositions() { return kAttention; }

}  // namespace ingot::passes
