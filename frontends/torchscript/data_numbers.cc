#include "frontends/torchscript/data_numbers.h"

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/ops/registry.h"
#include "frontends/torchscript/op_rules.h"

namespace ingot::torchscript {
namespace {

// Digits of the square roots of 2 and 3 that no program has for itself. The integer is exact as a
// double, too.
constexpr double kProbe = 0x1.6a09e667f3bccp+0;
constexpr double kProbeStep = 0x1p-51;
constexpr int64_t kIntProbe = 0x1bb67ae8584ca;

c10::IValue Probe(size_t argument, bool is_int) {
  if (is_int) return kIntProbe + static_cast<int64_t>(argument);
  return kProbe + static_cast<double>(argument) * kProbeStep;
}

bool TakesAsData(const OpRule& rule, size_t position) {
  if (rule.def == nullptr || rule.is_random_tagged || rule.is_out_variant ||
      rule.writes_when_training || position >= rule.functional_arguments) {
    return false;
  }
  const std::vector<absl::string_view> data = absl::StrSplit(rule.def->data_scalars, ',');
  return absl::c_linear_search(data, rule.def->schema.args[position].name);
}

bool IsData(const torch::jit::Use& use, const torch::jit::Graph& graph, const OpRules& rules) {
  if (use.user->owningBlock() != graph.block()) return false;
  const c10::FunctionSchema* schema = use.user->maybeSchema();
  const OpRule* rule = schema == nullptr ? nullptr : rules.Find(schema->operator_name());
  return rule != nullptr && TakesAsData(*rule, use.offset);
}

bool IsNumber(const c10::IValue& value) { return value.isInt() || value.isDouble(); }

std::optional<c10::IValue> LiteralOf(const ir::Argument& argument) {
  if (const auto* i = std::get_if<int64_t>(&argument)) return *i;
  if (const auto* d = std::get_if<double>(&argument)) return *d;
  return std::nullopt;
}

bool SameNumber(const c10::IValue& a, const c10::IValue& b) {
  return a.isInt() == b.isInt() &&
         (a.isInt() ? a.toInt() == b.toInt() : a.toDouble() == b.toDouble());
}

ir::Scalar ScalarOf(const c10::IValue& number) {
  if (number.isInt()) return number.toInt();
  return number.toDouble();
}

// How often a probe occurs: as data, and in any other place.
struct Occurrences {
  int as_data = 0;
  int elsewhere = 0;
};

Occurrences Replace(const c10::IValue& probe, ir::ValueId scalar, ir::Graph& graph) {
  Occurrences found;
  for (ir::Node& node : graph.mutable_nodes()) {
    const ops::OpDef* def = ops::FindOp(node.op);
    std::vector<absl::string_view> data;
    if (def != nullptr) data = absl::StrSplit(def->data_scalars, ',');
    for (size_t i = 0; i < node.args.size(); ++i) {
      const std::optional<c10::IValue> literal = LiteralOf(node.args[i]);
      if (!literal || !SameNumber(*literal, probe)) continue;
      if (def != nullptr && i < def->schema.args.size() &&
          absl::c_linear_search(data, def->schema.args[i].name)) {
        node.args[i] = ir::ValueRef{scalar};
        ++found.as_data;
      } else {
        ++found.elsewhere;
      }
    }
  }
  return found;
}

}  // namespace

DataNumbers DataNumbers::Of(const torch::jit::Module& module) {
  DataNumbers numbers;
  const auto method = module.find_method("forward");
  if (!method) return numbers;
  const std::shared_ptr<torch::jit::Graph> graph = method->graph()->copy();
  torch::jit::Inline(*graph);
  const OpRules rules;
  for (size_t i = 1; i < graph->inputs().size(); ++i) {
    const torch::jit::Value* input = graph->inputs()[i];
    const bool is_number = input->type()->kind() == c10::TypeKind::FloatType ||
                           input->type()->kind() == c10::TypeKind::IntType;
    const bool is_data = is_number && absl::c_all_of(input->uses(), [&](const auto& use) {
                           return IsData(use, *graph, rules);
                         });
    numbers.uses_.push_back(is_data ? std::optional<int>(static_cast<int>(input->uses().size()))
                                    : std::nullopt);
  }
  return numbers;
}

bool DataNumbers::empty() const {
  return absl::c_none_of(uses_, [](const auto& uses) { return uses.has_value(); });
}

void DataNumbers::Mark(ir::Structure& arguments) const {
  int32_t slot = 0;
  for (size_t i = 0; i < std::min(uses_.size(), arguments.children.size()); ++i) {
    ir::Structure& argument = arguments.children[i];
    const bool is_int = argument.kind == ir::Structure::Kind::kInt;
    if (!uses_[i] || (!is_int && argument.kind != ir::Structure::Kind::kFloat)) continue;
    argument.slot = slot++;
    argument.number = is_int ? ir::Structure::Number(int64_t{0}) : ir::Structure::Number(0.0);
  }
}

std::vector<c10::IValue> DataNumbers::WithProbes(std::vector<c10::IValue> arguments) const {
  for (size_t i = 0; i < std::min(uses_.size(), arguments.size()); ++i) {
    if (uses_[i] && IsNumber(arguments[i])) arguments[i] = Probe(i, arguments[i].isInt());
  }
  return arguments;
}

absl::Status DataNumbers::Bind(const std::vector<c10::IValue>& arguments,
                               ir::Recording& recording) const {
  uint32_t slot = 0;
  for (size_t i = 0; i < std::min(uses_.size(), arguments.size()); ++i) {
    if (!uses_[i] || !IsNumber(arguments[i])) continue;
    const ir::Scalar number = ScalarOf(arguments[i]);
    ir::InputSpec input;
    input.role = ir::InputRole::kScalar;
    input.index = static_cast<uint32_t>(recording.scalars.size());
    const ir::ValueId scalar = recording.graph.AddInput(input, {ir::ScalarDType(number), {}});
    const Occurrences found = Replace(Probe(i, arguments[i].isInt()), scalar, recording.graph);
    if (found.as_data != *uses_[i] || found.elsewhere != 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("number argument ", i, " is used ", *uses_[i], " times, and ", found.as_data,
                       " times as data in the graph: it is no data"));
    }
    recording.scalars.push_back({/*is_argument=*/true, slot++, number});
  }
  return absl::OkStatus();
}

}  // namespace ingot::torchscript
