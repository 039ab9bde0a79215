#include "backends/onednn/fusion.h"

#include <algorithm>
#include <array>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "backends/onednn/kernels/winograd.h"
#include "backends/onednn/pointwise.h"
#include "backends/onednn/reduce.h"
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

// --- Unary post-ops ---

using kernels::EpilogueOp;

struct Unary {
  EpilogueOp op;
  float alpha = 0, beta = 0;
};
using UnaryFn = std::optional<Unary> (*)(const ops::OpView&);

template <EpilogueOp kOp>
std::optional<Unary> Plain(const ops::OpView&) {
  return Unary{kOp};
}

std::optional<Unary> Gelu(const ops::OpView& view) {
  const bool tanh = view.String("approximate") == "tanh";
  return Unary{tanh ? EpilogueOp::kGeluTanh : EpilogueOp::kGeluErf};
}

std::optional<Unary> LeakyRelu(const ops::OpView& view) {
  const std::optional<double> slope = Literal(view.Raw("negative_slope"));
  if (!slope || *slope == 0) return std::nullopt;  // 0 makes it a relu
  return Unary{EpilogueOp::kLeakyRelu, static_cast<float>(*slope)};
}

// hardtanh and clamp: bounds that are given and in order.
template <const char* const& kLow, const char* const& kHigh>
std::optional<Unary> Clamp(const ops::OpView& view) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto bound = [&](const char* name, double none) {
    const ir::Argument& raw = view.Raw(name);
    return std::holds_alternative<ir::None>(raw) ? std::optional<double>(none) : Literal(raw);
  };
  const std::optional<double> low = bound(kLow, -kInfinity), high = bound(kHigh, kInfinity);
  // Not NaN either.
  if (!low || !high || !(*low <= *high)) return std::nullopt;
  return Unary{EpilogueOp::kClamp, static_cast<float>(*low), static_cast<float>(*high)};
}
const char* const kMinVal = "min_val";
const char* const kMaxVal = "max_val";
const char* const kMin = "min";
const char* const kMax = "max";

std::optional<Unary> Relu6(const ops::OpView&) { return Unary{EpilogueOp::kClamp, 0, 6}; }

struct UnaryEntry {
  const char* op;
  UnaryFn make;
};
constexpr UnaryEntry kUnary[] = {
    {"aten::relu", &Plain<EpilogueOp::kRelu>},
    {"aten::relu6", &Relu6},
    {"aten::hardtanh", &Clamp<kMinVal, kMaxVal>},
    {"aten::clamp", &Clamp<kMin, kMax>},
    {"aten::hardswish", &Plain<EpilogueOp::kHardswish>},
    {"aten::hardsigmoid", &Plain<EpilogueOp::kHardsigmoid>},
    {"aten::gelu", &Gelu},
    {"aten::silu", &Plain<EpilogueOp::kSilu>},
    {"aten::tanh", &Plain<EpilogueOp::kTanh>},
    {"aten::sigmoid", &Plain<EpilogueOp::kSigmoid>},
    {"aten::leaky_relu", &LeakyRelu},
};

// --- Binary post-ops ---

struct BinaryEntry {
  const char* op;
  EpilogueOp epilogue;
  bool commutative;
};
constexpr BinaryEntry kBinary[] = {
    {"aten::add.Tensor", EpilogueOp::kAdd, true},
    {"aten::sub.Tensor", EpilogueOp::kSub, false},
    {"aten::mul.Tensor", EpilogueOp::kMul, true},
    {"aten::div.Tensor", EpilogueOp::kDiv, false},
};

// --- As oneDNN's ---

struct PrimitiveEntry {
  EpilogueOp op;
  dnnl_alg_kind_t algorithm;
  float alpha;  // of the primitive; kLeakyRelu: the post-op's own
  float beta;
};
// Not relu, clamp and hardsigmoid: oneDNN takes maxima with a bound and turns NaN into the bound.
constexpr PrimitiveEntry kPrimitives[] = {
    {EpilogueOp::kLeakyRelu, dnnl_eltwise_relu, 0, 0},
    {EpilogueOp::kHardswish, dnnl_eltwise_hardswish, 1.0f / 6.0f, 0.5f},
    {EpilogueOp::kGeluErf, dnnl_eltwise_gelu_erf, 0, 0},
    {EpilogueOp::kGeluTanh, dnnl_eltwise_gelu_tanh, 0, 0},
    {EpilogueOp::kSilu, dnnl_eltwise_swish, 1, 0},
    {EpilogueOp::kTanh, dnnl_eltwise_tanh, 0, 0},
    {EpilogueOp::kSigmoid, dnnl_eltwise_logistic, 0, 0},
    {EpilogueOp::kAdd, dnnl_binary_add, 0, 0},
    {EpilogueOp::kSub, dnnl_binary_sub, 0, 0},
    {EpilogueOp::kMul, dnnl_binary_mul, 0, 0},
    {EpilogueOp::kDiv, dnnl_binary_div, 0, 0},
};

bool IsConvolution(RunsAs runs_as) { return runs_as >= RunsAs::kPrimitiveConvolution; }
bool IsPrimitive(RunsAs runs_as) {
  return runs_as == RunsAs::kPrimitive || runs_as == RunsAs::kPrimitiveConvolution;
}

// Whether `operand` may be the second operand of a chain with sizes `dims`: the
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

bool IsView(const ir::Node& node) {
  static constexpr std::array kViews = {"aten::t",         "aten::transpose.int", "aten::permute",
                                        "aten::view",      "aten::reshape",       "aten::detach",
                                        "aten::contiguous"};
  return std::any_of(kViews.begin(), kViews.end(), [&](const char* op) { return node.op == op; });
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

bool AllAre(absl::Span<const int64_t> list, int64_t value) {
  return std::all_of(list.begin(), list.end(), [=](int64_t i) { return i == value; });
}

// A product of pixels and weights: one tap, no padding, no groups. Strides make lines of pixels,
// which the kernel knows in two dimensions.
bool IsProductConvolution(const ops::OpView& convolution) {
  const ir::TensorType& weight = convolution.TensorType("weight");
  return !convolution.Bool("transposed") && convolution.Int("groups") == 1 &&
         AllAre(convolution.Ints("padding"), 0) &&
         AllAre(absl::MakeConstSpan(weight.dims).subspan(2), 1) &&
         (weight.rank() == 4 || AllAre(convolution.Ints("stride"), 1));
}

// Dense convolutions of images so wide that the products with the border's zeros, which the own
// kernel does not leave out, cost less than a pass for a post-op.
bool IsTapConvolution(const ops::OpView& convolution) {
  constexpr int64_t kMinWidth = 28, kMinChannels = 16, kMinRun = 8;
  const ir::TensorType& weight = convolution.TensorType("weight");
  if (convolution.Bool("transposed") || weight.rank() != 4 || convolution.Int("groups") != 1)
    return false;
  // Taps of a line that lie side by side are one.
  const bool runs =
      weight.dims[1] * weight.dims[3] >= kMinRun && AllAre(convolution.Ints("dilation"), 1);
  return weight.dims[0] >= kMinChannels && (weight.dims[1] >= kMinChannels || runs) &&
         convolution.OutputType().dims[3] >= kMinWidth;
}

// Dense 3x3 convolutions with enough channels for the products at the points to outweigh the sums
// that make them.
bool IsWinogradConvolution(const ops::OpView& convolution) {
  constexpr int64_t kMinChannels = 32;
  const ir::Dims& weight = convolution.TensorType("weight").dims;
  return !convolution.Bool("transposed") && convolution.Int("groups") == 1 && weight.size() == 4 &&
         weight[2] == 3 && weight[3] == 3 && AllAre(convolution.Ints("stride"), 1) &&
         AllAre(convolution.Ints("dilation"), 1) && weight[0] >= kMinChannels &&
         weight[1] >= kMinChannels && weight[0] % kernels::Winograd::kColumns == 0 &&
         weight[1] % kernels::Winograd::kChannels == 0;
}

// Each channel of an image has a filter of its own.
bool IsDepthwiseConvolution(const ops::OpView& convolution) {
  const ir::TensorType& weight = convolution.TensorType("weight");
  const int64_t channels = convolution.TensorType("input").dims[1];
  return !convolution.Bool("transposed") && weight.rank() == 4 && channels > 1 &&
         convolution.Int("groups") == channels && weight.dims[0] == channels;
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
      const ir::Node& node = graph.node(id);
      for (ir::ValueId value : node.outputs) {
        if (value != ir::kNoValue) producer_[value] = id;
      }
      // Weights are often turned or reshaped first, which is done while compiling.
      if (IsView(node) && IsConstantOrNone(node.args[0])) is_constant_[node.outputs[0]] = true;
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
      if (node.op == "aten::convolution") {
        if (options_.padding) TakePadding(unit, node);
        if (options_.batch_norm) TakeBatchNorm(unit, node, value);
      }
      units_[unit].runs_as = RunnerOf(unit, node);
      TakePostOps(unit, value);
      const std::vector<PostOp>& post_ops = units_[unit].post_ops;
      if (units_[unit].runs_as == RunsAs::kTapConvolution &&
          std::all_of(post_ops.begin(), post_ops.end(),
                      [](const PostOp& p) { return AsPrimitive(p).has_value(); })) {
        units_[unit].runs_as = RunsAs::kPrimitiveConvolution;
      }
    }
  }

  RunsAs RunnerOf(uint32_t unit, const ir::Node& node) const {
    const ops::OpView view(graph_, node);
    if (node.op == "aten::convolution") {
      if (!is_constant_[view.Value("weight")]) return RunsAs::kPrimitiveConvolution;
      if (IsDepthwiseConvolution(view)) return RunsAs::kDepthwiseConvolution;
      const std::optional<ir::NodeId> padding = units_[unit].padding;
      const bool padded =
          padding && !AllAre(ops::OpView(graph_, graph_.node(*padding)).Ints("pad"), 0);
      if (!padded && IsProductConvolution(view)) return RunsAs::kProductConvolution;
      if (IsWinogradConvolution(view)) return RunsAs::kWinogradConvolution;
      return IsTapConvolution(view) ? RunsAs::kTapConvolution : RunsAs::kPrimitiveConvolution;
    }
    // The right factor: the last operand but the bias of a linear.
    const ir::ValueId right = node.op == "aten::linear" ? view.Value("weight")
                              : view.def().schema.Find("beta") >= 0
                                  ? std::get<ir::ValueRef>(node.args[2]).id
                                  : std::get<ir::ValueRef>(node.args[1]).id;
    return is_constant_[right] && graph_.type(right).rank() == 2 ? RunsAs::kProduct
                                                                 : RunsAs::kPrimitive;
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

  void TakePostOps(uint32_t unit, ir::ValueId value) {
    while (units_[unit].post_ops.size() < kMaxPostOps) {
      const std::optional<ir::NodeId> user = OnlyUser(value);
      if (!user || unit_of_[*user] != kNoUnit) return;
      const std::optional<PostOp> post_op = MatchPostOp(graph_, *user, value, units_[unit].runs_as);
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
    for (uint32_t unit = 0; unit < units_.size(); ++unit) TakeReduction(unit);
  }

  // What reduces the rows of an elementwise unit's result and is all that uses it.
  void TakeReduction(uint32_t unit) {
    if (units_[unit].kind != Unit::Kind::kPointwise) return;
    // Its first node is the last of all.
    const std::optional<ir::NodeId> user = OnlyUser(graph_.node(units_[unit].nodes[0]).outputs[0]);
    if (user && unit_of_[*user] == kNoUnit && IsRowReduction(graph_, *user)) Join(unit, *user);
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

std::optional<PrimitivePostOp> AsPrimitive(const PostOp& post_op) {
  for (const PrimitiveEntry& entry : kPrimitives) {
    if (entry.op != post_op.op) continue;
    const bool own = post_op.op == EpilogueOp::kLeakyRelu;
    return PrimitivePostOp{entry.algorithm, own ? post_op.alpha : entry.alpha, entry.beta};
  }
  return std::nullopt;
}

std::optional<PostOp> MatchPostOp(const ir::Graph& graph, ir::NodeId id, ir::ValueId chain,
                                  RunsAs runs_as) {
  const ir::Node& node = graph.node(id);
  const ir::TensorType& type = graph.type(chain);
  if (node.outputs.size() != 1 || node.outputs[0] == ir::kNoValue ||
      graph.type(node.outputs[0]) != type) {
    return std::nullopt;
  }
  PostOp post_op;
  post_op.node = id;
  const auto allowed = [&]() -> std::optional<PostOp> {
    if (IsPrimitive(runs_as) && !AsPrimitive(post_op)) return std::nullopt;
    return post_op;
  };
  for (const UnaryEntry& entry : kUnary) {
    if (node.op != entry.op) continue;
    const std::optional<Unary> unary = entry.make(ops::OpView(graph, node));
    if (!unary) return std::nullopt;
    post_op.op = unary->op;
    post_op.alpha = unary->alpha;
    post_op.beta = unary->beta;
    return allowed();
  }
  for (const BinaryEntry& entry : kBinary) {
    if (node.op != entry.op) continue;
    if (node.args.size() > 2 && Literal(node.args[2]) != 1.0) return std::nullopt;  // alpha
    const auto* left = std::get_if<ir::ValueRef>(&node.args[0]);
    const auto* right = std::get_if<ir::ValueRef>(&node.args[1]);
    if (left == nullptr || right == nullptr || left->id == right->id) return std::nullopt;
    if (left->id != chain && !entry.commutative) return std::nullopt;
    post_op.op = entry.epilogue;
    post_op.operand = left->id == chain ? right->id : left->id;
    const int channel = IsConvolution(runs_as) ? 1 : type.rank() - 1;
    if (!IsPostOpOperand(graph.type(post_op.operand), type.dims, channel)) return std::nullopt;
    return allowed();
  }
  return std::nullopt;
}

std::vector<Unit> PlanFusion(const ir::Graph& graph, const FusionOptions& options) {
  return FusionPlanner(graph, options).Plan();
}

std::vector<Unit> InParts(const Unit& unit) {
  std::vector<Unit> parts;
  const auto add_node = [&](ir::NodeId node) {
    Unit part;
    part.anchor = node;
    part.nodes = {node};
    parts.push_back(std::move(part));
  };
  if (unit.kind != Unit::Kind::kChain) {
    for (ir::NodeId node : unit.nodes) add_node(node);
    return parts;
  }
  Unit chain = unit;
  chain.post_ops.clear();
  for (const PostOp& post_op : unit.post_ops) {
    chain.nodes.erase(std::remove(chain.nodes.begin(), chain.nodes.end(), post_op.node),
                      chain.nodes.end());
  }
  parts.push_back(std::move(chain));
  for (const PostOp& post_op : unit.post_ops) add_node(post_op.node);
  return parts;
}

}  // namespace ingot::onednn
