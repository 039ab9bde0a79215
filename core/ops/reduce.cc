// Reductions and scans.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

// Where an op keeps its dimensions, keepdim and dtype arguments; -1: it has none.
struct Slots {
  int dim = -1;
  int keepdim = -1;
  int dtype = -1;
};

Slots FindSlots(InferContext& ctx) {
  const Schema& schema = ctx.def().schema;
  return {schema.Find("dim"), schema.Find("keepdim"), schema.Find("dtype")};
}

// The reduced dimensions: a list (None or empty: all), one int (None: all), or no argument at all
// (all).
absl::StatusOr<DimSet> ReducedSet(InferContext& ctx, const Slots& slots) {
  const int rank = ctx.Tensor(0).rank();
  if (slots.dim < 0 || !ctx.Has(slots.dim)) return WrapDims(ctx, {}, rank, true);
  if (ctx.def().schema.args[slots.dim].kind == ArgKind::kInt) {
    return WrapDims(ctx, {ctx.Int(slots.dim)}, rank, false);
  }
  return WrapDims(ctx, ctx.Ints(slots.dim), rank, true);
}

absl::StatusOr<ir::Dims> ReducedSizes(InferContext& ctx) {
  const Slots slots = FindSlots(ctx);
  INGOT_ASSIGN_OR_RETURN(DimSet reduced, ReducedSet(ctx, slots));
  return ReducedDims(ctx.Tensor(0).dims, reduced, slots.keepdim >= 0 && ctx.Bool(slots.keepdim));
}

// For reductions without neutral element.
absl::Status RequireElements(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_ASSIGN_OR_RETURN(DimSet reduced, ReducedSet(ctx, FindSlots(ctx)));
  for (int i = 0; i < self.rank(); ++i) {
    if (reduced[i] && self.dims[i] == 0) {
      return ctx.Error(absl::StrCat("no elements to reduce in ", ir::ToString(self)));
    }
  }
  return absl::OkStatus();
}

absl::Status AddReduced(InferContext& ctx, DType dtype) {
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, ReducedSizes(ctx));
  ctx.AddOutput({dtype, std::move(dims)});
  return absl::OkStatus();
}

DType RequestedDType(InferContext& ctx, DType fallback) {
  const int slot = FindSlots(ctx).dtype;
  return slot < 0 ? fallback : ctx.DTypeOr(slot, fallback);
}

absl::Status InferSum(InferContext& ctx) {
  return AddReduced(ctx, RequestedDType(ctx, SumFor(ctx.Tensor(0).dtype)));
}

absl::Status InferMean(InferContext& ctx) {
  const DType dtype = RequestedDType(ctx, ctx.Tensor(0).dtype);
  if (!ir::IsComplex(dtype)) INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  return AddReduced(ctx, dtype);
}

absl::Status InferExtreme(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireElements(ctx));
  return AddReduced(ctx, ctx.Tensor(0).dtype);
}

absl::Status InferExtremeWithIndex(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(InferExtreme(ctx));
  return AddReduced(ctx, DType::kInt64);
}

absl::Status InferArgExtreme(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireElements(ctx));
  return AddReduced(ctx, DType::kInt64);
}

// any, all: bool, except that u8 stays u8.
absl::Status InferTruth(InferContext& ctx) {
  return AddReduced(ctx, ctx.Tensor(0).dtype == DType::kUInt8 ? DType::kUInt8 : DType::kBool);
}

absl::Status InferVariance(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  return AddReduced(ctx, ctx.Tensor(0).dtype);
}

// max and min of the absolute values have no neutral element.
absl::Status CheckOrder(InferContext& ctx, int order) {
  if (!ctx.Has(order)) return absl::OkStatus();
  const double p = ctx.Float(order);
  if (p < 0 || p == std::numeric_limits<double>::infinity()) return RequireElements(ctx);
  return absl::OkStatus();
}

absl::Status InferNorm(InferContext& ctx) {
  const DType self = ctx.Tensor(0).dtype;
  const DType dtype = RequestedDType(ctx, self);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, self));
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  if (ir::PromoteTypes(self, dtype) != dtype) {
    return ctx.Error(
        absl::StrCat("dtype ", ir::DTypeName(dtype), " is narrower than ", ir::DTypeName(self)));
  }
  INGOT_RETURN_IF_ERROR(CheckOrder(ctx, 1));
  return AddReduced(ctx, dtype);
}

absl::Status InferCumsum(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(1), self.rank()).status());
  ctx.AddOutput({ctx.DTypeOr(2, SumFor(self.dtype)), self.dims});
  return absl::OkStatus();
}

absl::Status InferLogsumexp(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  return AddReduced(ctx, FloatFor(ctx.Tensor(0).dtype));
}

std::vector<OpDef> Sums() {
  return {
      {"aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", "", kNoTraits, InferSum,
       "sum of all elements; integers sum as i64"},
      {"aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? "
       "dtype=None) -> Tensor",
       "", kNoTraits, InferSum, "sum over dim; integers sum as i64"},
      {"aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", "", kNoTraits, InferMean,
       "mean of all elements"},
      {"aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) "
       "-> Tensor",
       "", kNoTraits, InferMean, "mean over dim"},
      {"aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor", "", kNoTraits, InferSum,
       "product of all elements; integers multiply as i64"},
      {"aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) "
       "-> Tensor",
       "", kNoTraits, InferSum, "product over dim; integers multiply as i64"},
      {"aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
       "keepdim=False) -> Tensor",
       "", kNoTraits, InferVariance,
       "sum((x - mean)^2) / max(0, n - correction); correction None: 1"},
      {"aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
       "keepdim=False) -> Tensor",
       "", kNoTraits, InferVariance, "square root of var.correction"},
      {"aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, "
       "*, ScalarType? dtype=None) -> Tensor",
       "", kNoTraits, InferNorm,
       "sum(|x|^ord)^(1/ord); inf: max, -inf: min, 0: number of non-zeros"},
      {"aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> "
       "Tensor",
       "", kNoTraits, InferNorm, "linalg_vector_norm of order p; None: 2"},
      {"aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", "", kNoTraits,
       InferCumsum, "running sums along dim; integers sum as i64"},
      {"aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferLogsumexp, "log(sum(e^self)) over dim"},
  };
}

std::vector<OpDef> Extremes() {
  return {
      {"aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", "", kNoTraits,
       InferExtreme, "maximum over dim; NaN if any is"},
      {"aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", "", kNoTraits,
       InferExtreme, "minimum over dim; NaN if any is"},
      {"aten::max(Tensor self) -> Tensor", "", kNoTraits, InferExtreme, "maximum of all elements"},
      {"aten::min(Tensor self) -> Tensor", "", kNoTraits, InferExtreme, "minimum of all elements"},
      {"aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
       "indices)",
       "", kNoTraits, InferExtremeWithIndex, "maximum over dim, and where it is first"},
      {"aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
       "indices)",
       "", kNoTraits, InferExtremeWithIndex, "minimum over dim, and where it is first"},
      {"aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferArgExtreme, "first place of the maximum; dim None: in row-major order of all"},
      {"aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferArgExtreme, "first place of the minimum; dim None: in row-major order of all"},
      {"aten::any(Tensor self) -> Tensor", "", kNoTraits, InferTruth, "any element != 0"},
      {"aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferTruth, "any element != 0 over dim"},
      {"aten::all(Tensor self) -> Tensor", "", kNoTraits, InferTruth, "all elements != 0"},
      {"aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", "", kNoTraits,
       InferTruth, "all elements != 0 over dim"},
  };
}

}  // namespace

std::vector<OpDef> ReduceOps() {
  std::vector<OpDef> ops = Sums();
  for (OpDef& def : Extremes()) ops.push_back(std::move(def));
  return ops;
}

}  // namespace ingot::ops
