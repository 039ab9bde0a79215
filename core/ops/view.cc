// Views: ops that in eager give the same elements other names.
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

absl::Status InferView(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  ir::Dims dims(ctx.Ints(1).begin(), ctx.Ints(1).end());
  const auto fail = [&] {
    return ctx.Error(
        absl::StrCat("sizes ", DimsText(ctx.Ints(1)), " do not fit ", ir::ToString(self)));
  };
  const auto unknown = std::find(dims.begin(), dims.end(), -1);
  if (unknown != dims.end()) *unknown = 1;
  const std::optional<int64_t> known = Product(dims);
  if (!known) return fail();
  const int64_t count = self.NumElements();
  if (unknown == dims.end()) {
    if (*known != count) return fail();
  } else {
    if (*known == 0 || count % *known != 0) return fail();
    *unknown = count / *known;
  }
  return AddLike(ctx, std::move(dims));
}

absl::Status InferFlatten(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_ASSIGN_OR_RETURN(int start, WrapDim(ctx, ctx.Int(1), self.rank()));
  INGOT_ASSIGN_OR_RETURN(int end, WrapDim(ctx, ctx.Int(2), self.rank()));
  if (start > end) return ctx.Error("start_dim is behind end_dim");
  if (self.rank() == 0) return AddLike(ctx, {1});
  ir::Dims dims(self.dims.begin(), self.dims.begin() + start);
  dims.push_back(*Product(absl::MakeConstSpan(self.dims).subspan(start, end - start + 1)));
  dims.insert(dims.end(), self.dims.begin() + end + 1, self.dims.end());
  return AddLike(ctx, std::move(dims));
}

absl::Status InferUnsqueeze(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), ctx.Tensor(0).rank() + 1));
  dims.insert(dims.begin() + dim, 1);
  return AddLike(ctx, std::move(dims));
}

absl::Status SqueezeSet(InferContext& ctx, const DimSet& set) {
  ir::Dims dims;
  for (int i = 0; i < ctx.Tensor(0).rank(); ++i) {
    const int64_t size = ctx.Tensor(0).dims[i];
    if (!set[i] || size != 1) dims.push_back(size);
  }
  return AddLike(ctx, std::move(dims));
}

absl::Status InferSqueeze(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(DimSet all, WrapDims(ctx, {}, ctx.Tensor(0).rank(), true));
  return SqueezeSet(ctx, all);
}

absl::Status InferSqueezeDim(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(DimSet set, WrapDims(ctx, {ctx.Int(1)}, ctx.Tensor(0).rank(), false));
  return SqueezeSet(ctx, set);
}

absl::Status InferSqueezeDims(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(DimSet set, WrapDims(ctx, ctx.Ints(1), ctx.Tensor(0).rank(), false));
  return SqueezeSet(ctx, set);
}

absl::Status InferTranspose(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  INGOT_ASSIGN_OR_RETURN(int a, WrapDim(ctx, ctx.Int(1), ctx.Tensor(0).rank()));
  INGOT_ASSIGN_OR_RETURN(int b, WrapDim(ctx, ctx.Int(2), ctx.Tensor(0).rank()));
  if (!dims.empty()) std::swap(dims[a], dims[b]);
  return AddLike(ctx, std::move(dims));
}

absl::Status InferT(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  if (dims.size() > 2) return ctx.Error("needs rank 2 or less");
  std::reverse(dims.begin(), dims.end());
  return AddLike(ctx, std::move(dims));
}

absl::Status InferPermute(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  if (static_cast<int>(ctx.Ints(1).size()) != self.rank()) {
    return ctx.Error(absl::StrCat("needs ", self.rank(), " dimensions, got ", ctx.Ints(1).size()));
  }
  INGOT_RETURN_IF_ERROR(WrapDims(ctx, ctx.Ints(1), self.rank(), false).status());
  ir::Dims dims;
  for (int64_t dim : ctx.Ints(1)) dims.push_back(self.dims[dim < 0 ? dim + self.rank() : dim]);
  return AddLike(ctx, std::move(dims));
}

absl::Status InferMovedim(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const bool lists = ctx.def().schema.args[1].kind == ArgKind::kIntList;
  const auto list = [&](int i) {
    return lists ? std::vector<int64_t>(ctx.Ints(i).begin(), ctx.Ints(i).end())
                 : std::vector<int64_t>{ctx.Int(i)};
  };
  const std::vector<int64_t> source = list(1), destination = list(2);
  if (source.size() != destination.size())
    return ctx.Error("source and destination differ in length");
  INGOT_ASSIGN_OR_RETURN(DimSet taken, WrapDims(ctx, source, self.rank(), false));
  INGOT_RETURN_IF_ERROR(WrapDims(ctx, destination, self.rank(), false).status());
  if (self.rank() == 0) return AddLike(ctx, {});
  ir::Dims dims(self.rank(), -1);
  for (size_t i = 0; i < source.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(int from, WrapDim(ctx, source[i], self.rank()));
    INGOT_ASSIGN_OR_RETURN(int to, WrapDim(ctx, destination[i], self.rank()));
    dims[to] = self.dims[from];
  }
  auto slot = dims.begin();
  for (int i = 0; i < self.rank(); ++i) {
    if (taken[i]) continue;
    slot = std::find(slot, dims.end(), -1);
    *slot = self.dims[i];
  }
  return AddLike(ctx, std::move(dims));
}

absl::Status InferExpand(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  ir::Dims dims(ctx.Ints(1).begin(), ctx.Ints(1).end());
  const int added = static_cast<int>(dims.size()) - self.rank();
  if (added < 0) return ctx.Error(absl::StrCat("fewer sizes than ", ir::ToString(self), " has"));
  for (size_t i = 0; i < dims.size(); ++i) {
    const int from = static_cast<int>(i) - added;
    if (dims[i] == -1 && from >= 0) dims[i] = self.dims[from];
    if (dims[i] < 0 || (from >= 0 && self.dims[from] != 1 && self.dims[from] != dims[i])) {
      return ctx.Error(
          absl::StrCat(ir::ToString(self), " does not expand to ", DimsText(ctx.Ints(1))));
    }
  }
  return AddLike(ctx, std::move(dims));
}

absl::Status InferSlice(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  if (dims.empty()) return ctx.Error("a tensor of rank 0 cannot be sliced");
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), ctx.Tensor(0).rank()));
  INGOT_ASSIGN_OR_RETURN(dims[dim], SliceSize(ctx, 2, dims[dim]));
  return AddLike(ctx, std::move(dims));
}

absl::Status InferSelect(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, SelectedDims(ctx, 1, 2));
  return AddLike(ctx, std::move(dims));
}

absl::Status InferNarrow(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  if (dims.empty()) return ctx.Error("a tensor of rank 0 cannot be narrowed");
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), ctx.Tensor(0).rank()));
  const int64_t length = ctx.Int(3);
  int64_t start = ctx.Int(2);
  if (start < 0) start += dims[dim];
  if (length < 0 || start < 0 || start > dims[dim] || length > dims[dim] - start) {
    return ctx.Error(
        absl::StrCat("range ", ctx.Int(2), " + ", length, " is outside of size ", dims[dim]));
  }
  dims[dim] = length;
  return AddLike(ctx, std::move(dims));
}

absl::Status InferUnfold(InferContext& ctx) {
  ir::Dims dims = ctx.Tensor(0).dims;
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), ctx.Tensor(0).rank()));
  const int64_t size = ctx.Int(2), step = ctx.Int(3);
  const int64_t available = dims.empty() ? 1 : dims[dim];
  if (size < 0 || size > available || step < 1) {
    return ctx.Error(absl::StrCat("windows of ", size, " by steps of ", step,
                                  " do not fit into size ", available));
  }
  if (!dims.empty()) dims[dim] = (available - size) / step + 1;
  dims.push_back(size);
  return AddLike(ctx, std::move(dims));
}

absl::Status InferDiagonal(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_ASSIGN_OR_RETURN(int dim1, WrapDim(ctx, ctx.Int(2), self.rank()));
  INGOT_ASSIGN_OR_RETURN(int dim2, WrapDim(ctx, ctx.Int(3), self.rank()));
  if (dim1 == dim2) return ctx.Error("the two dimensions must differ");
  const int64_t offset = ctx.Int(1);
  if (offset < -(int64_t{1} << 62) || offset > (int64_t{1} << 62)) {
    return ctx.Error("offset is out of range");
  }
  const int64_t rows = self.dims[dim1], columns = self.dims[dim2];
  const int64_t length =
      offset >= 0 ? std::min(rows, columns - offset) : std::min(rows + offset, columns);
  ir::Dims dims;
  for (int i = 0; i < self.rank(); ++i) {
    if (i != dim1 && i != dim2) dims.push_back(self.dims[i]);
  }
  dims.push_back(std::max<int64_t>(length, 0));
  return AddLike(ctx, std::move(dims));
}

// Limits what a corrupt file can make us list.
constexpr int64_t kMaxParts = int64_t{1} << 20;

absl::Status AddParts(InferContext& ctx, int dim, int64_t part, int64_t count) {
  const ir::TensorType& self = ctx.Tensor(0);
  if (count > kMaxParts) return ctx.Error(absl::StrCat(count, " parts are too many"));
  int64_t left = self.dims[dim];
  for (int64_t i = 0; i < count; ++i) {
    ir::TensorType type = self;
    type.dims[dim] = std::min(part, left);
    left -= type.dims[dim];
    ctx.AddOutput(std::move(type));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> SplitDim(InferContext& ctx, int arg) {
  if (ctx.Tensor(0).rank() == 0) return ctx.Error("a tensor of rank 0 cannot be split");
  return WrapDim(ctx, ctx.Int(arg), ctx.Tensor(0).rank());
}

absl::Status InferSplit(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(int dim, SplitDim(ctx, 2));
  const int64_t size = ctx.Tensor(0).dims[dim], part = ctx.Int(1);
  if (part < 0 || (part == 0 && size != 0)) {
    return ctx.Error(absl::StrCat("split_size must be positive, not ", part));
  }
  const int64_t count = part == 0 ? 1 : size / part + (size % part != 0);
  return AddParts(ctx, dim, part, std::max<int64_t>(count, 1));
}

absl::Status InferSplitWithSizes(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(int dim, SplitDim(ctx, 2));
  int64_t left = ctx.Tensor(0).dims[dim];
  for (int64_t part : ctx.Ints(1)) {
    if (part < 0 || part > left) return ctx.Error("split_sizes do not add up to the size");
    ir::TensorType type = ctx.Tensor(0);
    type.dims[dim] = part;
    left -= part;
    ctx.AddOutput(std::move(type));
  }
  if (left != 0) return ctx.Error("split_sizes do not add up to the size");
  return absl::OkStatus();
}

absl::Status InferChunk(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(int dim, SplitDim(ctx, 2));
  const int64_t size = ctx.Tensor(0).dims[dim], chunks = ctx.Int(1);
  if (chunks < 1) return ctx.Error(absl::StrCat("chunks must be positive, not ", chunks));
  if (size == 0) return AddParts(ctx, dim, 0, chunks);  // eager keeps the number of chunks then
  const int64_t part = size / chunks + (size % chunks != 0);
  return AddParts(ctx, dim, part, size / part + (size % part != 0));
}

absl::Status InferUnbind(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(int dim, SplitDim(ctx, 1));
  ir::TensorType type = ctx.Tensor(0);
  const int64_t count = type.dims[dim];
  if (count > kMaxParts) return ctx.Error(absl::StrCat(count, " parts are too many"));
  type.dims.erase(type.dims.begin() + dim);
  for (int64_t i = 0; i < count; ++i) ctx.AddOutput(type);
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> ViewOps() {
  return {
      {"aten::view(Tensor self, SymInt[] size) -> Tensor", "", kView, InferView,
       "self's elements in row-major order with other sizes; -1: what is left"},
      {"aten::reshape(Tensor self, SymInt[] shape) -> Tensor", "", kView, InferView,
       "self's elements in row-major order with other sizes; -1: what is left"},
      {"aten::flatten.using_ints(Tensor self, int start_dim=0, int end_dim=-1) -> Tensor", "",
       kView, InferFlatten, "dimensions start_dim to end_dim made one"},
      {"aten::unsqueeze(Tensor self, int dim) -> Tensor", "", kView, InferUnsqueeze,
       "one more dimension of size 1 at dim"},
      {"aten::squeeze(Tensor self) -> Tensor", "", kView, InferSqueeze,
       "dimensions of size 1 dropped"},
      {"aten::squeeze.dim(Tensor self, int dim) -> Tensor", "", kView, InferSqueezeDim,
       "dim dropped if of size 1"},
      {"aten::squeeze.dims(Tensor self, int[] dim) -> Tensor", "", kView, InferSqueezeDims,
       "those of dim dropped that have size 1"},
      {"aten::transpose.int(Tensor self, int dim0, int dim1) -> Tensor", "", kView, InferTranspose,
       "dimensions dim0 and dim1 swapped"},
      {"aten::t(Tensor self) -> Tensor", "", kView, InferT, "matrix transposed"},
      {"aten::permute(Tensor self, int[] dims) -> Tensor", "", kView, InferPermute,
       "dimension i of the result is dims[i] of self"},
      {"aten::movedim.int(Tensor self, int source, int destination) -> Tensor", "", kView,
       InferMovedim, "dimension source moved to destination, the others in order"},
      {"aten::movedim.intlist(Tensor self, int[] source, int[] destination) -> Tensor", "", kView,
       InferMovedim, "dimensions source moved to destination, the others in order"},
      {"aten::expand(Tensor self, SymInt[] size, *, bool implicit=False) -> Tensor", "", kView,
       InferExpand, "broadcast to size; -1: as self"},
      {"aten::slice.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt "
       "step=1) -> Tensor",
       "", kView, InferSlice, "self[start:end:step] along dim"},
      {"aten::narrow(Tensor self, int dim, SymInt start, SymInt length) -> Tensor", "", kView,
       InferNarrow, "self[start:start+length] along dim"},
      {"aten::select.int(Tensor self, int dim, SymInt index) -> Tensor", "", kView, InferSelect,
       "self[index] along dim, which the result lacks"},
      {"aten::unfold(Tensor self, int dimension, int size, int step) -> Tensor", "", kView,
       InferUnfold, "all windows of size along dimension, as a last dimension"},
      {"aten::diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor", "", kView,
       InferDiagonal, "elements [i, i + offset] of dim1, dim2, as a last dimension"},
      {"aten::split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]", "", kView,
       InferSplit, "parts of split_size along dim; the last may be smaller"},
      {"aten::split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]", "",
       kView, InferSplitWithSizes, "parts of the given sizes along dim"},
      {"aten::chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", "", kView, InferChunk,
       "at most chunks parts of one size along dim; the last may be smaller"},
      {"aten::unbind.int(Tensor self, int dim=0) -> Tensor[]", "", kView, InferUnbind,
       "the slices along dim, which they lack"},
  };
}

}  // namespace ingot::ops
