#include "frontends/torchscript/oracle.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/DefaultDtype.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <optional>
#include <utility>

#include "core/base/status_macros.h"
#include "frontends/torchscript/arguments.h"
#include "frontends/torchscript/default_generator.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/values.h"

namespace ingot::torchscript {
namespace {

using torch::jit::Node;

// What stands for a dtype in a run in float64: itself, unless it is a narrower float.
at::ScalarType Widened(at::ScalarType dtype) {
  switch (dtype) {
    case at::ScalarType::Half:
    case at::ScalarType::BFloat16:
    case at::ScalarType::Float:
      return at::ScalarType::Double;
    case at::ScalarType::ComplexHalf:
    case at::ScalarType::ComplexFloat:
      return at::ScalarType::ComplexDouble;
    default:
      return dtype;
  }
}

at::Tensor Widened(const at::Tensor& tensor) { return tensor.to(Widened(tensor.scalar_type())); }

std::optional<int64_t> WidenedLiteral(torch::jit::Value* value) {
  const auto literal = torch::jit::toIValue(value);
  if (!literal || !literal->isInt()) return std::nullopt;
  const auto dtype = static_cast<at::ScalarType>(literal->toInt());
  if (Widened(dtype) == dtype) return std::nullopt;
  return static_cast<int64_t>(Widened(dtype));
}

// Arguments that name a narrower float, as traces have them in casts and factories, name float64.
void WidenDTypes(torch::jit::Graph& graph, Node* node) {
  const c10::FunctionSchema* schema = node->maybeSchema();
  if (schema == nullptr) return;
  for (size_t i = 0; i < schema->arguments().size() && i < node->inputs().size(); ++i) {
    c10::TypePtr type = schema->arguments()[i].real_type();
    if (type->kind() == c10::TypeKind::OptionalType)
      type = type->expectRef<c10::OptionalType>().getElementType();
    if (type->kind() != c10::TypeKind::ScalarTypeType) continue;
    const std::optional<int64_t> widened = WidenedLiteral(node->input(i));
    if (!widened) continue;
    const torch::jit::WithInsertPoint at_node(node);
    node->replaceInput(i, graph.insertConstant(*widened));
  }
}

void WidenLiteral(Node* node) {
  if (node->kind() != torch::jit::prim::Constant || !node->hasAttribute(c10::attr::value)) return;
  if (node->kindOf(c10::attr::value) != torch::jit::AttributeKind::t) return;
  const at::Tensor literal = node->t(c10::attr::value);
  if (Widened(literal.scalar_type()) == literal.scalar_type()) return;
  node->t_(c10::attr::value, Widened(literal));
  node->output()->inferTypeFrom(node->t(c10::attr::value));
}

void Widen(torch::jit::Graph& graph, torch::jit::Block* block) {
  for (Node* node : block->nodes()) {
    WidenDTypes(graph, node);
    WidenLiteral(node);
    for (torch::jit::Block* inner : node->blocks()) Widen(graph, inner);
  }
}

void Widen(torch::jit::Module module) {
  for (const torch::jit::Method& method : module.get_methods())
    Widen(*method.graph(), method.graph()->block());
  for (const torch::jit::Module& child : module.children()) Widen(child);
}

// A copy with code of its own: `deepcopy` shares it.
torch::jit::Module InFloat64(const torch::jit::Module& module) {
  torch::jit::Module copy = module.clone();
  Widen(copy);
  const auto widen = [](at::Tensor tensor) { tensor.set_data(Widened(tensor.detach())); };
  for (const at::Tensor& parameter : copy.parameters()) widen(parameter);
  for (const at::Tensor& buffer : copy.buffers()) widen(buffer);
  return copy;
}

// While it lives, whole numbers that meet real ones become float64 instead of float32.
class WideDefault {
 public:
  WideDefault() : saved_(c10::get_default_dtype()) {
    c10::set_default_dtype(caffe2::TypeMeta::fromScalarType(at::ScalarType::Double));
  }
  ~WideDefault() { c10::set_default_dtype(saved_); }
  WideDefault(const WideDefault&) = delete;
  WideDefault& operator=(const WideDefault&) = delete;

 private:
  const caffe2::TypeMeta saved_;
};

torch::jit::Module MakeForm(const torch::jit::Module& module, OracleMode mode) {
  switch (mode) {
    case OracleMode::kEager:
      return module.deepcopy();
    case OracleMode::kFloat64:
      return InFloat64(module.deepcopy());
    case OracleMode::kFrozen:
      break;
  }
  torch::jit::Module frozen = torch::jit::freeze(module.deepcopy());
  return torch::jit::optimize_for_inference(frozen);
}

}  // namespace

absl::StatusOr<Oracle> Oracle::Create(const torch::jit::Module& module, OracleMode mode) {
  return Guard("preparing the module for LibTorch", [&]() -> absl::StatusOr<Oracle> {
    const at::NoGradGuard no_grad;
    return Oracle(MakeForm(module, mode), mode);
  });
}

absl::StatusOr<OracleResults> Oracle::Run(const std::vector<at::Tensor>& args, int64_t seed) {
  return Guard("LibTorch fails on these arguments", [&] { return RunGuarded(args, seed); });
}

absl::StatusOr<OracleResults> Oracle::RunGuarded(const std::vector<at::Tensor>& args,
                                                 int64_t seed) {
  const at::NoGradGuard no_grad;
  std::optional<torch::jit::GraphOptimizerEnabledGuard> no_optimizer;
  if (mode_ != OracleMode::kFrozen) no_optimizer.emplace(false);
  std::optional<KeepDefaultGenerator> generator;
  if (seed >= 0) {
    generator.emplace();
    generator->Seed(seed);
  }
  INGOT_ASSIGN_OR_RETURN(ClonedArguments clones,
                         CloneArguments(std::vector<c10::IValue>(args.begin(), args.end())));
  std::optional<WideDefault> wide;
  if (mode_ == OracleMode::kFloat64) {
    wide.emplace();
    for (size_t i = 0; i < args.size(); ++i) {
      clones.tensors[i] = Widened(clones.tensors[i]);
      clones.values[i] = clones.tensors[i];
    }
  }
  OracleResults outcome;
  INGOT_RETURN_IF_ERROR(
      ToStructure(module_.forward(clones.values), Slots::kByObject, outcome.results));
  for (at::Tensor& result : outcome.results) result = result.resolve_conj().resolve_neg();
  outcome.arguments = std::move(clones.tensors);
  return outcome;
}

}  // namespace ingot::torchscript
