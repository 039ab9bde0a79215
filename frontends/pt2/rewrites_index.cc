// Rewrites of indexing: masks as positions, as numbers put in, or as what is left out.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/const_eval.h"
#include "frontends/pt2/rewrites.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

// --- Indexing by masks ---

bool IsMask(const Emitter& emitter, TensorId id) {
  return id != kNoTensor && (emitter.type(id).dtype == ir::DType::kBool ||
                             emitter.type(id).dtype == ir::DType::kUInt8);
}

// A mask that depends on no input picks fixed positions.
absl::Status ReplaceMasks(Emitter& emitter, const std::string& op, TensorListOperand& indices) {
  TensorListOperand replaced;
  for (const TensorId id : indices.ids) {
    if (!IsMask(emitter, id)) {
      replaced.ids.push_back(id);
      continue;
    }
    if (!emitter.memory().IsConstant(id)) {
      return absl::FailedPreconditionError(
          absl::StrCat("data-dependent: ", op,
                       " sizes its result by a mask that is computed from the arguments; "
                       "use torch.where or masked_fill"));
    }
    INGOT_ASSIGN_OR_RETURN(const HostConstant mask, emitter.memory().Contents(id));
    INGOT_ASSIGN_OR_RETURN(std::vector<HostConstant> positions, TruePositions(mask));
    for (HostConstant& position : positions) {
      replaced.ids.push_back(emitter.Constant(std::move(position)));
    }
  }
  indices = std::move(replaced);
  return absl::OkStatus();
}

// x[mask] = number, with a mask computed from the arguments.
bool IsMaskedFill(const Emitter& emitter, const Operands& args) {
  const auto& indices = std::get<TensorListOperand>(args[1]).ids;
  return indices.size() == 1 && IsMask(emitter, indices[0]) &&
         !emitter.memory().IsConstant(indices[0]) && !std::get<bool>(args[3]) &&
         emitter.type(TensorArg(args, 2)).NumElements() == 1;
}

Result MaskedFill(Emitter& emitter, const Operands& args) {
  const TensorId self = TensorArg(args, 0);
  TensorId mask = std::get<TensorListOperand>(args[1]).ids[0];
  if (emitter.type(mask).dtype != ir::DType::kBool) {
    INGOT_ASSIGN_OR_RETURN(mask,
                           emitter.ApplyOne("aten::ne.Scalar", {TensorOperand{mask}, int64_t{0}}));
  }
  // A mask of lower rank covers the first dimensions.
  Ints sizes = SizesOf(emitter, mask);
  sizes.resize(emitter.type(self).dims.size(), 1);
  INGOT_ASSIGN_OR_RETURN(mask, emitter.ApplyOne("aten::view", {TensorOperand{mask}, sizes}));
  INGOT_ASSIGN_OR_RETURN(const TensorId number, emitter.ApplyOne("aten::view", {args[2], Ints()}));
  return emitter.Apply("aten::where.self",
                       {TensorOperand{mask}, TensorOperand{number}, TensorOperand{self}});
}

template <bool kPut>
Result Indexed(Emitter& emitter, const OpSignature& op, Operands args) {
  if (kPut && IsMaskedFill(emitter, args)) return MaskedFill(emitter, args);
  auto& indices = std::get<TensorListOperand>(args[1]);
  const bool any = std::any_of(indices.ids.begin(), indices.ids.end(),
                               [&](TensorId id) { return IsMask(emitter, id); });
  if (!any) return emitter.ApplyAsIs(op, std::move(args));
  // Where elements are put doesn't change the result's size.
  const bool all_known = std::all_of(indices.ids.begin(), indices.ids.end(), [&](TensorId id) {
    return !IsMask(emitter, id) || emitter.memory().IsConstant(id);
  });
  if (kPut && !all_known) return emitter.ApplyOutside(op, args, {emitter.type(TensorArg(args, 0))});
  INGOT_RETURN_IF_ERROR(ReplaceMasks(emitter, op.schema.op, indices));
  return emitter.ApplyAsIs(op, std::move(args));
}

// --- Indexing where a mask allows it ---

// Positions that the mask leaves out may lie anywhere.
absl::Status Clamp(Emitter& emitter, TensorId self, TensorListOperand& indices) {
  for (size_t d = 0; d < indices.ids.size(); ++d) {
    TensorId& index = indices.ids[d];
    if (index == kNoTensor) continue;
    if (d >= emitter.type(self).dims.size())
      return absl::InvalidArgumentError("more indices than dimensions");
    const int64_t size = emitter.type(self).dims[d];
    INGOT_ASSIGN_OR_RETURN(
        index, emitter.ApplyOne("aten::clamp", {TensorOperand{index}, -size, size - 1}));
  }
  return absl::OkStatus();
}

// self, mask, indices, and a number or, to be added up, tensors.
template <bool kPut>
Result MaskedIndex(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId self = TensorArg(args, 0);
  auto& indices = std::get<TensorListOperand>(args[2]);
  const bool masks = std::any_of(indices.ids.begin(), indices.ids.end(),
                                 [&](TensorId id) { return IsMask(emitter, id); });
  if (masks || emitter.type(self).NumElements() == 0) return emitter.ApplyAsIs(op, std::move(args));
  INGOT_RETURN_IF_ERROR(Clamp(emitter, self, indices));
  INGOT_ASSIGN_OR_RETURN(const TensorId others, emitter.ApplyOne("aten::logical_not", {args[1]}));
  if (kPut) {
    INGOT_ASSIGN_OR_RETURN(
        const TensorId values,
        emitter.ApplyOne("aten::masked_fill.Scalar", {args[3], TensorOperand{others}, int64_t{0}}));
    return emitter.Apply("aten::index_put", {args[0], args[2], TensorOperand{values}, true});
  }
  INGOT_ASSIGN_OR_RETURN(const TensorId found,
                         emitter.ApplyOne("aten::index.Tensor", {args[0], args[2]}));
  return emitter.Apply("aten::masked_fill.Scalar",
                       {TensorOperand{found}, TensorOperand{others}, args[3]});
}

constexpr RewriteRow kRows[] = {
    {"aten::_unsafe_masked_index", MaskedIndex<false>, "index.Tensor, masked_fill.Scalar"},
    {"aten::_unsafe_masked_index_put_accumulate", MaskedIndex<true>,
     "masked_fill.Scalar, index_put"},
    {"aten::index.Tensor", Indexed<false>, "itself, fixed masks as positions"},
    {"aten::index_put", Indexed<true>, "itself, or where.self for a mask and a number"},
};

}  // namespace

absl::Span<const RewriteRow> IndexRewrites() { return kRows; }

}  // namespace ingot::pt2
