// Scans along a dimension, order statistics, and reductions with several or unusual results.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

int64_t SizeAlong(const ir::TensorType& type, int dim) {
  return type.rank() == 0 ? 1 : type.dims[dim];
}

// Position of an argument that the op must have.
int Slot(InferContext& ctx, const char* name) { return ctx.def().schema.Find(name); }

absl::Status InferCumprod(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(1), self.rank()).status());
  ctx.AddOutput({ctx.DTypeOr(2, SumFor(self.dtype)), self.dims});
  return absl::OkStatus();
}

absl::Status InferCumulativeExtreme(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, self.dtype));
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(1), self.rank()).status());
  ctx.AddOutput(self);
  ctx.AddOutput({DType::kInt64, self.dims});
  return absl::OkStatus();
}

absl::Status InferLogcumsumexp(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  if (ir::IsComplex(self.dtype)) return RequireNotComplex(ctx, self.dtype);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, self.dtype));
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(1), self.rank()).status());
  ctx.AddOutput(self);
  return absl::OkStatus();
}

absl::Status InferMedian(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput({ctx.Tensor(0).dtype, {}});
  return absl::OkStatus();
}

// Sizes of self with dimension `dim` reduced; there must be an element along it.
absl::StatusOr<ir::Dims> ReducedAlong(InferContext& ctx, int64_t dim, bool keepdim) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_ASSIGN_OR_RETURN(const int wrapped, WrapDim(ctx, dim, self.rank()));
  if (SizeAlong(self, wrapped) == 0) {
    return ctx.Error(absl::StrCat("no elements to reduce in ", ir::ToString(self)));
  }
  DimSet reduced;
  reduced.set(wrapped);
  return ReducedDims(self.dims, reduced, keepdim);
}

absl::Status InferMedianDim(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, ctx.Tensor(0).dtype));
  INGOT_ASSIGN_OR_RETURN(const ir::Dims dims, ReducedAlong(ctx, ctx.Int(1), ctx.Bool(2)));
  ctx.AddOutput({ctx.Tensor(0).dtype, dims});
  ctx.AddOutput({DType::kInt64, dims});
  return absl::OkStatus();
}

absl::Status InferAminmax(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, self.dtype));
  ir::Dims dims;
  if (ctx.Has(1)) {
    INGOT_ASSIGN_OR_RETURN(dims, ReducedAlong(ctx, ctx.Int(1), ctx.Bool(2)));
  } else {
    if (self.NumElements() == 0) return ctx.Error("no elements to reduce");
    if (ctx.Bool(2)) dims = ir::Dims(self.dims.size(), 1);
  }
  ctx.AddOutput({self.dtype, dims});
  ctx.AddOutput({self.dtype, dims});
  return absl::OkStatus();
}

// The list argument `dim`; None or empty: all dimensions.
absl::StatusOr<ir::Dims> ReducedOverList(InferContext& ctx, bool keepdim) {
  const int slot = Slot(ctx, "dim");
  const absl::Span<const int64_t> list =
      ctx.Has(slot) ? ctx.Ints(slot) : absl::Span<const int64_t>();
  INGOT_ASSIGN_OR_RETURN(const DimSet reduced, WrapDims(ctx, list, ctx.Tensor(0).rank(), true));
  return ReducedDims(ctx.Tensor(0).dims, reduced, keepdim);
}

absl::Status InferNansum(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, ReducedOverList(ctx, ctx.Bool(2)));
  ctx.AddOutput({ctx.DTypeOr(3, SumFor(ctx.Tensor(0).dtype)), std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferCountNonzero(InferContext& ctx) {
  ir::Dims dims;
  if (ctx.Has(1) && ctx.def().schema.args[1].kind == ArgKind::kInt) {
    const ir::TensorType& self = ctx.Tensor(0);
    INGOT_ASSIGN_OR_RETURN(const int dim, WrapDim(ctx, ctx.Int(1), self.rank()));
    DimSet reduced;
    reduced.set(dim);
    dims = ReducedDims(self.dims, reduced, false);
  } else if (ctx.Has(1)) {
    INGOT_ASSIGN_OR_RETURN(dims, ReducedOverList(ctx, false));
  }
  ctx.AddOutput({DType::kInt64, std::move(dims)});
  return absl::OkStatus();
}

// any, all over a list of dimensions: None names all, an empty list none.
absl::Status InferTruthDims(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  DimSet reduced;
  if (ctx.Has(1)) {
    INGOT_ASSIGN_OR_RETURN(reduced, WrapDims(ctx, ctx.Ints(1), self.rank(), false));
  } else {
    reduced.set();
  }
  ctx.AddOutput({self.dtype == DType::kUInt8 ? DType::kUInt8 : DType::kBool,
                 ReducedDims(self.dims, reduced, ctx.Bool(2))});
  return absl::OkStatus();
}

absl::Status InferVarianceAndMean(InferContext& ctx) {
  const DType dtype = ctx.Tensor(0).dtype;
  if (ir::IsComplex(dtype)) return RequireNotComplex(ctx, dtype);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  INGOT_ASSIGN_OR_RETURN(const ir::Dims dims, ReducedOverList(ctx, ctx.Bool(3)));
  ctx.AddOutput({dtype, dims});
  ctx.AddOutput({dtype, dims});
  return absl::OkStatus();
}

absl::Status InferTrace(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "self", ctx.Tensor(0), 2));
  ctx.AddOutput({SumFor(ctx.Tensor(0).dtype), {}});
  return absl::OkStatus();
}

std::vector<OpDef> Scans() {
  return {
      {"aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", "", kNoTraits,
       InferCumprod, "running products along dim; integers multiply as i64"},
      {"aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)", "", kNoTraits,
       InferCumulativeExtreme, "running maximum along dim, and where it is last"},
      {"aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)", "", kNoTraits,
       InferCumulativeExtreme, "running minimum along dim, and where it is last"},
      {"aten::logcumsumexp(Tensor self, int dim) -> Tensor", "", kNoTraits, InferLogcumsumexp,
       "log(running sums of e^self) along dim"},
  };
}

std::vector<OpDef> Statistics() {
  return {
      {"aten::median(Tensor self) -> Tensor", "", kNoTraits, InferMedian,
       "the lower median of all elements; NaN if any is"},
      {"aten::nanmedian(Tensor self) -> Tensor", "", kNoTraits, InferMedian,
       "the lower median of the elements that are no NaN"},
      {"aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
       "indices)",
       "", kNoTraits, InferMedianDim, "the lower median along dim, and a place of it"},
      {"aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
       "indices)",
       "", kNoTraits, InferMedianDim, "median.dim of the elements that are no NaN"},
      {"aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor "
       "max)",
       "", kNoTraits, InferAminmax, "minimum and maximum over dim or all; NaN if any is"},
      {"aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
       "dtype=None) -> Tensor",
       "", kNoTraits, InferNansum, "sum over dim, NaN counting as 0"},
      {"aten::count_nonzero(Tensor self, int? dim=None) -> Tensor", "", kNoTraits,
       InferCountNonzero, "number of elements != 0, over dim or all"},
      {"aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor", "", kNoTraits,
       InferCountNonzero, "number of elements != 0 over dim"},
      {"aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferTruthDims, "any element != 0 over dim"},
      {"aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferTruthDims, "all elements != 0 over dim"},
      {"aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
       "keepdim=False) -> (Tensor, Tensor)",
       "", kNoTraits, InferVarianceAndMean, "var.correction and mean"},
      {"aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
       "keepdim=False) -> (Tensor, Tensor)",
       "", kNoTraits, InferVarianceAndMean, "std.correction and mean"},
      {"aten::trace(Tensor self) -> Tensor", "", kNoTraits, InferTrace,
       "sum of the main diagonal; integers sum as i64"},
  };
}

}  // namespace

std::vector<OpDef> ScanOps() {
  std::vector<OpDef> ops = Scans();
  for (OpDef& def : Statistics()) ops.push_back(std::move(def));
  return ops;
}

}  // namespace ingot::ops
