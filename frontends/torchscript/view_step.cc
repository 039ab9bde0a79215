#include "frontends/torchscript/view_step.h"

#include <optional>
#include <utility>

#include "core/base/status_macros.h"

namespace ingot::torchscript {

using functional::View;
using functional::ViewStep;

const TensorSnapshot* FindBase(const FunctionalCall& call, const TensorSnapshot& result) {
  if (result.storage == nullptr) return nullptr;
  for (const Operand& operand : call.args) {
    for (const TensorSnapshot& tensor : operand.tensors) {
      if (tensor.storage == result.storage) return &tensor;
    }
  }
  return nullptr;
}

absl::StatusOr<std::vector<ViewStep>> MakeViewSteps(const FunctionalCall& call,
                                                    const TensorSnapshot& base) {
  const bool is_first =
      !call.args.empty() && !call.args[0].tensors.empty() && &call.args[0].tensors[0] == &base;
  const bool is_known = call.def != nullptr && is_first;
  std::vector<ViewStep> steps(call.results.size());
  std::vector<ir::TensorType> types;
  std::vector<size_t> by_op;
  for (size_t i = 0; i < call.results.size(); ++i) {
    const TensorSnapshot& result = call.results[i].tensor;
    types.push_back(result.layout.type);
    const bool is_by_op = is_known || !result.layout.HasElementsOf(base.layout);
    if (result.storage == base.storage && is_by_op) by_op.push_back(i);
  }
  if (by_op.empty()) return steps;
  INGOT_ASSIGN_OR_RETURN(
      const std::vector<ir::Argument> args,
      ToArguments(
          call, [](const TensorSnapshot&) -> absl::StatusOr<ir::ValueId> { return ir::kNoValue; }));
  std::optional<std::vector<View>> views;
  if (is_known) views = functional::ViewsOf(call.op, args, base.layout, types);
  for (const size_t i : by_op)
    steps[i] = views ? std::move((*views)[i].step) : ViewStep{call.op, args};
  return steps;
}

}  // namespace ingot::torchscript
