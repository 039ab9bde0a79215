#include "backends/torchscript/packing.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/clone.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/torchscript/guard.h"

namespace ingot::torchscript_backend {
namespace {

using c10::IValue;
using c10::Symbol;
using torch::jit::Node;
using torch::jit::Value;

// --- What pays ---

// Measured on 2 cores of a Zen 4: setting up a oneDNN call costs 15 us more than a small MKL or
// native one.
constexpr int64_t kMinLinearMultiplications = 4'000'000;
constexpr int64_t kMinLinearWeights = 1 << 19;  // read from memory at each call
constexpr int64_t kMinConvolutionMultiplications = 500'000;

// Operators that compute the same elements whatever the strides of their operands, and keep
// channels last.
constexpr absl::string_view kLayoutAgnostic[] = {
    "aten::_adaptive_avg_pool2d",
    "aten::abs",
    "aten::adaptive_avg_pool2d",
    "aten::add",
    "aten::avg_pool2d",
    "aten::batch_norm",
    "aten::cat",
    "aten::clamp",
    "aten::constant_pad_nd",
    "aten::conv2d",
    "aten::convolution",
    "aten::div",
    "aten::elu",
    "aten::gelu",
    "aten::hardsigmoid",
    "aten::hardswish",
    "aten::hardtanh",
    "aten::leaky_relu",
    "aten::max_pool2d",
    "aten::mean",
    "aten::mish",
    "aten::mul",
    "aten::native_batch_norm",
    "aten::relu",
    "aten::relu6",
    "aten::sigmoid",
    "aten::silu",
    "aten::softplus",
    "aten::sub",
    "aten::tanh",
    "aten::upsample_bilinear2d",
    "aten::upsample_nearest2d",
    "mkldnn::_convolution_pointwise",
};

const std::unordered_set<Symbol>& LayoutAgnostic() {
  static const auto* const symbols = [] {
    auto* set = new std::unordered_set<Symbol>;
    for (absl::string_view name : kLayoutAgnostic)
      set->insert(Symbol::fromQualString(std::string(name)));
    return set;
  }();
  return *symbols;
}

// --- Reading the graph ---

std::optional<std::vector<int64_t>> Sizes(const Value& value) {
  const auto type = value.type()->cast<c10::TensorType>();
  return type == nullptr ? std::nullopt : type->sizes().concrete_sizes();
}

int64_t Product(const std::vector<int64_t>& sizes) {
  int64_t product = 1;
  for (int64_t size : sizes) product *= size;
  return product;
}

bool IsFloat32(const Value& value) {
  const auto type = value.type()->cast<c10::TensorType>();
  return type != nullptr && type->scalarType() == c10::ScalarType::Float;
}

// A constant dense float32 tensor of `rank`; undefined if it is anything else.
at::Tensor ConstantWeight(const Value* value, int64_t rank) {
  const std::optional<IValue> constant = torch::jit::toIValue(value);
  if (!constant || !constant->isTensor()) return {};
  const at::Tensor tensor = constant->toTensor();
  const bool fits = tensor.defined() && tensor.layout() == c10::kStrided && tensor.dim() == rank &&
                    tensor.scalar_type() == c10::ScalarType::Float && tensor.numel() > 0;
  return fits ? tensor : at::Tensor();
}

bool IsOne(const Value* value) {
  const std::optional<IValue> constant = torch::jit::toIValue(value);
  return constant && constant->isScalar() && constant->toScalar().equal(1);
}

bool IsNoneOrConstant(const Value* value) { return torch::jit::toIValue(value).has_value(); }

// --- Packing ---

class Packer {
 public:
  explicit Packer(torch::jit::Graph& graph)
      : graph_(graph),
        linear_weight_(Find("mkldnn::_reorder_linear_weight")),
        convolution_weight_(Find("mkldnn::_reorder_convolution_weight")) {}

  PackedWeights Run() {
    if (!linear_weight_ || !convolution_weight_ || !at::globalContext().userEnabledMkldnn())
      return packed_;
    std::vector<Node*> nodes(graph_.nodes().begin(), graph_.nodes().end());
    for (Node* node : nodes) {
      // A weight that LibTorch won't pack is no error: the node runs as it is.
      (void)Guarded("packing", [&] {
        Pack(node);
        return absl::OkStatus();
      });
    }
    return packed_;
  }

 private:
  static std::optional<c10::OperatorHandle> Find(const char* name) {
    return c10::Dispatcher::singleton().findSchema({name, ""});
  }

  void Pack(Node* node) {
    static const Symbol kLinear = Symbol::fromQualString("aten::linear"),
                        kAddmm = Symbol::fromQualString("aten::addmm"),
                        kMm = Symbol::fromQualString("aten::mm"),
                        kMatmul = Symbol::fromQualString("aten::matmul"),
                        kConv2d = Symbol::fromQualString("aten::conv2d");
    const Symbol kind = node->kind();
    if (kind == kLinear) {
      PackLinear(node, node->input(0), node->input(1), node->input(2), /*transposed=*/false);
    } else if (kind == kAddmm && IsOne(node->input(3)) && IsOne(node->input(4))) {
      PackLinear(node, node->input(1), node->input(2), node->input(0), /*transposed=*/true);
    } else if (kind == kMm || kind == kMatmul) {
      PackLinear(node, node->input(0), node->input(1), nullptr, /*transposed=*/true);
    } else if (kind == kConv2d) {
      PackConvolution(node);
    }
  }

  // `weight` is [out, in], or [in, out] if `transposed`.
  void PackLinear(Node* node, Value* input, Value* weight, Value* bias, bool transposed) {
    at::Tensor plain = ConstantWeight(weight, 2);
    const auto sizes = Sizes(*input);
    if (!plain.defined() || !sizes || sizes->size() < 2 || !IsFloat32(*input)) return;
    if (transposed) plain = plain.t();
    const int64_t features = plain.size(1), outputs = plain.size(0), elements = Product(*sizes);
    if (elements == 0 || sizes->back() != features) return;
    const int64_t rows = elements / features;
    if (rows * features * outputs < kMinLinearMultiplications && plain.numel() < kMinLinearWeights)
      return;
    // addmm's bias may be of any shape that broadcasts; linear's is one row.
    if (bias != nullptr && !IsRowOrNone(bias, outputs)) return;

    const at::Tensor packed = Reordered(weight, {rows, transposed}, [&] {
      torch::jit::Stack stack = {plain.contiguous(), rows};
      linear_weight_->callBoxed(stack);
      return stack.front().toTensor();
    });
    torch::jit::WithInsertPoint before(node);
    Replace(node, "mkldnn::_linear_pointwise",
            {input, PackedConstant(packed), bias != nullptr ? bias : Constant(IValue())});
  }

  // Constant: a value that is computed may have any type or strides.
  static bool IsRowOrNone(const Value* bias, int64_t size) {
    if (!IsNoneOrConstant(bias)) return false;
    if (torch::jit::toIValue(bias)->isNone()) return true;
    const at::Tensor row = ConstantWeight(bias, 1);
    return row.defined() && row.size(0) == size && row.is_contiguous();
  }

  void PackConvolution(Node* node) {
    Value* const input = node->input(0);
    Value* const bias = node->input(2);
    const at::Tensor plain = ConstantWeight(node->input(1), 4);
    const auto sizes = Sizes(*input);
    const auto out_sizes = Sizes(*node->output());
    if (!plain.defined() || !sizes || sizes->size() != 4 || !out_sizes || !IsFloat32(*input) ||
        Product(*sizes) == 0 || !IsRowOrNone(bias, plain.size(0))) {
      return;
    }
    std::array<std::optional<IValue>, 4> geometry;  // stride, padding, dilation, groups
    for (size_t i = 0; i < geometry.size(); ++i) {
      geometry[i] = torch::jit::toIValue(node->input(3 + i));
      if (!geometry[i]) return;
    }
    if (!geometry[1]->isIntList()) return;  // "same"
    if (Product(*out_sizes) * (plain.numel() / plain.size(0)) < kMinConvolutionMultiplications)
      return;

    torch::jit::Stack stack = {plain,        *geometry[1], *geometry[0],
                               *geometry[2], *geometry[3], c10::List<int64_t>(*sizes)};
    convolution_weight_->callBoxed(stack);
    const at::Tensor packed = stack.front().toTensor();
    packed_.bytes += static_cast<size_t>(plain.nbytes());

    torch::jit::WithInsertPoint before(node);
    Value* const channels_last = InLayout(input, c10::MemoryFormat::ChannelsLast, *node);
    Replace(node, "mkldnn::_convolution_pointwise",
            {channels_last, PackedConstant(packed), bias, node->input(4), node->input(3),
             node->input(5), node->input(6)});
  }

 public:
  // What is not agnostic gets tensors as it would without packing.
  void RestoreLayouts() {
    static const Symbol kConvolution = Symbol::fromQualString("mkldnn::_convolution_pointwise");
    std::unordered_set<const Value*> altered;
    std::map<const Value*, Value*> dense;
    std::vector<Node*> nodes(graph_.nodes().begin(), graph_.nodes().end());
    for (Node* node : nodes) {
      if (node->kind() == kConvolution) {
        altered.insert(node->output());
        continue;
      }
      const bool agnostic = IsAgnostic(*node);
      for (size_t i = 0; i < node->inputs().size(); ++i) {
        Value* const input = node->input(i);
        if (altered.count(input) == 0) continue;
        if (agnostic) {
          for (const Value* output : node->outputs()) altered.insert(output);
          continue;
        }
        Value*& restored = dense[input];
        if (restored == nullptr) {
          torch::jit::WithInsertPoint before(node);
          restored = InLayout(input, c10::MemoryFormat::Contiguous, *node);
        }
        node->replaceInput(i, restored);
      }
    }
  }

 private:
  static bool IsAgnostic(const Node& node) {
    if (LayoutAgnostic().count(node.kind()) > 0) return true;
    static const Symbol kContiguous = Symbol::fromQualString("aten::contiguous");
    if (node.kind() == kContiguous) return true;
    if (node.kind() != c10::prim::ListConstruct) return false;
    for (const torch::jit::Use& use : node.output()->uses()) {
      if (LayoutAgnostic().count(use.user->kind()) == 0) return false;
    }
    return true;
  }

  // For `user`. REQUIRES: an insert point.
  Value* InLayout(Value* value, c10::MemoryFormat format, Node& user) {
    Node* const node =
        graph_.create(Symbol::fromQualString("aten::contiguous"),
                      {value, Constant(static_cast<int64_t>(format))}, /*num_outputs=*/1);
    node->output()->setType(value->type());
    node->copyMetadata(&user);
    return graph_.insertNode(node)->output();
  }

  Value* Constant(const IValue& value) { return torch::jit::insertConstant(graph_, value); }

  // LibTorch's own kind of node for it: a plain constant must be a strided tensor.
  Value* PackedConstant(const at::Tensor& tensor) {
    Node* const node = graph_.create(c10::prim::ConstantMKLDNNTensor);
    node->t_(c10::attr::value, tensor);
    return graph_.insertNode(node)->output();
  }

  // `node` as `op`, whose last arguments say: nothing fused.
  void Replace(Node* node, const char* op, std::vector<Value*> inputs) {
    Node* const scalars =
        graph_.insertNode(graph_.createList(c10::OptionalType::create(c10::NumberType::get()), {}));
    inputs.insert(inputs.end(), {Constant("none"), scalars->output(), Constant("")});
    Node* const packed =
        graph_.insertNode(graph_.create(Symbol::fromQualString(op), inputs, /*num_outputs=*/1));
    packed->output()->setType(node->output()->type());
    packed->copyMetadata(node);
    packed->getOperation();  // throws if LibTorch does not take the arguments
    node->output()->replaceAllUsesWith(packed->output());
    node->destroy();
    ++packed_.nodes;
  }

  // One packed copy of a weight that several nodes share.
  at::Tensor Reordered(const Value* weight, std::pair<int64_t, bool> how,
                       const std::function<at::Tensor()>& reorder) {
    at::Tensor& packed =
        linear_weights_[{torch::jit::toIValue(weight)->toTensor().const_data_ptr(), how}];
    if (!packed.defined()) {
      packed = reorder();
      packed_.bytes += static_cast<size_t>(packed.numel()) * packed.element_size();
    }
    return packed;
  }

  torch::jit::Graph& graph_;
  const std::optional<c10::OperatorHandle> linear_weight_, convolution_weight_;
  std::map<std::pair<const void*, std::pair<int64_t, bool>>, at::Tensor> linear_weights_;
  PackedWeights packed_;
};

// Plain tensor constants.
std::vector<Node*> TensorConstants(torch::jit::Graph& graph) {
  std::vector<Node*> found;
  for (Node* node : graph.nodes()) {
    const bool is_tensor = node->kind() == c10::prim::Constant &&
                           node->hasAttribute(c10::attr::value) &&
                           node->kindOf(c10::attr::value) == torch::jit::AttributeKind::t;
    if (is_tensor) found.push_back(node);
  }
  return found;
}

// What is copied may be so small a part of what was packed.
constexpr size_t kMaxCopied = 16;

}  // namespace

PackedWeights PackWeights(torch::jit::Graph& graph) {
  c10::InferenceMode inference;
  Packer packer(graph);
  const PackedWeights packed = packer.Run();
  if (packed.nodes == 0) return packed;
  packer.RestoreLayouts();
  torch::jit::EliminateDeadCode(graph.block());
  return packed;
}

bool DetachFromHost(torch::jit::Graph& graph, absl::Span<const sdk::ConstantView> constants,
                    PackedWeights& packed) {
  std::unordered_set<const void*> of_host;
  for (const sdk::ConstantView& constant : constants) of_host.insert(constant.data);
  std::vector<Node*> borrowed;
  size_t bytes = 0;
  for (Node* node : TensorConstants(graph)) {
    const at::Tensor& tensor = node->t(c10::attr::value);
    if (!tensor.has_storage() || of_host.count(tensor.storage().data()) == 0) continue;
    borrowed.push_back(node);
    bytes += tensor.nbytes();
  }
  if (bytes > packed.bytes / kMaxCopied) return false;
  c10::InferenceMode inference;
  for (Node* node : borrowed) node->t_(c10::attr::value, node->t(c10::attr::value).clone());
  packed.bytes += bytes;
  return true;
}

}  // namespace ingot::torchscript_backend
