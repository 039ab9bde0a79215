#include "backends/onednn/fusion.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "backends/onednn/pointwise.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {
namespace {

constexpr size_t kMaxPostOps = 8;
constexpr size_t kMaxPointwiseNodes = 16;
constexpr uint32_t kNoUnit = 0xffffffffu;

// The literal number of a Scalar or number argument.
std::optional<double> Literal(const ir::Argument& argument) {
  if (const auto* i = std::get_if<int64_t>(&argument)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&argument)) return *d;
  return std::nullopt;
}

// --- Eltwise post-ops ---

struct Eltwise {
  dnnl_alg_kind_t algorithm;
  float alpha, beta;
};
using EltwiseFn = std::optional<Eltwise> (*)(const ops::OpView&);

template <dnnl_alg_kind_t kAlgorithm>
std::optional<Eltwise> Plain(const ops::OpView&) {
  return Eltwise{kAlgorithm, 0, 0};
}

std::optional<Eltwise> Gelu(const ops::OpView& view) {
  const bool tanh = view.String("approximate") == "tanh";
  return Eltwise{tanh ? dnnl_eltwise_gelu_tanh : dnnl_eltwise_gelu_erf, 0, 0};
}

std::optional<Eltwise> LeakyRelu(const ops::OpView& view) {
  const std::optional<double> slope = Literal(view.Raw("negative_slope"));
  if (!slope || *slope == 0) return std::nullopt;  // 0 makes it a relu
  return Eltwise{dnnl_eltwise_relu, static_cast<float>(*slope), 0};
}

struct EltwiseEntry {
  const char* op;
  EltwiseFn make;
};

// Only functions whose post-op hands NaN on, as eager does. oneDNN's relu, clip and hardsigmoid
// take maxima with a bound and turn NaN into the bound: relu, relu6, hardtanh, clamp and
// hardsigmoid run as own kernels, in place.
constexpr EltwiseEntry kEltwise[] = {
    {"aten::gelu", &Gelu},
    {"aten::silu",
     [](const ops::OpView&) {
       return std::optional<Eltwise>({dnnl_eltwise_swish, 1, 0});
     }},
    {"aten::tanh", &Plain<dnnl_eltwise_tanh>},
    {"aten::sigmoid", &Plain<dnnl_eltwise_logistic>},
    {"aten::leaky_relu", &LeakyRelu},
    {"aten::hardswish",
     [](const ops::OpView&) {
       return std::optional<Eltwise>({dnnl_eltwise_hardswish, 1.0f / 6.0f, 0.5f});
     }},
};

// --- Binary post-ops ---

struct BinaryEntry {
  const char* op;
  dnnl_alg_kind_t algorithm;
  bool commutative;
};

// Not maximum and minimum: as post-ops they drop NaN.
constexpr BinaryEntry kBinary[] = {
    {"aten::add.Tensor", dnnl_binary_add, true},
    {"aten::sub.Tensor", dnnl_binary_sub, false},
    {"aten::mul.Tensor", dnnl_binary_mul, true},
    {"aten::div.Tensor", dnnl_binary_div, false},
};

// Whether oneDNN's fast kernels take `operand` as second operand of a chain with sizes `dims`: the
// same sizes, one number, or one number a channel.
bool IsPostOpOperand(const ir::TensorType& operand, const ir::Dims& dims, int channel) {
  if (operand.dtype != ir::DType::kFloat32) return false;
  if (operand.dims == dims || operand.NumElements() == 1) return true;
  const int missing = static_cast<int>(dims.size()) - operand.rank();
  if (missing < 0) return false;
  for (int i = 0; i < operand.rank(); ++i) {
    const int64_t expected = missing + i == channel ? dims[channel] : 1;
    if (operand.dims[i] != expected) return false;
  }
  return missing <= channel;
}

bool HasEmptyOperand(const ir::Graph& graph, const ir::Node& node) {
  bool empty = false;
  ir::ForEachOperand(node, [&](ir::ValueId v) { empty |= graph.type(v).NumElements() == 0; });
  return empty;
}

bool IsAnchor(const ir::Graph& graph, const ir::Node& node) {
  static constexpr std::array kAnchors = {"aten::linear",     "aten::matmul", "aten::mm",
                                          "aten::bmm",        "aten::addmm",  "aten::baddbmm",
                                          "aten::convolution"};
  if (std::none_of(kAnchors.begin(), kAnchors.end(),
                   [&](const char* op) { return node.op == op; })) {
    return false;
  }
  // A sum over no elements is no primitive's.
  if (HasEmptyOperand(graph, node)) return false;
  const ir::TensorType& out = graph.type(node.outputs[0]);
  return out.dtype == ir::DType::kFloat32 && out.rank() >= 2 && out.NumElements() > 0;
}

// --- The planner ---

class FusionPlanner {
 public:
  FusionPlanner(const ir::Graph& graph, const FusionOptions& options)
      : graph_(graph),
        options_(options),
        users_(graph.num_values()),
        is_output_(graph.num_values(), false),
        is_constant_(graph.num_values(), false),
        producer_(graph.num_values(), kNoUnit),
        unit_of_(graph.nodes().size(), kNoUnit),
        dead_(graph.nodes().size(), false) {
    for (const ir::OutputSpec& output : graph.outputs()) is_output_[output.value] = true;
    for (const ir::InputSpec& input : graph.inputs()) {
      is_constant_[input.value] = input.role == ir::InputRole::kConstant;
    }
    for (ir::NodeId id = 0; id < graph.nodes().size(); ++id) {
      for (ir::ValueId value : graph.node(id).outputs) {
        if (value != ir::kNoValue) producer_[value] = id;
      }
    }
    for (ir::NodeId id = static_cast<ir::NodeId>(graph.nodes().size()); id-- > 0;) {
      const ir::Node& node = graph.node(id);
      dead_[id] = std::all_of(node.outputs.begin(), node.outputs.end(), [&](ir::ValueId v) {
        return v == ir::kNoValue || (users_[v].empty() && !is_output_[v]);
      });
      if (dead_[id]) continue;
      ir::ForEachOperand(node, [&](ir::ValueId v) { users_[v].push_back(id); });
    }
  }

  std::vector<Unit> Plan() {
    if (options_.post_ops) PlanChains();
    if (options_.pointwise) PlanPointwise();
    for (ir::NodeId id = 0; id < graph_.nodes().size(); ++id) {
      if (!dead_[id] && unit_of_[id] == kNoUnit) NewUnit(Unit::Kind::kNode, id);
    }
    for (Unit& unit : units_) {
      std::sort(unit.nodes.begin(), unit.nodes.end());
      if (unit.kind == Unit::Kind::kPointwise) unit.anchor = unit.nodes.back();
    }
    std::sort(units_.begin(), units_.end(),
              [](const Unit& a, const Unit& b) { return a.nodes.back() < b.nodes.back(); });
    return std::move(units_);
  }

 private:
  uint32_t NewUnit(Unit::Kind kind, ir::NodeId anchor) {
    Unit unit;
    unit.kind = kind;
    unit.anchor = anchor;
    units_.push_back(std::move(unit));
    const auto id = static_cast<uint32_t>(units_.size() - 1);
    Join(id, anchor);
    return id;
  }

  void Join(uint32_t unit, ir::NodeId node) {
    units_[unit].nodes.push_back(node);
    unit_of_[node] = unit;
  }

  // The one node that uses `value`, once; nullopt if there are more or it is an output.
  std::optional<ir::NodeId> OnlyUser(ir::ValueId value) const {
    if (is_output_[value] || users_[value].size() != 1) return std::nullopt;
    return users_[value][0];
  }

  bool IsConstantOrNone(const ir::Argument& argument) const {
    if (std::holds_alternative<ir::None>(argument)) return true;
    const auto* ref = std::get_if<ir::ValueRef>(&argument);
    return ref != nullptr && is_constant_[ref->id];
  }

  void PlanChains() {
    for (ir::NodeId id = 0; id < graph_.nodes().size(); ++id) {
      const ir::Node& node = graph_.node(id);
      if (dead_[id] || unit_of_[id] != kNoUnit || !IsAnchor(graph_, node)) continue;
      const uint32_t unit = NewUnit(Unit::Kind::kChain, id);
      ir::ValueId value = node.outputs[0];
      const bool convolution = node.op == "aten::convolution";
      if (convolution) {
        if (options_.padding) TakePadding(unit, node);
        if (options_.batch_norm) TakeBatchNorm(unit, node, value);
      }
      TakePostOps(unit, convolution, value);
    }
  }

  // A zero padding of the spatial dimensions in front of a convolution becomes the convolution's.
  void TakePadding(uint32_t unit, const ir::Node& convolution) {
    const ops::OpView view(graph_, convolution);
    const ir::ValueId input = view.Value("input");
    const uint32_t producer = producer_[input];
    if (producer == kNoUnit || unit_of_[producer] != kNoUnit || !OnlyUser(input) ||
        graph_.node(producer).op != "aten::constant_pad_nd" || view.Bool("transposed")) {
      return;
    }
    const ops::OpView pad(graph_, graph_.node(producer));
    const std::optional<double> value = Literal(pad.Raw("value"));
    const absl::Span<const int64_t> sizes = pad.Ints("pad");
    const size_t spatial = graph_.type(input).dims.size() - 2;
    if (!value || *value != 0 || graph_.type(input).dtype != ir::DType::kFloat32 ||
        sizes.size() > 2 * spatial ||
        std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size < 0; })) {
      return;
    }
    units_[unit].padding = producer;
    Join(unit, producer);
  }

  // Inference batch normalisation with constant parameters folds into constant weights.
  void TakeBatchNorm(uint32_t unit, const ir::Node& convolution, ir::ValueId& value) {
    const std::optional<ir::NodeId> user = OnlyUser(value);
    if (!user || graph_.node(*user).op != "aten::batch_norm") return;
    const ops::OpView view(graph_, convolution);
    const ops::OpView norm(graph_, graph_.node(*user));
    if (norm.Bool("training") || !norm.Has("running_mean") || !norm.Has("running_var") ||
        !IsConstantOrNone(view.Raw("weight")) || !IsConstantOrNone(view.Raw("bias")) ||
        view.Bool("transposed")) {
      return;
    }
    for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
      if (!IsConstantOrNone(norm.Raw(name))) return;
    }
    units_[unit].batch_norm = *user;
    Join(unit, *user);
    value = norm.node().outputs[0];
  }

  void TakePostOps(uint32_t unit, bool convolution, ir::ValueId value) {
    while (units_[unit].post_ops.size() < kMaxPostOps) {
      const std::optional<ir::NodeId> user = OnlyUser(value);
      if (!user || unit_of_[*user] != kNoUnit) return;
      const std::optional<PostOp> post_op = MatchPostOp(graph_, *user, value, convolution);
      if (!post_op) return;
      units_[unit].post_ops.push_back(*post_op);
      Join(unit, *user);
      value = graph_.node(*user).outputs[0];
    }
  }

  // From the last node to the first: a node joins the unit that all its users are in.
  void PlanPointwise() {
    for (ir::NodeId id = static_cast<ir::NodeId>(graph_.nodes().size()); id-- > 0;) {
      if (dead_[id] || unit_of_[id] != kNoUnit || !IsPointwise(graph_, id)) continue;
      const uint32_t unit = UnitOfAllUsers(graph_.node(id).outputs[0]);
      if (unit == kNoUnit) {
        NewUnit(Unit::Kind::kPointwise, id);
      } else {
        Join(unit, id);
      }
    }
  }

  uint32_t UnitOfAllUsers(ir::ValueId value) const {
    if (is_output_[value] || users_[value].empty()) return kNoUnit;
    const uint32_t unit = unit_of_[users_[value][0]];
    if (unit == kNoUnit || units_[unit].kind != Unit::Kind::kPointwise ||
        units_[unit].nodes.size() >= kMaxPointwiseNodes) {
      return kNoUnit;
    }
    for (ir::NodeId user : users_[value]) {
      if (unit_of_[user] != unit) return kNoUnit;
    }
    // One pass has one shape.
    const ir::ValueId result = graph_.node(units_[unit].nodes[0]).outputs[0];
    return graph_.type(result).dims == graph_.type(value).dims ? unit : kNoUnit;
  }

  const ir::Graph& graph_;
  const FusionOptions& options_;
  std::vector<std::vector<ir::NodeId>> users_;  // by value; a node as often as it uses it
  std::vector<bool> is_output_, is_constant_;   // by value
  std::vector<uint32_t> producer_;              // by value: node or kNoUnit
  std::vector<uint32_t> unit_of_;               // by node
  std::vector<bool> dead_;                      // by node
  std::vector<Unit> units_;
};

}  // namespace

std::optional<PostOp> MatchPostOp(const ir::Graph& graph, ir::NodeId id, ir::ValueId chain,
                                  bool convolution) {
  const ir::Node& node = graph.node(id);
  const ir::TensorType& type = graph.type(chain);
  if (node.outputs.size() != 1 || node.outputs[0] == ir::kNoValue ||
      graph.type(node.outputs[0]) != type) {
    return std::nullopt;
  }
  PostOp post_op;
  post_op.node = id;
  for (const EltwiseEntry& entry : kEltwise) {
    if (node.op != entry.op) continue;
    const std::optional<Eltwise> eltwise = entry.make(ops::OpView(graph, node));
    if (!eltwise) return std::nullopt;
    post_op.algorithm = eltwise->algorithm;
    post_op.alpha = eltwise->alpha;
    post_op.beta = eltwise->beta;
    return post_op;
  }
  for (const BinaryEntry& entry : kBinary) {
    if (node.op != entry.op) continue;
    if (node.args.size() > 2 && Literal(node.args[2]) != 1.0) return std::nullopt;  // alpha
    const auto* left = std::get_if<ir::ValueRef>(&node.args[0]);
    const auto* right = std::get_if<ir::ValueRef>(&node.args[1]);
    if (left == nullptr || right == nullptr || left->id == right->id) return std::nullopt;
    if (left->id != chain && !entry.commutative) return std::nullopt;
    post_op.binary = true;
    post_op.algorithm = entry.algorithm;
    post_op.operand = left->id == chain ? right->id : left->id;
    const int channel = convolution ? 1 : type.rank() - 1;
    if (!IsPostOpOperand(graph.type(post_op.operand), type.dims, channel)) return std::nullopt;
    return post_op;
  }
  return std::nullopt;
}

std::vector<Unit> PlanFusion(const ir::Graph& graph, const FusionOptions& options) {
  return FusionPlanner(graph, options).Plan();
}

}  // namespace ingot::onednn
