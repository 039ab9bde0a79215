#include "core/passes/lift_scalars.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "core/ops/registry.h"

namespace ingot::passes {
namespace {

std::optional<ir::Scalar> LiteralOf(const ir::Argument& arg) {
  if (const bool* value = std::get_if<bool>(&arg)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&arg)) return *value;
  if (const double* value = std::get_if<double>(&arg)) return *value;
  if (const auto* value = std::get_if<std::complex<double>>(&arg)) return *value;
  return std::nullopt;
}

bool IsPlainAlpha(absl::string_view name, const ir::Scalar& literal) {
  return name == "alpha" && (literal == ir::Scalar(int64_t{1}) || literal == ir::Scalar(1.0));
}

ir::ValueId AddScalar(ir::Recording& recording, const ir::Scalar& literal) {
  ir::InputSpec spec;
  spec.role = ir::InputRole::kScalar;
  spec.index = static_cast<uint32_t>(recording.scalars.size());
  ir::ScalarBinding binding;
  binding.literal = literal;
  recording.scalars.push_back(binding);
  return recording.graph.AddInput(std::move(spec), {ir::ScalarDType(literal), {}});
}

}  // namespace

absl::StatusOr<bool> LiftScalars(ir::Recording& recording) {
  bool changed = false;
  for (ir::Node& node : recording.graph.mutable_nodes()) {
    const ops::OpDef* def = ops::FindOp(node.op);
    if (def == nullptr) continue;
    for (absl::string_view name : absl::StrSplit(def->data_scalars, ',', absl::SkipEmpty())) {
      const int position = def->schema.Find(name);
      if (position < 0) continue;
      const std::optional<ir::Scalar> literal = LiteralOf(node.args[position]);
      if (!literal.has_value() || IsPlainAlpha(name, *literal)) continue;
      node.args[position] = ir::ValueRef{AddScalar(recording, *literal)};
      changed = true;
    }
  }
  return changed;
}

}  // namespace ingot::passes
