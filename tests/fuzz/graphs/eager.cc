#include "tests/fuzz/graphs/eager.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/type.h"
#include "core/ops/registry.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/layout.h"

namespace ingot::fuzz {
namespace {

using torchscript::Guard;
using torchscript::ToScalarType;
using Tensors = std::vector<at::Tensor>;

std::vector<int64_t> Sizes(const ir::TensorType& type) {
  return std::vector<int64_t>(type.dims.begin(), type.dims.end());
}

at::Tensor CopyOf(const runtime::HostTensor& tensor) {
  return at::from_blob(tensor.data<char>(), Sizes(tensor.type()),
                       at::TensorOptions().dtype(ToScalarType(tensor.type().dtype)))
      .clone();
}

at::Scalar ToScalar(const ir::Scalar& scalar) {
  return std::visit(
      [](auto number) -> at::Scalar {
        if constexpr (std::is_same_v<decltype(number), std::complex<double>>) {
          return c10::complex<double>(number.real(), number.imag());
        } else {
          return number;
        }
      },
      scalar);
}

double Epsilon(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return 0x1p-10;
    case at::kBFloat16:
      return 0x1p-7;
    case at::kFloat:
      return 0x1p-23;
    default:
      return 0x1p-52;
  }
}

// Logarithms of sums (and of ratios) that LibTorch rounds to a half dtype first: a unit of the sum,
// which is one or more, is one of the result, however small the result is.
bool RoundsBeforeLog(const ir::Node& node) {
  constexpr const char* kOps[] = {"aten::log_softmax.int", "aten::_log_softmax", "aten::logsumexp",
                                  "aten::logit"};
  return std::find(std::begin(kOps), std::end(kOps), node.op) != std::end(kOps);
}

// Each element off by half a unit to one, and as much of a unit of 1 if `absolute`.
at::Tensor Noisy(const at::Tensor& tensor, Rng& rng, bool absolute = false) {
  const auto draws = [&](double about) {
    at::Tensor numbers = at::empty(tensor.sizes(), at::kDouble);
    const double epsilon = Epsilon(tensor.scalar_type());
    double* data = numbers.data_ptr<double>();
    for (int64_t i = 0; i < numbers.numel(); ++i) {
      const double size = epsilon * (0.5 + rng.Unit() / 2);
      data[i] = about + (rng.OneIn(2) ? size : -size);
    }
    return numbers;
  };
  at::Tensor noisy = tensor.to(at::kDouble).mul(draws(1));
  if (absolute && at::isReducedFloatingType(tensor.scalar_type())) noisy.add_(draws(0));
  return noisy.to(tensor.scalar_type());
}

struct ToIValue {
  const Case& c;
  const Tensors& values;
  const c10::Argument& argument;
  Rng* noise;  // for operands

  at::Tensor Operand(ir::ValueId id) const {
    const at::Tensor& tensor = values.at(id);
    TORCH_CHECK(tensor.defined(), "an operand was refused");
    return noise != nullptr && tensor.is_floating_point() ? Noisy(tensor, *noise) : tensor;
  }
  c10::IValue operator()(ir::None) const { return {}; }
  c10::IValue operator()(ir::ValueRef ref) const {
    if (argument.type()->kind() != c10::TypeKind::NumberType) return Operand(ref.id);
    for (const ir::InputSpec& input : c.graph.inputs()) {
      if (input.value == ref.id) return ToScalar(c.scalars.at(input.index));
    }
    return {};
  }
  c10::IValue operator()(const ir::ValueRefList& list) const {
    const c10::TypePtr element = argument.type()->expectRef<c10::ListType>().getElementType();
    if (element->kind() == c10::TypeKind::OptionalType) {
      c10::List<std::optional<at::Tensor>> tensors;
      for (ir::ValueId id : list.ids) {
        tensors.push_back(id == ir::kNoValue ? std::nullopt
                                             : std::optional<at::Tensor>(Operand(id)));
      }
      return tensors;
    }
    c10::List<at::Tensor> tensors;
    for (ir::ValueId id : list.ids) tensors.push_back(Operand(id));
    return tensors;
  }
  c10::IValue operator()(std::complex<double> z) const {
    return c10::complex<double>(z.real(), z.imag());
  }
  c10::IValue operator()(ir::DType dtype) const {
    return static_cast<int64_t>(ToScalarType(dtype));
  }
  c10::IValue operator()(const std::vector<bool>& list) const {
    c10::List<bool> bools;
    for (bool b : list) bools.push_back(b);
    return bools;
  }
  template <typename T>
  c10::IValue operator()(const T& value) const {
    return c10::IValue(value);
  }
};

void AppendTensors(const c10::IValue& value, std::vector<at::Tensor>& out) {
  if (value.isTensor()) out.push_back(value.toTensor());
  if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) out.push_back(tensor);
  }
}

// A function of one tensor, element by element, has no sum in it.
bool Sums(const ir::Node& node) {
  const ops::OpDef* def = ops::FindOp(node.op);
  size_t operands = 0;
  ir::ForEachOperand(node, [&](ir::ValueId) { ++operands; });
  const bool is_function = operands < 2 && (def == nullptr || def->Is(ops::kPointwise));
  return !is_function && (def == nullptr || !def->Is(ops::kRandom));
}

}  // namespace

absl::StatusOr<Eager> Eager::Create(const Case& c) {
  Eager eager(c);
  for (const ir::Node& node : c.graph.nodes()) {
    const size_t dot = node.op.find('.');
    const auto handle = c10::Dispatcher::singleton().findSchema(
        {node.op.substr(0, dot), dot == std::string::npos ? "" : node.op.substr(dot + 1)});
    if (!handle) return absl::NotFoundError(absl::StrCat("LibTorch has no op ", node.op));
    eager.ops_.push_back({*handle, Sums(node), handle->schema().is_mutable()});
  }
  for (uint32_t i = 0; i < c.constants.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor contents,
                           Contents(c, ir::InputRole::kConstant, i, 0));
    eager.constants_.push_back(CopyOf(contents));
  }
  return eager;
}

absl::StatusOr<std::vector<at::Tensor>> Eager::Arguments(int call) const {
  std::vector<at::Tensor> arguments;
  const std::vector<ir::ValueId> inputs = Inputs(case_.graph, ir::InputRole::kArgument);
  for (uint32_t i = 0; i < case_.arguments.size(); ++i) {
    const Placement& placement = case_.placements[i];
    const at::IntArrayRef strides(placement.strides.data(), placement.strides.size());
    if (placement.view_of >= 0) {
      arguments.push_back(arguments[placement.view_of].as_strided(
          Sizes(case_.graph.type(inputs[i])), strides, placement.offset));
      continue;
    }
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor contents,
                           Contents(case_, ir::InputRole::kArgument, i, call));
    at::Tensor tensor = CopyOf(contents);
    if (!placement.strides.empty()) {
      tensor = at::empty_strided(tensor.sizes(), strides, tensor.options()).copy_(tensor);
    }
    arguments.push_back(tensor);
  }
  return arguments;
}

absl::StatusOr<std::vector<at::Tensor>> Eager::States() const {
  std::vector<at::Tensor> states;
  for (uint32_t i = 0; i < case_.states.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor contents,
                           Contents(case_, ir::InputRole::kState, i, 0));
    states.push_back(CopyOf(contents));
  }
  return states;
}

absl::Status Eager::CheckTypes(const ir::Node& node, const std::vector<at::Tensor>& outputs) const {
  if (outputs.size() != node.outputs.size()) {
    return absl::InternalError(
        absl::StrCat(node.op, " gave ", outputs.size(), " tensors, not ", node.outputs.size()));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] == ir::kNoValue) continue;
    const ir::TensorType& type = case_.graph.type(node.outputs[i]);
    if (outputs[i].scalar_type() == ToScalarType(type.dtype) && outputs[i].sizes() == Sizes(type)) {
      continue;
    }
    std::ostringstream text;
    text << node.op << " gave " << outputs[i].toString() << outputs[i].sizes() << "; inferred "
         << ir::ToString(type);
    return absl::InternalError(text.str());
  }
  return absl::OkStatus();
}

absl::Status Eager::RunNode(size_t at, Tensors& values, Rng* noise) const {
  const ir::Node& node = case_.graph.nodes()[at];
  const Op& op = ops_[at];
  const bool rounds = noise != nullptr && node.source != kExact;
  torch::jit::Stack stack;
  const std::vector<c10::Argument>& parameters = op.handle.schema().arguments();
  for (size_t i = 0; i < parameters.size(); ++i) {
    // What is written must be the tensor itself.
    Rng* operand_noise = rounds && op.sums && !(op.writes && i == 0) ? noise : nullptr;
    stack.push_back(
        std::visit(ToIValue{case_, values, parameters[i], operand_noise}, node.args[i]));
  }
  if (op.writes) {
    // The cases have none, but what the shrinker makes of them might.
    for (const at::Tensor& constant : constants_) {
      TORCH_CHECK(!stack[0].toTensor().is_alias_of(constant), "a constant would be written");
    }
    // What depends on the order of reads and writes, recording refuses.
    const torchscript::Layout target = torchscript::LayoutOf(stack[0].toTensor());
    TORCH_CHECK(!target.OverlapsItself(), "elements that share memory would be written");
    for (size_t i = 1; i < stack.size(); ++i) {
      if (!stack[i].isTensor() || !stack[i].toTensor().is_alias_of(stack[0].toTensor())) continue;
      const torchscript::Layout other = torchscript::LayoutOf(stack[i].toTensor());
      TORCH_CHECK(other == target || !other.Intersects(target),
                  "elements would be read that are written elsewhere");
    }
  }
  if (absl::EndsWith(node.op, "_scatter")) {
    // select_scatter and its kin write to a copy with their operand's strides.
    TORCH_CHECK(!torchscript::LayoutOf(stack[0].toTensor()).OverlapsItself(),
                "elements that share memory would be written");
  }
  op.handle.callBoxed(stack);
  std::vector<at::Tensor> outputs;
  for (const c10::IValue& value : stack) AppendTensors(value, outputs);
  INGOT_RETURN_IF_ERROR(CheckTypes(node, outputs));
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (node.outputs[i] == ir::kNoValue) continue;
    at::Tensor& output = outputs[i];
    if (rounds && output.is_floating_point()) {
      if (op.writes) {
        output.copy_(Noisy(output, *noise));
      } else {
        output = Noisy(output, *noise, RoundsBeforeLog(node));
      }
    }
    // Values of graphs have no strides: nothing may depend on those LibTorch chose.
    values[node.outputs[i]] = case_.is_program ? output : output.contiguous();
  }
  return absl::OkStatus();
}

Outcome Eager::Collect(const Tensors& values, const std::vector<at::Tensor>& arguments,
                       const std::vector<at::Tensor>& states) const {
  using Role = ir::OutputRole;
  Outcome outcome{.arguments = arguments, .states = states};
  // Copies, since one write may change what another writes.
  std::vector<at::Tensor> contents;
  for (const ir::OutputSpec& output : case_.graph.outputs()) {
    contents.push_back(case_.is_program ? values[output.value] : values[output.value].clone());
  }
  for (size_t i = 0; i < contents.size(); ++i) {
    const ir::OutputSpec& output = case_.graph.outputs()[i];
    if (output.role == Role::kWriteBack) outcome.arguments[output.index].copy_(contents[i]);
    if (output.role == Role::kStateUpdate) outcome.states[output.index] = contents[i];
    if (output.role == Role::kResult || output.role == Role::kAlias) {
      outcome.results.resize(std::max<size_t>(outcome.results.size(), output.index + 1));
      outcome.results[output.index] =
          output.role == Role::kAlias ? arguments[output.alias_of] : contents[i];
    }
  }
  return outcome;
}

absl::StatusOr<Tensors> Eager::Values(const Tensors& arguments, const Tensors& states) const {
  Tensors values(case_.graph.num_values());
  for (const ir::InputSpec& input : case_.graph.inputs()) {
    at::Tensor& value = values[input.value];
    if (input.role == ir::InputRole::kArgument) {
      const at::Tensor& argument = arguments[input.index];
      value = case_.is_program ? argument : argument.contiguous().clone();
    }
    if (input.role == ir::InputRole::kConstant) value = constants_[input.index];
    if (input.role == ir::InputRole::kState) value = states[input.index];
    if (input.role == ir::InputRole::kSeed) value = at::zeros({}, at::kLong);
  }
  return values;
}

absl::StatusOr<Outcome> Eager::Run(const Tensors& arguments, const Tensors& states,
                                   Rng* noise) const {
  return Guard("eager", [&]() -> absl::StatusOr<Outcome> {
    const at::NoGradGuard no_grad;
    INGOT_ASSIGN_OR_RETURN(Tensors values, Values(arguments, states));
    for (size_t node = 0; node < ops_.size(); ++node) {
      INGOT_RETURN_IF_ERROR(RunNode(node, values, noise));
    }
    return Collect(values, arguments, states);
  });
}

Narrow Eager::NarrowParts() const {
  const ir::Graph& graph = case_.graph;
  std::vector<bool> narrow(graph.num_values(), false);
  const auto is_narrow = [&](ir::ValueId v) {
    const ir::DType dtype = graph.type(v).dtype;
    return narrow[v] || (ir::IsFloating(dtype) && dtype != ir::DType::kFloat64);
  };
  for (bool changed = true; changed;) {
    changed = false;
    const auto mark = [&](ir::ValueId v) {
      changed |= !narrow[v];
      narrow[v] = true;
    };
    for (const ir::Node& node : graph.nodes()) {
      bool any = false;
      ir::ForEachOperand(node, [&](ir::ValueId v) { any |= is_narrow(v); });
      for (ir::ValueId v : node.outputs) any |= v != ir::kNoValue && is_narrow(v);
      if (!any) continue;
      for (ir::ValueId v : node.outputs) {
        if (v != ir::kNoValue) mark(v);
      }
      // What is written may be any operand, or memory that it shares.
      if (case_.is_program) ir::ForEachOperand(node, mark);
    }
  }
  Narrow parts;
  parts.arguments.resize(case_.arguments.size());
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role == ir::InputRole::kArgument) parts.arguments[input.index] = narrow[input.value];
  }
  for (const ir::OutputSpec& output : graph.outputs()) {
    if (output.role == ir::OutputRole::kWriteBack && narrow[output.value]) {
      parts.arguments[output.index] = true;
    }
    if (output.role != ir::OutputRole::kResult && output.role != ir::OutputRole::kAlias) continue;
    parts.results.resize(std::max<size_t>(parts.results.size(), output.index + 1));
    parts.results[output.index] = narrow[output.value];
  }
  return parts;
}

absl::StatusOr<std::vector<bool>> Eager::Refused() const {
  const at::NoGradGuard no_grad;
  INGOT_ASSIGN_OR_RETURN(const Tensors arguments, Arguments(0));
  INGOT_ASSIGN_OR_RETURN(const Tensors states, States());
  INGOT_ASSIGN_OR_RETURN(Tensors values, Values(arguments, states));
  std::vector<bool> refused;
  for (size_t at = 0; at < ops_.size(); ++at) {
    const absl::Status status = Guard("eager", [&] { return RunNode(at, values, nullptr); });
    refused.push_back(!status.ok());
    if (status.ok()) continue;
    for (ir::ValueId v : case_.graph.nodes()[at].outputs) {
      const ir::TensorType& type = case_.graph.type(v);
      values[v] = at::zeros(Sizes(type), ToScalarType(type.dtype));
    }
  }
  return refused;
}

}  // namespace ingot::fuzz
