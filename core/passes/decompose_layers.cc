// Normalisation of the batch by its own statistics and of weights, PReLU, channel shuffle.
#include <optional>
#include <utility>

#include "core/passes/decompositions.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

// Arguments: input, weight, bias, running_mean, running_var, training, momentum, eps.
absl::StatusOr<Outputs> BatchNorm(GraphRewriter& r, const ir::Node& node) {
  const ValueId input = OperandOf(node, 0);
  if (node.args.size() != 8 || input == kNoValue || !BoolAt(node, 5)) return Outputs{};
  // Running statistics would be written.
  if (OperandOf(node, 3) != kNoValue || OperandOf(node, 4) != kNoValue) return Outputs{};
  const ir::TensorType type = r.type(input);
  if (!UnusedFrom(r, node, 1) || !IsWide(type) || type.rank() < 2 || type.NumElements() == 0) {
    return Outputs{};
  }
  Steps step(r);
  Outputs outputs(node.outputs.size(), kNoValue);
  // instance_norm folds the batch into the channels: a group each.
  if (type.dims[0] == 1 && type.rank() > 2) {
    outputs[0] = step("aten::group_norm",
                      {Ref(input), type.dims[1], node.args[1], node.args[2], node.args[7], false});
    return step.Finish(std::move(outputs));
  }
  std::vector<int64_t> over = {0};
  for (int d = 2; d < type.rank(); ++d) over.push_back(d);
  const ValueId mean = step("aten::mean.dim", {Ref(input), over, false, ir::None{}});
  const ValueId variance = step("aten::var.correction", {Ref(input), over, int64_t{0}, false});
  outputs[0] = step("aten::batch_norm", {Ref(input), node.args[1], node.args[2], Ref(mean),
                                         Ref(variance), false, 0.0, node.args[7], false});
  return step.Finish(std::move(outputs));
}

// Arguments: self, weight: self > 0 ? self : weight * self. The weight of _prelu_kernel broadcasts,
// that of prelu is by channel.
absl::StatusOr<Outputs> Prelu(GraphRewriter& r, const ir::Node& node) {
  const ValueId self = OperandOf(node, 0);
  ValueId weight = OperandOf(node, 1);
  if (self == kNoValue || weight == kNoValue || node.outputs.size() != 1) return Outputs{};
  if (r.type(self) != r.type(node.outputs[0])) return Outputs{};
  Steps step(r);
  if (node.op == "aten::prelu" && r.type(weight).NumElements() == 1) {
    weight = step.Reshape(weight, {});  // broadcasts to a number as well
  } else if (node.op == "aten::prelu" && r.type(self).rank() > 1) {
    std::vector<int64_t> sizes(r.type(self).rank(), 1);
    sizes[1] = r.type(weight).NumElements();
    weight = step.Reshape(weight, std::move(sizes));
  }
  const ValueId positive = step("aten::gt.Scalar", {Ref(self), int64_t{0}});
  const ValueId scaled = step("aten::mul.Tensor", {Ref(self), Ref(weight)});
  return step.Finish({step("aten::where.self", {Ref(positive), Ref(self), Ref(scaled)})});
}

// Arguments: self, noise, lower, upper, training, generator. Beside training it draws nothing.
absl::StatusOr<Outputs> Rrelu(GraphRewriter& r, const ir::Node& node) {
  const ValueId self = OperandOf(node, 0), noise = OperandOf(node, 1);
  if (self == kNoValue || noise == kNoValue || node.args.size() != 6 || node.outputs.size() != 2 ||
      !std::holds_alternative<bool>(node.args[4]) || BoolAt(node, 4)) {
    return Outputs{};
  }
  const std::optional<double> lower = AsDouble(r.NumberOf(node.args[2]));
  const std::optional<double> upper = AsDouble(r.NumberOf(node.args[3]));
  if (!lower.has_value() || !upper.has_value()) return Outputs{};
  Steps step(r);
  return step.Finish({step("aten::leaky_relu", {Ref(self), (*lower + *upper) / 2}), noise});
}

// Arguments: self [n, groups * c, …], groups.
absl::StatusOr<Outputs> ChannelShuffle(GraphRewriter& r, const ir::Node& node) {
  const ValueId self = OperandOf(node, 0);
  const int64_t groups = IntAt(node, 1, 0);
  if (self == kNoValue || groups <= 0 || r.type(self).rank() < 3) return Outputs{};
  const std::vector<int64_t> sizes = Sizes(r.type(self));
  if (sizes[1] % groups != 0) return Outputs{};
  std::vector<int64_t> split = sizes, order = {0, 2, 1};
  split[1] = sizes[1] / groups;
  split.insert(split.begin() + 1, groups);
  for (int64_t d = 3; d < static_cast<int64_t>(split.size()); ++d) order.push_back(d);
  Steps step(r);
  return step.Finish({step.Reshape(step.Permute(step.Reshape(self, split), order), sizes)});
}

// Arguments: v, g, dim: v * (g / the norm of v over all dimensions but `dim`).
absl::StatusOr<Outputs> WeightNorm(GraphRewriter& r, const ir::Node& node) {
  const ValueId v = OperandOf(node, 0), g = OperandOf(node, 1);
  if (v == kNoValue || g == kNoValue || !UnusedFrom(r, node, 1)) return Outputs{};
  const ir::TensorType type = r.type(v);
  const int64_t dim = IntAt(node, 2, 0);
  if (!IsWide(type) || r.type(g).dtype != type.dtype || dim < 0 || dim >= type.rank()) {
    return Outputs{};
  }
  std::vector<int64_t> over;
  for (int64_t d = 0; d < type.rank(); ++d) {
    if (d != dim) over.push_back(d);
  }
  if (over.empty()) return Outputs{};
  Steps step(r);
  const ValueId norm =
      step("aten::linalg_vector_norm", {Ref(v), int64_t{2}, std::move(over), true, ir::None{}});
  const ValueId scale = step("aten::div.Tensor", {Ref(g), Ref(norm)});
  Outputs outputs(node.outputs.size(), kNoValue);
  outputs[0] = step("aten::mul.Tensor", {Ref(v), Ref(scale)});
  return step.Finish(std::move(outputs));
}

constexpr Decomposition kLayers[] = {
    {"aten::native_batch_norm", BatchNorm},
    {"aten::_prelu_kernel", Prelu},
    {"aten::prelu", Prelu},
    {"aten::rrelu_with_noise_functional", Rrelu},
    {"aten::channel_shuffle", ChannelShuffle},
    {"aten::_weight_norm", WeightNorm},
    {"aten::_weight_norm_interface", WeightNorm},
};

}  // namespace

absl::Span<const Decomposition> LayerDecompositions() { return kLayers; }

}  // namespace ingot::passes
