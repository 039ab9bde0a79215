// Ops that write, read or count the elements that an index names, and searches in sorted values.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

// Arguments: self, dim, index (rank 0 or 1). Returns dim, wrapped.
absl::StatusOr<int> CheckSliceIndex(InferContext& ctx) {
  const ir::TensorType& index = ctx.Tensor(2);
  INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, index.dtype));
  if (index.rank() > 1) return ctx.Error("index must have rank 0 or 1");
  return WrapDim(ctx, ctx.Int(1), ctx.Tensor(0).rank());
}

absl::Status RequireLongIndex(InferContext& ctx) {
  return ctx.Tensor(2).dtype == DType::kInt64 ? absl::OkStatus() : ctx.Error("index must be i64");
}

// Argument 3, source: self's sizes with as many slices along dim as index has elements.
absl::Status InferIndexSource(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(const int dim, CheckSliceIndex(ctx));
  if (ctx.def().schema.op == "aten::index_copy") INGOT_RETURN_IF_ERROR(RequireLongIndex(ctx));
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& source = ctx.Tensor(3);
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, self, source));
  ir::Dims dims = self.dims;
  const int64_t count = ctx.Tensor(2).NumElements();
  if (!dims.empty()) dims[dim] = count;
  const bool copies = ctx.def().schema.op == "aten::index_copy";
  const bool number =
      count == 1 && source.rank() <= 1 && source.NumElements() == 1 && self.rank() <= copies;
  // Eager's index_copy writes one slice of a number after the other.
  const bool lone = copies && self.rank() == 0 && source.dims == ir::Dims{count};
  if (!number && !lone && (source.dims != dims || self.rank() == 0)) {
    return ctx.Error(
        absl::StrCat("source must have sizes ", DimsText(dims), ", not ", ir::ToString(source)));
  }
  ctx.AddOutput(self);
  return absl::OkStatus();
}

absl::Status InferIndexFill(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckSliceIndex(ctx).status());
  INGOT_RETURN_IF_ERROR(RequireLongIndex(ctx));
  if (ir::IsComplex(ctx.ScalarType(3)) && !ir::IsComplex(ctx.Tensor(0).dtype)) {
    return ctx.Error("a complex value for a real tensor");
  }
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

// `scatters`: scatter_reduce knows more reductions and names than index_reduce.
absl::Status CheckReduce(InferContext& ctx, const std::string& reduce, bool scatters) {
  for (const char* name : {"prod", "mean", "amax", "amin"}) {
    if (reduce == name) return absl::OkStatus();
  }
  for (const char* name : {"sum", "max", "min"}) {
    if (scatters && reduce == name) return absl::OkStatus();
  }
  return ctx.Error(absl::StrCat("no reduction is called ", reduce));
}

absl::Status InferIndexReduce(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(CheckReduce(ctx, std::get<std::string>(ctx.arg(4)), false));
  return InferIndexSource(ctx);
}

int64_t SizeAt(const ir::TensorType& type, int i) { return type.rank() == 0 ? 1 : type.dims[i]; }

absl::Status InferScatterReduce(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& index = ctx.Tensor(2);
  const ir::TensorType& src = ctx.Tensor(3);
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, self.dtype));
  INGOT_ASSIGN_OR_RETURN(const int dim, WrapDim(ctx, ctx.Int(1), self.rank()));
  INGOT_RETURN_IF_ERROR(RequireIndexDType(ctx, index.dtype));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, self, src));
  INGOT_RETURN_IF_ERROR(CheckReduce(ctx, std::get<std::string>(ctx.arg(4)), true));
  if (index.NumElements() != 0) {
    const int rank = std::max(self.rank(), 1);
    bool fits = std::max(index.rank(), 1) == rank && std::max(src.rank(), 1) == rank;
    for (int i = 0; fits && i < rank; ++i) {
      fits =
          SizeAt(index, i) <= SizeAt(src, i) && (i == dim || SizeAt(index, i) <= SizeAt(self, i));
    }
    if (!fits) {
      return ctx.Error(absl::StrCat("index ", ir::ToString(index), " does not fit ",
                                    ir::ToString(self), " and ", ir::ToString(src)));
    }
  }
  ctx.AddOutput(self);
  return absl::OkStatus();
}

absl::Status InferMaskedScatter(InferContext& ctx) {
  if (ctx.Tensor(1).dtype != DType::kBool) return ctx.Error("mask must be b8");
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(2)));
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, Broadcast(ctx, ctx.Tensor(0).dims, ctx.Tensor(1).dims));
  ctx.AddOutput({ctx.Tensor(0).dtype, std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferTake(InferContext& ctx) {
  if (ctx.Tensor(1).dtype != DType::kInt64) return ctx.Error("index must be i64");
  ctx.AddOutput({ctx.Tensor(0).dtype, ctx.Tensor(1).dims});
  return absl::OkStatus();
}

absl::Status InferBucketize(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "boundaries", ctx.Tensor(1), 1));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  ctx.AddOutput({ctx.Bool(2) ? DType::kInt32 : DType::kInt64, ctx.Tensor(0).dims});
  return absl::OkStatus();
}

// Arguments: sorted_sequence, self, out_int32, right, side, sorter.
absl::Status InferSearchsorted(InferContext& ctx) {
  const ir::TensorType& sorted = ctx.Tensor(0);
  const ir::TensorType& self = ctx.Tensor(1);
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, sorted.dtype));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, sorted, self));
  if (sorted.rank() == 0) return ctx.Error("sorted_sequence needs a dimension");
  const bool rows_fit = sorted.rank() == self.rank() && self.rank() > 0 &&
                        std::equal(sorted.dims.begin(), sorted.dims.end() - 1, self.dims.begin());
  if (sorted.rank() != 1 && !rows_fit) {
    return ctx.Error(absl::StrCat("the rows of ", ir::ToString(self), " are not those of ",
                                  ir::ToString(sorted)));
  }
  if (ctx.Has(4)) {
    const auto& side = std::get<std::string>(ctx.arg(4));
    if (side != "left" && side != "right") return ctx.Error("side must be left or right");
    if (side == "left" && ctx.Bool(3)) return ctx.Error("side and right contradict each other");
  }
  if (ctx.Has(5) && (ctx.Tensor(5).dims != sorted.dims || ctx.Tensor(5).dtype != DType::kInt64)) {
    return ctx.Error("sorter must be i64 and have sorted_sequence's sizes");
  }
  ctx.AddOutput({ctx.Bool(2) ? DType::kInt32 : DType::kInt64, self.dims});
  return absl::OkStatus();
}

// Arguments: self, target, weight, reduction, ignore_index.
absl::Status CheckNll(InferContext& ctx, int64_t classes) {
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  const DType target = ctx.Tensor(1).dtype;
  if (target != DType::kInt64 && target != DType::kUInt8) {
    return ctx.Error(absl::StrCat("target must be i64 or u8, not ", ir::DTypeName(target)));
  }
  if (!ctx.Has(2)) return absl::OkStatus();
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(2)));
  if (ctx.Tensor(2).rank() == 1 && ctx.Tensor(2).NumElements() == classes) return absl::OkStatus();
  return ctx.Error(
      absl::StrCat("weight must have ", classes, " elements, not ", ir::ToString(ctx.Tensor(2))));
}

absl::Status AddNll(InferContext& ctx, const ir::Dims& dims) {
  const DType dtype = ctx.Tensor(0).dtype;
  ctx.AddOutput({dtype, ctx.Int(3) == 0 ? dims : ir::Dims()});
  ctx.AddOutput({dtype, {}});
  return absl::OkStatus();
}

absl::Status InferNllLoss(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& target = ctx.Tensor(1);
  if (self.rank() != 1 && self.rank() != 2) return ctx.Error("self must have rank 1 or 2");
  if (target.rank() > 1) return ctx.Error("target must have rank 0 or 1");
  const bool fits = self.rank() == 1 ? target.NumElements() == 1
                                     : target.rank() == 1 && target.dims[0] == self.dims[0];
  if (!fits) {
    return ctx.Error(
        absl::StrCat("target ", ir::ToString(target), " does not fit ", ir::ToString(self)));
  }
  INGOT_RETURN_IF_ERROR(CheckNll(ctx, self.dims.back()));
  return AddNll(ctx, self.rank() == 1 ? ir::Dims() : ir::Dims{self.dims[0]});
}

absl::Status InferNllLoss2d(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "self", self, 4));
  const ir::Dims dims = {self.dims[0], self.dims[2], self.dims[3]};
  if (ctx.Tensor(1).dims != dims) {
    return ctx.Error(absl::StrCat("target must have sizes ", DimsText(dims), ", not ",
                                  ir::ToString(ctx.Tensor(1))));
  }
  INGOT_RETURN_IF_ERROR(CheckNll(ctx, self.dims[1]));
  return AddNll(ctx, dims);
}

}  // namespace

std::vector<OpDef> ScatterOps() {
  return {
      {"aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> "
       "Tensor",
       "", kNoTraits, InferIndexSource, "self with slice index[i] += alpha * source's slice i"},
      {"aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor", "",
       kNoTraits, InferIndexSource, "self with slice index[i] = source's slice i"},
      {"aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
       "", kNoTraits, InferIndexFill, "self with value in the slices index[i]"},
      {"aten::index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool "
       "include_self=True) -> Tensor",
       "", kNoTraits, InferIndexReduce, "self with slice index[i] reduced with source's slice i"},
      {"aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, "
       "bool include_self=True) -> Tensor",
       "", kNoTraits, InferScatterReduce,
       "self with [.., index[.., i, ..], ..] reduced with src[.., i, ..] along dim"},
      {"aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor", "", kNoTraits,
       InferMaskedScatter, "self with source's elements, in order, where mask"},
      {"aten::take(Tensor self, Tensor index) -> Tensor", "", kNoTraits, InferTake,
       "elements of self, by their places in row-major order"},
      {"aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool "
       "right=False) -> Tensor",
       "", kNoTraits, InferBucketize, "number of boundaries below self (right: or equal)"},
      {"aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, "
       "bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
       "", kNoTraits, InferSearchsorted,
       "number of elements of a row below self (right: or equal)"},
      {"aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt "
       "ignore_index) -> (Tensor output, Tensor total_weight)",
       "", kNoTraits, InferNllLoss, "-weight[target] self[target]; reduced, and sum of weights"},
      {"aten::nll_loss2d_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt "
       "ignore_index) -> (Tensor output, Tensor total_weight)",
       "", kNoTraits, InferNllLoss2d, "nll_loss_forward for each pixel"},
  };
}

}  // namespace ingot::ops
