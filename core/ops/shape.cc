// Ops that copy or drop elements without arithmetic.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

absl::Status AddLike(InferContext& ctx, ir::Dims dims) {
  ctx.AddOutput({ctx.Tensor(0).dtype, std::move(dims)});
  return absl::OkStatus();
}

// Arguments: self, src, dim, start, end, step.
absl::Status InferSliceScatter(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  if (dims.empty()) return ctx.Error("a tensor of rank 0 cannot be sliced");
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(2), ctx.Tensor(0).rank()));
  INGOT_ASSIGN_OR_RETURN(dims[dim], SliceSize(ctx, 3, dims[dim]));
  if (ctx.Tensor(1).dims != dims) {
    return ctx.Error(absl::StrCat("src must have sizes ", DimsText(dims), ", not ",
                                  ir::ToString(ctx.Tensor(1))));
  }
  return AddLike(ctx, ctx.Tensor(0).dims);
}

absl::Status InferSelectScatter(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, SelectedDims(ctx, 2, 3));
  if (ctx.Tensor(1).dims != dims) {
    return ctx.Error(absl::StrCat("src must have sizes ", DimsText(dims), ", not ",
                                  ir::ToString(ctx.Tensor(1))));
  }
  return AddLike(ctx, ctx.Tensor(0).dims);
}

absl::StatusOr<std::vector<ir::TensorType>> ListOperands(InferContext& ctx) {
  std::vector<ir::TensorType> tensors = ctx.Tensors(0);
  if (tensors.empty()) return ctx.Error("needs at least one tensor");
  return tensors;
}

DType PromoteAll(const std::vector<ir::TensorType>& tensors) {
  Promotion promotion;
  for (const ir::TensorType& tensor : tensors) promotion.AddTensor(tensor);
  return promotion.Result();
}

absl::Status InferCat(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ir::TensorType> tensors, ListOperands(ctx));
  const ir::Dims legacy_empty = {0};  // counts as nothing, whatever the ranks of the others
  const ir::TensorType* first = nullptr;
  for (const ir::TensorType& tensor : tensors) {
    if (tensor.rank() == 0) return ctx.Error("a tensor of rank 0 cannot be concatenated");
    if (first == nullptr && tensor.dims != legacy_empty) first = &tensor;
  }
  if (first == nullptr) first = &tensors[0];
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), first->rank()));
  ir::Dims dims = first->dims;
  dims[dim] = 0;
  for (const ir::TensorType& tensor : tensors) {
    if (tensor.dims == legacy_empty) continue;
    ir::Dims rest = tensor.dims;
    if (tensor.rank() == first->rank()) rest[dim] = dims[dim];
    if (rest != dims || tensor.dims[dim] > std::numeric_limits<int64_t>::max() - dims[dim]) {
      return ctx.Error(absl::StrCat("sizes of ", ir::ToString(*first), " and ",
                                    ir::ToString(tensor), " differ outside of dimension ", dim));
    }
    dims[dim] += tensor.dims[dim];
  }
  ctx.AddOutput({PromoteAll(tensors), std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferStack(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ir::TensorType> tensors, ListOperands(ctx));
  for (const ir::TensorType& tensor : tensors) {
    if (tensor.dims != tensors[0].dims) {
      return ctx.Error(absl::StrCat("sizes of ", ir::ToString(tensors[0]), " and ",
                                    ir::ToString(tensor), " differ"));
    }
  }
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), tensors[0].rank() + 1));
  ir::Dims dims = tensors[0].dims;
  dims.insert(dims.begin() + dim, static_cast<int64_t>(tensors.size()));
  ctx.AddOutput({PromoteAll(tensors), std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferRepeat(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  ir::Dims dims(ctx.Ints(1).begin(), ctx.Ints(1).end());
  const int added = static_cast<int>(dims.size()) - self.rank();
  if (added < 0)
    return ctx.Error(absl::StrCat("fewer repeats than ", ir::ToString(self), " has dimensions"));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0) return ctx.Error("repeats must not be negative");
    if (static_cast<int>(i) < added) continue;
    const std::optional<int64_t> size = Product({dims[i], self.dims[i - added]});
    if (!size) return ctx.Error("the result is too large");
    dims[i] = *size;
  }
  return AddLike(ctx, std::move(dims));
}

absl::Status InferPad(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  const absl::Span<const int64_t> pad = ctx.Ints(1);
  constexpr int64_t kMaxPad = int64_t{1} << 40;  // keeps the sums in int64
  if (pad.size() % 2 != 0 || pad.size() / 2 > dims.size()) {
    return ctx.Error(absl::StrCat("pad must be pairs for at most ", dims.size(), " dimensions"));
  }
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    int64_t& size = dims[dims.size() - 1 - i];
    if (std::abs(pad[2 * i]) > kMaxPad || std::abs(pad[2 * i + 1]) > kMaxPad || size > kMaxPad) {
      return ctx.Error("pad is out of range");
    }
    size += pad[2 * i] + pad[2 * i + 1];
    if (size < 0) return ctx.Error("pad leaves a negative size");
  }
  return AddLike(ctx, std::move(dims));
}

absl::Status InferFlip(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(WrapDims(ctx, ctx.Ints(1), ctx.Tensor(0).rank(), false).status());
  return AddLike(ctx, ctx.Tensor(0).dims);
}

absl::Status InferRoll(InferContext& ctx) {
  const size_t shifts = ctx.Ints(1).size(), dims = ctx.Ints(2).size();
  if (shifts == 0) return ctx.Error("needs shifts");
  if (shifts != dims && !(dims == 0 && shifts == 1)) {
    return ctx.Error(absl::StrCat(shifts, " shifts for ", dims, " dimensions"));
  }
  for (int64_t dim : ctx.Ints(2)) {
    INGOT_RETURN_IF_ERROR(WrapDim(ctx, dim, ctx.Tensor(0).rank()).status());
    if (ctx.Tensor(0).rank() == 0) return ctx.Error("a tensor of rank 0 has no dimensions to roll");
  }
  return AddLike(ctx, ctx.Tensor(0).dims);
}

absl::Status InferTriangle(InferContext& ctx) {
  if (ctx.Tensor(0).rank() < 2) return ctx.Error("needs at least two dimensions");
  return AddLike(ctx, ctx.Tensor(0).dims);
}

absl::Status InferPixelShuffle(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  const int64_t factor = ctx.Int(1);
  if (dims.size() < 3) return ctx.Error("needs at least three dimensions");
  if (factor < 1 || factor > (1 << 20)) return ctx.Error("upscale_factor must be positive");
  int64_t* const last = dims.data() + dims.size() - 3;
  if (last[0] % (factor * factor) != 0) {
    return ctx.Error(absl::StrCat(last[0], " channels are no multiple of ", factor * factor));
  }
  last[0] /= factor * factor;
  for (int i : {1, 2}) {
    const std::optional<int64_t> size = Product({last[i], factor});
    if (!size) return ctx.Error("the result is too large");
    last[i] = *size;
  }
  return AddLike(ctx, std::move(dims));
}

}  // namespace

std::vector<OpDef> ShapeOps() {
  return {
      {"aten::cat(Tensor[] tensors, int dim=0) -> Tensor", "", kNoTraits, InferCat,
       "tensors one after another along dim"},
      {"aten::stack(Tensor[] tensors, int dim=0) -> Tensor", "", kNoTraits, InferStack,
       "tensors as slices of a new dimension dim"},
      {"aten::repeat(Tensor self, SymInt[] repeats) -> Tensor", "", kNoTraits, InferRepeat,
       "self repeats[i] times along each dimension"},
      {"aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor", "", kNoTraits,
       InferPad, "pad[2i], pad[2i+1] values before and after, from the last dimension on"},
      {"aten::flip(Tensor self, int[] dims) -> Tensor", "", kNoTraits, InferFlip,
       "reversed along dims"},
      {"aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor", "", kNoTraits,
       InferRoll, "shifted cyclically along dims; no dims: in row-major order of all elements"},
      {"aten::tril(Tensor self, SymInt diagonal=0) -> Tensor", "", kNoTraits, InferTriangle,
       "0 where column - row > diagonal"},
      {"aten::triu(Tensor self, SymInt diagonal=0) -> Tensor", "", kNoTraits, InferTriangle,
       "0 where column - row < diagonal"},
      {"aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? "
       "end=None, SymInt step=1) -> Tensor",
       "", kNoTraits, InferSliceScatter, "self with self[start:end:step] along dim = src"},
      {"aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor", "",
       kNoTraits, InferSelectScatter, "self with self[index] along dim = src"},
      {"aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor", "", kNoTraits,
       InferPixelShuffle, "[.., C r^2, H, W] to [.., C, H r, W r]"},
  };
}

}  // namespace ingot::ops
