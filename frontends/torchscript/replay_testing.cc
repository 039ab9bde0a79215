#include "frontends/torchscript/replay_testing.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <map>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/torchscript/arguments.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/layout.h"
#include "frontends/torchscript/values.h"

namespace ingot::torchscript {
namespace {

using Values = std::map<ir::ValueId, at::Tensor>;

at::Tensor FromConstant(const ir::Constant& constant) {
  const std::vector<int64_t> sizes(constant.type.dims.begin(), constant.type.dims.end());
  return at::from_blob(const_cast<void*>(constant.data), sizes,
                       at::TensorOptions().dtype(ToScalarType(constant.type.dtype)));
}

struct ToIValue {
  const Values& values;
  const c10::Argument& argument;

  c10::IValue operator()(ir::None) const { return {}; }
  c10::IValue operator()(ir::ValueRef ref) const {
    const at::Tensor& tensor = values.at(ref.id);
    const bool is_number = argument.type()->kind() == c10::TypeKind::NumberType;
    return is_number ? c10::IValue(tensor.item()) : c10::IValue(tensor);
  }
  c10::IValue operator()(const ir::ValueRefList& list) const {
    const c10::TypePtr element = argument.type()->expectRef<c10::ListType>().getElementType();
    if (element->kind() == c10::TypeKind::OptionalType) {
      c10::List<std::optional<at::Tensor>> tensors;
      for (ir::ValueId id : list.ids) {
        tensors.push_back(id == ir::kNoValue ? std::nullopt
                                             : std::optional<at::Tensor>(values.at(id)));
      }
      return tensors;
    }
    c10::List<at::Tensor> tensors;
    for (ir::ValueId id : list.ids) tensors.push_back(values.at(id));
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

absl::Status RunNode(const ir::Node& node, Values& values) {
  const size_t dot = node.op.find('.');
  const auto op = c10::Dispatcher::singleton().findSchema(
      {node.op.substr(0, dot), dot == std::string::npos ? "" : node.op.substr(dot + 1)});
  if (!op) return absl::NotFoundError(absl::StrCat("no op ", node.op));
  const auto& arguments = op->schema().arguments();
  torch::jit::Stack stack;
  for (size_t i = 0; i < arguments.size(); ++i) {
    stack.push_back(std::visit(ToIValue{values, arguments[i]}, node.args[i]));
  }
  op->callBoxed(stack);
  std::vector<at::Tensor> outputs;
  for (const c10::IValue& value : stack) AppendTensors(value, outputs);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    // Values have no strides: nothing may depend on those LibTorch chose.
    if (node.outputs[i] != ir::kNoValue) values[node.outputs[i]] = outputs[i].contiguous();
  }
  return absl::OkStatus();
}

Values Inputs(const ir::Recording& recording, const std::vector<at::Tensor>& args,
              const std::vector<at::Tensor>& state) {
  Values values;
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    at::Tensor& value = values[input.value];
    if (input.role == ir::InputRole::kArgument) value = args[input.index].contiguous().clone();
    if (input.role == ir::InputRole::kConstant)
      value = FromConstant(recording.constants[input.index]);
    if (input.role == ir::InputRole::kState) value = state[input.index].clone();
    if (input.role == ir::InputRole::kSeed) value = at::zeros({}, at::kLong);
  }
  return values;
}

at::Tensor WithStrides(const at::Tensor& tensor, const ir::Dims& strides) {
  if (strides.empty()) return tensor.clone();
  at::Tensor copy = at::empty_strided(
      tensor.sizes(), at::IntArrayRef(strides.data(), strides.size()), tensor.options());
  return copy.copy_(tensor);
}

at::Tensor AliasOf(const at::Tensor& argument, const at::Tensor& value,
                   const ir::OutputSpec& output) {
  if (output.strides.empty() && value.sizes() == argument.sizes() && output.offset == 0)
    return argument;
  return argument.as_strided(value.sizes(),
                             at::IntArrayRef(output.strides.data(), output.strides.size()),
                             argument.storage_offset() + output.offset);
}

std::vector<c10::IValue> ToIValues(const std::vector<at::Tensor>& tensors) {
  return std::vector<c10::IValue>(tensors.begin(), tensors.end());
}

}  // namespace

absl::StatusOr<Outcome> Replay(const ir::Recording& recording, const std::vector<at::Tensor>& args,
                               std::vector<at::Tensor> state) {
  const at::NoGradGuard no_grad;
  INGOT_ASSIGN_OR_RETURN(ClonedArguments clones, CloneArguments(ToIValues(args)));
  if (state.empty()) {
    for (const ir::Constant& initial : recording.initial_state)
      state.push_back(FromConstant(initial).clone());
  }
  Values values = Inputs(recording, clones.tensors, state);
  for (const ir::Node& node : recording.graph.nodes()) {
    INGOT_RETURN_IF_ERROR(Guard(node.op, [&] { return RunNode(node, values); }));
  }
  Outcome outcome;
  outcome.arguments = clones.tensors;
  outcome.state = state;
  for (const ir::OutputSpec& output : recording.graph.outputs()) {
    if (output.role == ir::OutputRole::kWriteBack)
      outcome.arguments[output.index].copy_(values.at(output.value));
    if (output.role == ir::OutputRole::kStateUpdate)
      outcome.state[output.index] = values.at(output.value).clone();
  }
  for (const ir::OutputSpec& output : recording.graph.outputs()) {
    const at::Tensor& value = values[output.value];
    if (output.role == ir::OutputRole::kResult)
      outcome.results.push_back(WithStrides(value, output.strides));
    if (output.role == ir::OutputRole::kAlias) {
      outcome.results.push_back(AliasOf(outcome.arguments[output.alias_of], value, output));
    }
  }
  return outcome;
}

Outcome RunEager(const Callable& callable, const std::vector<at::Tensor>& args) {
  const at::NoGradGuard no_grad;
  const torch::jit::GraphOptimizerEnabledGuard no_optimizer(false);
  const ClonedArguments clones = CloneArguments(ToIValues(args)).value();
  Outcome outcome;
  ToStructure(callable(clones.values), Slots::kByObject, outcome.results).value();
  outcome.arguments = clones.tensors;
  return outcome;
}

at::Tensor Shuffled(const at::Tensor& tensor) {
  const at::Tensor order = at::randperm(tensor.numel());
  at::Tensor shuffled = at::empty_like(tensor);
  shuffled.copy_(tensor.reshape({-1}).index_select(0, order).view(tensor.sizes()));
  if (tensor.is_floating_point()) shuffled.mul_(0.9);
  return shuffled;
}

std::string Difference(const Outcome& actual, const Outcome& expected) {
  const auto compare = [](const char* what, const std::vector<at::Tensor>& a,
                          const std::vector<at::Tensor>& e) {
    if (a.size() != e.size()) return absl::StrCat(a.size(), " ", what, "s instead of ", e.size());
    for (size_t i = 0; i < a.size(); ++i) {
      std::ostringstream text;
      if (a[i].scalar_type() != e[i].scalar_type() || a[i].sizes() != e[i].sizes()) {
        text << what << " " << i << ": " << a[i].toString() << a[i].sizes() << " not "
             << e[i].toString() << e[i].sizes();
        return text.str();
      }
      const bool is_dense = LayoutOf(e[i]).IsDense();
      if (is_dense && !LayoutOf(e[i]).IsRowMajor() && a[i].strides() != e[i].strides()) {
        text << what << " " << i << ": strides " << a[i].strides() << " not " << e[i].strides();
        return text.str();
      }
      if (!at::allclose(a[i].to(at::kDouble), e[i].to(at::kDouble), 1e-5, 1e-6, true)) {
        text << what << " " << i << ": off by "
             << (a[i].to(at::kDouble) - e[i].to(at::kDouble)).abs().max().item();
        return text.str();
      }
    }
    return std::string();
  };
  const std::string results = compare("result", actual.results, expected.results);
  return results.empty() ? compare("argument", actual.arguments, expected.arguments) : results;
}

}  // namespace ingot::torchscript
