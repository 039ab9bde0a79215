#include "frontends/torchscript/view_step.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"

namespace ingot::torchscript {
namespace {

// Ops that cut their operand along `dim` into consecutive parts.
constexpr const char* kCuts[] = {"aten::split.Tensor", "aten::split_with_sizes", "aten::chunk"};

int64_t IntArgument(const FunctionalCall& call, const char* name) {
  return call.args[static_cast<size_t>(*call.schema->argumentIndexWithName(name))].value.toInt();
}

int64_t Dimension(const FunctionalCall& call, const TensorSnapshot& base) {
  const int64_t dim = IntArgument(call, "dim");
  return dim < 0 ? dim + static_cast<int64_t>(base.layout.sizes.size()) : dim;
}

ViewStep Slice(int64_t dim, int64_t begin, int64_t end) {
  return {"aten::slice.Tensor", {ir::None{}, dim, begin, end, int64_t{1}}, ""};
}

}  // namespace

const TensorSnapshot* FindBase(const FunctionalCall& call, const TensorSnapshot& result) {
  if (result.storage == nullptr) return nullptr;
  for (const Operand& operand : call.args) {
    for (const TensorSnapshot& tensor : operand.tensors) {
      if (tensor.storage == result.storage) return &tensor;
    }
  }
  return nullptr;
}

absl::StatusOr<ViewStep> MakeViewStep(const FunctionalCall& call, size_t index,
                                      const TensorSnapshot& base, int64_t& begin) {
  if (call.op == "aten::unbind.int") {
    return ViewStep{
        "aten::select.int", {ir::None{}, Dimension(call, base), static_cast<int64_t>(index)}, ""};
  }
  if (std::find(std::begin(kCuts), std::end(kCuts), call.op) != std::end(kCuts)) {
    const int64_t dim = Dimension(call, base);
    const int64_t end = begin + call.results[index].tensor.layout.sizes[static_cast<size_t>(dim)];
    return Slice(dim, std::exchange(begin, end), end);
  }
  if (call.op == "aten::narrow") {
    const int64_t dim = Dimension(call, base);
    int64_t start = IntArgument(call, "start");
    if (start < 0) start += base.layout.sizes[static_cast<size_t>(dim)];
    return Slice(dim, start, start + IntArgument(call, "length"));
  }
  const Layout& result = call.results[index].tensor.layout;
  const bool is_same_kind = result.dtype == base.layout.dtype &&
                            result.conjugate == base.layout.conjugate &&
                            result.negative == base.layout.negative;
  const bool is_first =
      !call.args.empty() && !call.args[0].tensors.empty() && &call.args[0].tensors[0] == &base;
  if ((call.def == nullptr || !is_first) && is_same_kind) return ViewStep();
  ViewStep step;
  step.op = call.op;
  INGOT_ASSIGN_OR_RETURN(
      step.args, ToArguments(call, [](const TensorSnapshot&) -> absl::StatusOr<ir::ValueId> {
        return ir::kNoValue;
      }));
  return step;
}

}  // namespace ingot::torchscript
