// Ops whose operands name elements: lookups, scatters, sorting.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

absl::Status InferEmbedding(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "weight", ctx.Tensor(0), 2));
  INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, ctx.Tensor(1).dtype));
  ir::Dims dims = ctx.Tensor(1).dims;
  dims.push_back(ctx.Tensor(0).dims[1]);
  ctx.AddOutput({ctx.Tensor(0).dtype, std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferIndexSelect(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& index = ctx.Tensor(2);
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), self.rank()));
  INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, index.dtype));
  if (index.rank() > 1) return ctx.Error("index must have rank 0 or 1");
  const int64_t count = index.rank() == 0 ? 1 : index.dims[0];
  ir::TensorType type = self;
  if (self.rank() > 0) {
    type.dims[dim] = count;
  } else if (count != 1) {
    return ctx.Error("a number can be selected from once only");
  }
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

// Size `i` of a tensor where rank 0 counts as [1].
int64_t SizeAt(const ir::TensorType& type, int i) { return type.rank() == 0 ? 1 : type.dims[i]; }

// index (and src, when given) must fit into self except along dim.
absl::Status CheckIndexSizes(InferContext& ctx, const ir::TensorType& bound,
                             const ir::TensorType& index, std::optional<int> except) {
  const bool ranks_fit = std::max(bound.rank(), 1) == std::max(index.rank(), 1);
  bool sizes_fit = ranks_fit;
  for (int i = 0; ranks_fit && i < std::max(bound.rank(), 1); ++i) {
    if (except != i && SizeAt(index, i) > SizeAt(bound, i)) sizes_fit = false;
  }
  if (sizes_fit) return absl::OkStatus();
  return ctx.Error(
      absl::StrCat("index ", ir::ToString(index), " does not fit ", ir::ToString(bound)));
}

absl::Status InferGather(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& index = ctx.Tensor(2);
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), self.rank()));
  if (index.NumElements() != 0) {  // an empty index may be of any dtype
    INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, index.dtype));
    INGOT_RETURN_IF_ERROR(CheckIndexSizes(ctx, self, index, dim));
  }
  ctx.AddOutput({self.dtype, index.dims});
  return absl::OkStatus();
}

absl::Status InferScatter(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& index = ctx.Tensor(2);
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(1), self.rank()));
  INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, index.dtype));
  if (ctx.def().schema.args[3].kind == ArgKind::kTensor) {
    INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, self, ctx.Tensor(3)));
    if (index.NumElements() != 0) {
      INGOT_RETURN_IF_ERROR(CheckIndexSizes(ctx, ctx.Tensor(3), index, std::nullopt));
    }
  }
  if (index.NumElements() != 0) INGOT_RETURN_IF_ERROR(CheckIndexSizes(ctx, self, index, dim));
  ctx.AddOutput(self);
  return absl::OkStatus();
}

struct Indexing {
  ir::Dims indexed;  // broadcast sizes of the index tensors
  ir::Dims result;   // sizes of self[indices]
};

// Advanced indexing (NumPy's): the broadcast index dimensions replace the indexed ones where these
// are adjacent, and go first where they are not.
absl::StatusOr<Indexing> ResolveIndices(InferContext& ctx, int list) {
  const ir::TensorType& self = ctx.Tensor(0);
  const auto& ids = std::get<ir::ValueRefList>(ctx.arg(list)).ids;
  if (ids.size() > self.dims.size()) {
    return ctx.Error(absl::StrCat(ids.size(), " indices for ", ir::ToString(self)));
  }
  const std::vector<ir::TensorType> tensors = ctx.Tensors(list);
  if (tensors.empty()) return ctx.Error("needs at least one index");
  Indexing result;
  for (const ir::TensorType& index : tensors) {
    if (index.dtype == DType::kBool || index.dtype == DType::kUInt8) {
      return Unsupported(ctx, "a mask as index (the result's size depends on data)");
    }
    INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, index.dtype));
    INGOT_ASSIGN_OR_RETURN(result.indexed, Broadcast(ctx, result.indexed, index.dims));
  }
  const auto present = [&](size_t i) { return i < ids.size() && ids[i] != ir::kNoValue; };
  size_t first = 0;
  while (!present(first)) ++first;
  size_t last = ids.size() - 1;
  while (!present(last)) --last;
  const bool adjacent = last - first + 1 == tensors.size();
  const size_t position = adjacent ? first : 0;
  for (size_t i = 0; i <= self.dims.size(); ++i) {
    if (i == position) {
      result.result.insert(result.result.end(), result.indexed.begin(), result.indexed.end());
    }
    if (i < self.dims.size() && !present(i)) result.result.push_back(self.dims[i]);
    if (i < self.dims.size() && present(i) && self.dims[i] == 0 && Product(result.indexed) != 0) {
      return ctx.Error("index into a dimension of size 0");
    }
  }
  return result;
}

absl::Status InferIndex(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(Indexing indexing, ResolveIndices(ctx, 1));
  ctx.AddOutput({ctx.Tensor(0).dtype, std::move(indexing.result)});
  return absl::OkStatus();
}

absl::Status InferIndexPut(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(2)));
  INGOT_ASSIGN_OR_RETURN(Indexing indexing, ResolveIndices(ctx, 1));
  INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(2).dims, indexing.result));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

void AddValuesAndIndices(InferContext& ctx, const ir::Dims& dims) {
  ctx.AddOutput({ctx.Tensor(0).dtype, dims});
  ctx.AddOutput({DType::kInt64, dims});
}

absl::Status InferSort(InferContext& ctx) {
  const int dim = ctx.def().schema.Find("dim");
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(dim), ctx.Tensor(0).rank()).status());
  AddValuesAndIndices(ctx, ctx.Tensor(0).dims);
  return absl::OkStatus();
}

absl::Status InferTopk(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, self.dtype));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, self.dtype));
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(2), self.rank()));
  const int64_t k = ctx.Int(1);
  if (k < 0 || k > SizeAt(self, dim)) {
    return ctx.Error(absl::StrCat("k is ", k, " of ", SizeAt(self, dim), " elements"));
  }
  ir::Dims dims = self.dims;
  if (!dims.empty()) dims[dim] = k;
  AddValuesAndIndices(ctx, dims);
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> IndexOps() {
  return {
      {"aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool "
       "scale_grad_by_freq=False, bool sparse=False) -> Tensor",
       "", kNoTraits, InferEmbedding, "weight[indices]; the other arguments are for gradients"},
      {"aten::index_select(Tensor self, int dim, Tensor index) -> Tensor", "", kNoTraits,
       InferIndexSelect, "self's slices index[i] along dim"},
      {"aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", "",
       kNoTraits, InferGather, "out[.., i, ..] = self[.., index[.., i, ..], ..] along dim"},
      {"aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", "", kNoTraits, InferIndex,
       "self[indices], by NumPy's rules for integer arrays"},
      {"aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> "
       "Tensor",
       "", kNoTraits, InferIndexPut, "self with self[indices] = values, or += if accumulate"},
      {"aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", "", kNoTraits,
       InferScatter, "self with [.., index[.., i, ..], ..] = src[.., i, ..] along dim"},
      {"aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", "",
       kNoTraits, InferScatter, "self with [.., index[.., i, ..], ..] = value along dim"},
      {"aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", "", kNoTraits,
       InferScatter, "self with [.., index[.., i, ..], ..] += src[.., i, ..] along dim"},
      {"aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor "
       "indices)",
       "", kNoTraits, InferSort, "sorted along dim, with the places; NaN is the greatest"},
      {"aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> "
       "(Tensor values, Tensor indices)",
       "", kNoTraits, InferSort, "sorted along dim, with the places; NaN is the greatest"},
      {"aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> "
       "(Tensor values, Tensor indices)",
       "", kNoTraits, InferTopk, "the k largest or smallest along dim, with the places"},
  };
}

}  // namespace ingot::ops
