#include "backends/torchscript/program.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <unordered_set>
#include <utility>

#include "absl/strings/string_view.h"

namespace ingot::torchscript_backend {
namespace {

using c10::IValue;
using torch::jit::Node;
using torch::jit::Operation;
using torch::jit::Stack;
using torch::jit::Value;

// Replaces the last `size` values by a list of them.
void ConstructList(Stack& stack, const c10::TypePtr& element, size_t size) {
  c10::impl::GenericList list(element);
  list.reserve(size);
  const auto first = stack.end() - static_cast<std::ptrdiff_t>(size);
  for (auto value = first; value != stack.end(); ++value) list.push_back(std::move(*value));
  stack.erase(first, stack.end());
  stack.emplace_back(std::move(list));
}

// Replaces the last value, a list, by its `size` elements.
void UnpackList(Stack& stack, size_t size) {
  const c10::impl::GenericList list = std::move(stack.back()).toList();
  stack.pop_back();
  TORCH_CHECK(list.size() == size, "a list of ", size, " values is wanted, not of ", list.size());
  for (size_t i = 0; i < size; ++i) stack.push_back(list.get(i));
}

Operation OperationOf(const Node* node) {
  const size_t inputs = node->inputs().size(), outputs = node->outputs().size();
  switch (node->kind()) {
    case c10::prim::ListConstruct:
      return [element = node->output()->type()->expectRef<c10::ListType>().getElementType(),
              inputs](Stack& stack) { ConstructList(stack, element, inputs); };
    case c10::prim::ListUnpack:
      return [outputs](Stack& stack) { UnpackList(stack, outputs); };
    default:
      TORCH_CHECK(node->blocks().empty(), node->kind().toQualString(), " has blocks");
      return node->getOperation();
  }
}

// Whether `out` takes `functional`'s arguments and one more, the tensor to write.
bool WritesWhatReturns(const c10::FunctionSchema& out, const c10::FunctionSchema& functional) {
  const auto& given = functional.arguments();
  const auto& taken = out.arguments();
  if (taken.size() != given.size() + 1 || out.returns().size() != 1) return false;
  for (size_t i = 0; i < given.size(); ++i) {
    if (taken[i].name() != given[i].name() || *taken[i].type() != *given[i].type()) return false;
  }
  const c10::Argument& destination = taken.back();
  return destination.name() == "out" && destination.alias_info() != nullptr &&
         destination.alias_info()->isWrite() &&
         destination.type()->kind() == c10::TypeKind::TensorType;
}

// Operators whose writing form needs nothing of the tensor but its memory. (Others resize it on the
// way: the losses compute all elements in it before they reduce them.)
constexpr absl::string_view kWriteInPlace[] = {
    "aten::_log_softmax", "aten::_softmax",    "aten::abs",        "aten::add",
    "aten::addmm",        "aten::amax",        "aten::amin",       "aten::atan2",
    "aten::bitwise_and",  "aten::bitwise_not", "aten::bitwise_or", "aten::bitwise_xor",
    "aten::bmm",          "aten::cat",         "aten::ceil",       "aten::clamp",
    "aten::cos",          "aten::div",         "aten::elu",        "aten::eq",
    "aten::erf",          "aten::exp",         "aten::expm1",      "aten::floor",
    "aten::fmod",         "aten::gather",      "aten::ge",         "aten::gelu",
    "aten::gt",           "aten::hardsigmoid", "aten::hardtanh",   "aten::index_select",
    "aten::le",           "aten::leaky_relu",  "aten::log",        "aten::log1p",
    "aten::logical_and",  "aten::logical_not", "aten::logical_or", "aten::logical_xor",
    "aten::lt",           "aten::maximum",     "aten::mean",       "aten::minimum",
    "aten::mm",           "aten::mul",         "aten::ne",         "aten::neg",
    "aten::pow",          "aten::reciprocal",  "aten::remainder",  "aten::round",
    "aten::rsqrt",        "aten::sigmoid",     "aten::sign",       "aten::silu",
    "aten::sin",          "aten::softplus",    "aten::sqrt",       "aten::sub",
    "aten::sum",          "aten::tan",         "aten::tanh",       "aten::trunc",
};

// The kernel of `node`'s operator that writes into a tensor. Only one of its own: the generated
// ones compute a new tensor and copy it.
std::optional<c10::OperatorHandle> InPlaceForm(const Node* node) {
  const torch::jit::Operator* const op = node->maybeOperator();
  if (op == nullptr || op->schema().returns().size() != 1 || node->outputs().size() != 1)
    return std::nullopt;
  if (!std::binary_search(std::begin(kWriteInPlace), std::end(kWriteInPlace),
                          absl::string_view(op->schema().name()))) {
    return std::nullopt;
  }
  for (const auto& candidate : torch::jit::getAllOperatorsFor(node->kind())) {
    if (!WritesWhatReturns(candidate->schema(), op->schema())) continue;
    auto handle = c10::Dispatcher::singleton().findSchema(candidate->schema().operator_name());
    if (handle && handle->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return handle;
  }
  return std::nullopt;
}

}  // namespace

Program::Program(std::shared_ptr<torch::jit::Graph> graph) : graph_(std::move(graph)) {
  for (const Value* input : graph_->inputs()) inputs_.push_back(RegisterOf(input));
  for (Node* node : graph_->nodes()) AddNode(node);
  for (const Value* output : graph_->outputs()) outputs_.push_back({RegisterOf(output)});
  ComputeInPlace(*graph_);
  FindLastUses();
  bound_ = inputs_;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].in_place) bound_.push_back(outputs_[i].reg);
  }
  for (const auto& [node, step] : step_of_) {
    for (uint32_t result : steps_[step].results) {
      const bool is_output =
          std::any_of(outputs_.begin(), outputs_.end(),
                      [result](const Output& output) { return output.reg == result; });
      if (result != kDropped && is_output) computed_outputs_.push_back(result);
    }
  }
}

uint32_t Program::RegisterOf(const Value* value) {
  const auto [it, is_new] = registers_.try_emplace(value, initial_.size());
  if (is_new) initial_.emplace_back();
  return it->second;
}

void Program::AddNode(Node* node) {
  if (node->kind() == c10::prim::Constant) {
    initial_[RegisterOf(node->output())] = *torch::jit::toIValue(node->output());
    return;
  }
  if (node->kind() == c10::prim::ConstantMKLDNNTensor) {
    initial_[RegisterOf(node->output())] = node->t(c10::attr::value);
    return;
  }
  Step step{node, OperationOf(node)};
  for (const Value* input : node->inputs()) step.operands.push_back({RegisterOf(input)});
  for (const Value* output : node->outputs())
    step.results.push_back(output->hasUses() ? RegisterOf(output) : kDropped);
  if (node->kind() == c10::prim::ListConstruct && node->inputs().empty()) {
    // An empty list is the same each time: nothing here writes lists.
    Stack stack;
    step.call(stack);
    if (step.results[0] != kDropped) initial_[step.results[0]] = std::move(stack.front());
    return;
  }
  step_of_[node] = steps_.size();
  steps_.push_back(std::move(step));
}

void Program::ComputeInPlace(const torch::jit::Graph& graph) {
  std::unordered_set<const Value*> seen;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Value* const value = graph.outputs()[i];
    const auto found = step_of_.find(value->node());
    if (!seen.insert(value).second || found == step_of_.end()) continue;
    Step& step = steps_[found->second];
    const std::optional<c10::OperatorHandle> form = InPlaceForm(value->node());
    if (!form) continue;
    step.call = [op = *form](Stack& stack) { op.callBoxed(stack); };
    step.destination = outputs_[i].reg;
    step.results = {kDropped};
    outputs_[i].in_place = true;
  }
}

void Program::FindLastUses() {
  // Constants, arguments and results stay where they are.
  std::vector<bool> used(initial_.size(), false);
  for (size_t i = 0; i < initial_.size(); ++i) used[i] = !initial_[i].isNone();
  for (uint32_t input : inputs_) used[input] = true;
  for (const Output& output : outputs_) used[output.reg] = true;
  for (size_t i = steps_.size(); i-- > 0;) {
    auto& operands = steps_[i].operands;
    for (size_t k = operands.size(); k-- > 0;) {
      operands[k].last_use = !used[operands[k].reg];
      used[operands[k].reg] = true;
    }
  }
}

void Program::Run(Registers& registers, Stack& stack, const AfterStep* after_step) const {
  for (const Step& step : steps_) {
    for (const Operand& operand : step.operands) {
      if (operand.last_use) {
        stack.push_back(std::move(registers[operand.reg]));
      } else {
        stack.push_back(registers[operand.reg]);
      }
    }
    if (step.destination != kDropped) stack.push_back(registers[step.destination]);
    step.call(stack);
    for (size_t i = step.results.size(); i-- > 0;) {
      if (step.results[i] != kDropped) registers[step.results[i]] = std::move(stack.back());
      stack.pop_back();
    }
    if (after_step != nullptr) (*after_step)(static_cast<size_t>(&step - steps_.data()));
  }
}

}  // namespace ingot::torchscript_backend
