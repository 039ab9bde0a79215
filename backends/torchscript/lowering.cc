#include "backends/torchscript/lowering.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/ir/scope.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "backends/torchscript/dtypes.h"
#include "backends/torchscript/guard.h"
#include "core/base/status_macros.h"
#include "core/ir/opaque_op.h"

namespace ingot::torchscript_backend {
namespace {

using torch::jit::IValue;
using torch::jit::Node;
using torch::jit::Value;

// --- Schemas ---

// The operator that `full_name` ("aten::add.Tensor", "aten::sqrt:opaque") names: from the
// dispatcher, or one of TorchScript's own.
const c10::FunctionSchema* FindSchema(absl::string_view full_name) {
  const std::string op(ir::BaseOp(full_name));
  const size_t dot = op.find('.', op.find("::") == std::string::npos ? 0 : op.find("::"));
  const std::string name = op.substr(0, dot);
  const std::string overload = dot == std::string::npos ? "" : op.substr(dot + 1);
  if (auto handle = c10::Dispatcher::singleton().findSchema({name, overload}))
    return &handle->schema();
  for (const auto& candidate : torch::jit::getAllOperatorsFor(c10::Symbol::fromQualString(name))) {
    if (candidate->schema().overload_name() == overload) return &candidate->schema();
  }
  return nullptr;
}

bool IsOptional(const c10::TypePtr& type) { return type->kind() == c10::TypeKind::OptionalType; }

c10::TypePtr Unwrapped(const c10::TypePtr& type) {
  return IsOptional(type) ? type->expectRef<c10::OptionalType>().getElementType() : type;
}

bool IsTensorList(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::ListType &&
         Unwrapped(type->expectRef<c10::ListType>().getElementType())->kind() ==
             c10::TypeKind::TensorType;
}

// A node of a random op has the seed as one more, last argument.
bool HasSeed(const ir::Node& node, const c10::FunctionSchema& schema) {
  return node.args.size() == schema.arguments().size() + 1;
}

// --- Literals ---

std::optional<IValue> FromInt(int64_t value, c10::TypeKind kind) {
  switch (kind) {
    case c10::TypeKind::FloatType:
      return IValue(static_cast<double>(value));
    case c10::TypeKind::IntType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::MemoryFormatType:
      return IValue(value);
    default:
      return std::nullopt;
  }
}

// A literal argument as the IValue that a schema argument of `type` takes; nullopt if it does not
// fit.
struct ToIValue {
  const c10::TypePtr& type;

  std::optional<IValue> operator()(const ir::None&) const { return IValue(); }
  std::optional<IValue> operator()(const ir::ValueRef&) const { return std::nullopt; }
  std::optional<IValue> operator()(const ir::ValueRefList&) const { return std::nullopt; }
  std::optional<IValue> operator()(bool value) const { return IValue(value); }
  std::optional<IValue> operator()(int64_t value) const { return FromInt(value, type->kind()); }
  std::optional<IValue> operator()(double value) const { return IValue(value); }
  std::optional<IValue> operator()(const std::complex<double>& value) const {
    return IValue(c10::complex<double>(value.real(), value.imag()));
  }
  std::optional<IValue> operator()(const std::string& value) const { return IValue(value); }
  std::optional<IValue> operator()(const std::vector<int64_t>& value) const {
    return IValue(c10::List<int64_t>(value));
  }
  std::optional<IValue> operator()(const std::vector<double>& value) const {
    return IValue(c10::List<double>(value));
  }
  std::optional<IValue> operator()(const std::vector<bool>& value) const {
    c10::List<bool> list;
    for (bool b : value) list.push_back(b);
    return IValue(list);
  }
  std::optional<IValue> operator()(ir::DType value) const {
    return IValue(static_cast<int64_t>(ToScalarType(value)));
  }
};

c10::TypePtr ScalarInputType(ir::DType dtype) {
  switch (ir::Category(dtype)) {
    case ir::DTypeCategory::kBool:
      return c10::NumberType::get();  // as ATen's scalars; TorchScript's numbers do not include
                                      // bools
    case ir::DTypeCategory::kIntegral:
      return c10::IntType::get();
    case ir::DTypeCategory::kFloating:
      return c10::FloatType::get();
    case ir::DTypeCategory::kComplex:
      return c10::ComplexType::get();
  }
  return c10::NumberType::get();
}

// Sizes, which the packing of weights asks for; strides are the operators' own affair.
c10::TypePtr JitType(const ir::TensorType& type) {
  return c10::TensorType::create(
      ToScalarType(type.dtype), c10::Device(c10::kCPU),
      c10::VaryingShape<int64_t>(std::vector<int64_t>(type.dims.begin(), type.dims.end())),
      c10::VaryingShape<int64_t>(type.dims.size()), /*requires_grad=*/false);
}

at::Tensor Wrap(const sdk::ConstantView& constant, const ir::TensorType& type) {
  return at::from_blob(const_cast<void*>(constant.data),
                       at::IntArrayRef(type.dims.data(), type.dims.size()),
                       at::TensorOptions().dtype(ToScalarType(type.dtype)));
}

// --- Convolutions ---

// `aten::convolution` as conv1d/2d/3d, whose names LibTorch's frozen-graph passes look for; nullptr
// if it is transposed.
const char* PlainConvolution(const ir::Graph& graph, const ir::Node& node) {
  if (node.op != "aten::convolution" || std::get<bool>(node.args[6])) return nullptr;
  const auto* weight = std::get_if<ir::ValueRef>(&node.args[1]);
  if (weight == nullptr) return nullptr;
  switch (graph.type(weight->id).rank()) {
    case 3:
      return "aten::conv1d";
    case 4:
      return "aten::conv2d";
    case 5:
      return "aten::conv3d";
    default:
      return nullptr;
  }
}

// conv2d(input, weight, bias, stride, padding, dilation, groups) of
// convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups).
ir::Node AsPlainConvolution(const ir::Node& node, const char* op) {
  ir::Node plain = node;
  plain.op = op;
  plain.args = {node.args[0], node.args[1], node.args[2], node.args[3],
                node.args[4], node.args[5], node.args[8]};
  return plain;
}

// These copy their operand with its strides, so that elements which share memory (unfold's windows)
// would share what is written; the graph's values share nothing.
bool KeepsStrides(absl::string_view op) {
  constexpr absl::string_view kOps[] = {"aten::select_scatter", "aten::slice_scatter",
                                        "aten::diagonal_scatter", "aten::as_strided_scatter"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

// --- Where a node came from ---

// LibTorch's passes keep a node's scope.
constexpr char kScopePrefix[] = "node_";

torch::jit::ScopePtr ScopeOf(torch::jit::Graph& graph, ir::NodeId id) {
  return graph.current_scope()->push(
      c10::Symbol::fromQualString(absl::StrCat("scope::", kScopePrefix, id)));
}

// --- The graph ---

class Lowering {
 public:
  Lowering(const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants)
      : graph_(graph),
        constants_(constants),
        out_(std::make_shared<torch::jit::Graph>()),
        values_(graph.num_values(), nullptr),
        roles_(graph.num_values(), ir::InputRole::kArgument) {}

  absl::StatusOr<std::shared_ptr<torch::jit::Graph>> Run() {
    torch::jit::WithInsertPoint insert_at_end(out_->block());
    AddInputs();
    for (ir::NodeId id = 0; id < graph_.nodes().size(); ++id) {
      const ir::Node& node = graph_.node(id);
      const torch::jit::WithCurrentScope scope(*out_, ScopeOf(*out_, id));
      const char* plain = PlainConvolution(graph_, node);
      INGOT_RETURN_IF_ERROR(AddNode(plain != nullptr ? AsPlainConvolution(node, plain) : node),
                            ir::Describe(graph_, id));
    }
    for (const ir::OutputSpec& output : graph_.outputs())
      out_->registerOutput(values_[output.value]);
    torch::jit::OptimizeFrozenGraph(out_, /*optimize_numerics=*/true);
    torch::jit::ConstantPooling(out_);
    torch::jit::EliminateDeadCode(out_);
    out_->lint();
    return out_;
  }

 private:
  void AddInputs() {
    for (const ir::InputSpec& input : graph_.inputs()) {
      const ir::TensorType& type = graph_.type(input.value);
      roles_[input.value] = input.role;
      if (input.role == ir::InputRole::kSeed) continue;
      if (input.role == ir::InputRole::kConstant) {
        values_[input.value] =
            torch::jit::insertConstant(*out_, IValue(Wrap(constants_[input.index], type)));
        continue;
      }
      Value* value = out_->addInput();
      value->setType(input.role == ir::InputRole::kScalar ? ScalarInputType(type.dtype)
                                                          : JitType(type));
      values_[input.value] = value;
    }
  }

  // Numbers and tensors turn into each other where an op wants the other kind.
  Value* Operand(ir::ValueId id, const c10::TypePtr& type) {
    const bool is_number = roles_[id] == ir::InputRole::kScalar;
    const bool wants_tensor = type->kind() == c10::TypeKind::TensorType;
    if (is_number && wants_tensor) return out_->insert(c10::prim::NumToTensor, {values_[id]});
    if (!is_number && !wants_tensor) return out_->insert(c10::aten::ScalarImplicit, {values_[id]});
    return values_[id];
  }

  Value* TensorList(const ir::ValueRefList& list, const c10::TypePtr& type) {
    std::vector<Value*> elements;
    for (ir::ValueId id : list.ids) {
      elements.push_back(id == ir::kNoValue ? torch::jit::insertConstant(*out_, IValue())
                                            : values_[id]);
    }
    Node* node = out_->createList(type->expectRef<c10::ListType>().getElementType(), elements);
    return out_->insertNode(node)->output();
  }

  absl::StatusOr<Value*> AddArgument(const ir::Argument& arg, const c10::Argument& schema) {
    const c10::TypePtr type = Unwrapped(schema.real_type());
    if (const auto* ref = std::get_if<ir::ValueRef>(&arg)) return Operand(ref->id, type);
    if (const auto* list = std::get_if<ir::ValueRefList>(&arg)) return TensorList(*list, type);
    const std::optional<IValue> literal = std::visit(ToIValue{type}, arg);
    if (!literal) {
      return absl::InvalidArgumentError(absl::StrCat(
          "argument '", schema.name(), "' does not fit its type ", schema.type()->str()));
    }
    // TorchScript has no bool among its numbers, but ATen's scalars do: one read from a tensor
    // passes.
    if (type->kind() == c10::TypeKind::NumberType && literal->isBool()) {
      Value* tensor =
          torch::jit::insertConstant(*out_, at::scalar_tensor(literal->toBool(), at::kBool));
      return out_->insert(c10::aten::ScalarImplicit, {tensor});
    }
    return torch::jit::insertConstant(*out_, *literal);
  }

  absl::Status AddNode(const ir::Node& node) {
    const c10::FunctionSchema* schema = FindSchema(node.op);
    if (schema == nullptr) return absl::UnimplementedError("LibTorch has no such operator");
    std::vector<Value*> inputs;
    for (size_t i = 0; i < schema->arguments().size(); ++i) {
      INGOT_ASSIGN_OR_RETURN(Value * input, AddArgument(node.args[i], schema->arguments()[i]));
      inputs.push_back(input);
    }
    if (KeepsStrides(ir::BaseOp(node.op)))
      inputs[0] = out_->insert(c10::aten::contiguous, {inputs[0]});
    const auto& returns = schema->returns();
    Node* call = out_->create(c10::Symbol::fromQualString(schema->name()), inputs, returns.size());
    for (size_t i = 0; i < returns.size(); ++i) call->output(i)->setType(returns[i].type());
    out_->insertNode(call);
    // The interpreter finds the overload by the types of the inputs; make sure that it is the one
    // meant.
    const torch::jit::Operator* found = call->maybeOperator();
    if (found == nullptr || found->schema().overload_name() != schema->overload_name()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "TorchScript resolves the arguments to ",
          found == nullptr ? "no operator" : c10::toString(found->schema().operator_name())));
    }
    return BindOutputs(node, call);
  }

  absl::Status BindOutputs(const ir::Node& node, Node* call) {
    std::vector<Value*> produced;
    if (call->outputs().size() == 1 && IsTensorList(call->output()->type())) {
      Node* unpack = out_->createListUnpack(call->output(), node.outputs.size());
      for (Value* output : unpack->outputs()) output->setType(c10::TensorType::get());
      out_->insertNode(unpack);
      produced.assign(unpack->outputs().begin(), unpack->outputs().end());
    } else {
      for (Value* output : call->outputs()) {
        if (output->type()->kind() == c10::TypeKind::TensorType) produced.push_back(output);
      }
    }
    if (produced.size() < node.outputs.size()) {
      return absl::InvalidArgumentError(absl::StrCat("has ", node.outputs.size(),
                                                     " outputs, but LibTorch returns ",
                                                     produced.size(), " tensors"));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == ir::kNoValue) continue;
      values_[node.outputs[i]] = produced[i];
      produced[i]->setType(JitType(graph_.type(node.outputs[i])));
    }
    return absl::OkStatus();
  }

  const ir::Graph& graph_;
  const absl::Span<const sdk::ConstantView> constants_;
  std::shared_ptr<torch::jit::Graph> out_;
  std::vector<Value*> values_;
  std::vector<ir::InputRole> roles_;
};

// Whether a schema argument takes `arg`: a tensor, a list of tensors, or a literal of its type.
bool Fits(const ir::Argument& arg, const c10::Argument& schema) {
  const c10::TypePtr type = Unwrapped(schema.real_type());
  const bool wants_number = type->kind() == c10::TypeKind::NumberType;
  if (std::holds_alternative<ir::ValueRef>(arg)) {
    return type->kind() == c10::TypeKind::TensorType || wants_number;
  }
  if (std::holds_alternative<ir::ValueRefList>(arg)) return IsTensorList(type);
  const std::optional<IValue> literal = std::visit(ToIValue{type}, arg);
  if (!literal) return false;
  if (literal->isNone())
    return type->kind() != c10::TypeKind::TensorType || IsOptional(schema.type());
  // The declared type: enumerations (dtypes, memory formats) are ints there.
  return (wants_number && literal->isBool()) ||
         literal->type()->isSubtypeOf(*Unwrapped(schema.type()));
}

// Whether the operator does nothing but compute tensors from its arguments, as far as its schema
// tells.
absl::Status CheckEffects(const ir::Node& node, const c10::FunctionSchema& schema) {
  const std::vector<c10::Argument>& arguments = schema.arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i].name();
    if (arguments[i].alias_info() != nullptr && arguments[i].alias_info()->isWrite()) {
      return absl::UnimplementedError(absl::StrCat("it writes its argument '", name, "'"));
    }
    const bool* value = std::get_if<bool>(&node.args[i]);
    if (name == ir::kUncheckedArgument && (value == nullptr || *value)) {
      return absl::PermissionDeniedError(
          absl::StrCat("a graph may not switch its checks off: '", name, "'"));
    }
  }
  const auto is_tensors = [](const c10::Argument& result) {
    return result.type()->kind() == c10::TypeKind::TensorType || IsTensorList(result.type());
  };
  if (std::any_of(schema.returns().begin(), schema.returns().end(), is_tensors)) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError("it returns no tensor");
}

absl::Status CheckArguments(const ir::Node& node, const c10::FunctionSchema& schema) {
  const auto& arguments = schema.arguments();
  if (node.args.size() != arguments.size() && !HasSeed(node, schema)) {
    return absl::UnimplementedError(absl::StrCat("LibTorch's operator takes ", arguments.size(),
                                                 " arguments, not ", node.args.size()));
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool fits = Fits(node.args[i], arguments[i]);
    if (!fits) {
      return absl::UnimplementedError(absl::StrCat("LibTorch's operator wants ",
                                                   arguments[i].type()->str(), " for argument '",
                                                   arguments[i].name(), "'"));
    }
  }
  return CheckEffects(node, schema);
}

// The seed is no tensor here: it goes to LibTorch's generator, whoever asks for random numbers.
bool ReadsSeed(const ir::Graph& graph, const ir::Node& node, size_t num_arguments) {
  bool reads = false;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role != ir::InputRole::kSeed) continue;
    for (size_t i = 0; i < num_arguments; ++i) {
      ir::ForEachValue(node.args[i], [&](ir::ValueId value) { reads |= value == input.value; });
    }
  }
  return reads;
}

}  // namespace

absl::Status CheckNode(const ir::Graph& graph, ir::NodeId id) {
  return Guarded("checking", [&]() -> absl::Status {
    const ir::Node& node = graph.node(id);
    if (node.op.find("::") == std::string::npos) {
      return absl::UnimplementedError("not the name of a LibTorch operator");
    }
    INGOT_RETURN_IF_ERROR(ir::CheckOpaqueOp(node.op));
    const c10::FunctionSchema* schema = FindSchema(node.op);
    if (schema == nullptr) return absl::UnimplementedError("LibTorch has no such operator");
    INGOT_RETURN_IF_ERROR(CheckArguments(node, *schema));
    if (ReadsSeed(graph, node, schema->arguments().size())) {
      return absl::UnimplementedError("it computes with the call's seed");
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::shared_ptr<torch::jit::Graph>> Lower(
    const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants) {
  return Guarded("lowering to TorchScript", [&] { return Lowering(graph, constants).Run(); });
}

ir::NodeId NodeOf(torch::jit::Node& node) {
  const torch::jit::ScopePtr scope = node.scope();
  if (scope == nullptr || scope->isRoot()) return kNoNode;
  absl::string_view name = scope->name().toUnqualString();
  ir::NodeId id = 0;
  if (!absl::ConsumePrefix(&name, kScopePrefix) || !absl::SimpleAtoi(name, &id)) return kNoNode;
  return id;
}

}  // namespace ingot::torchscript_backend
