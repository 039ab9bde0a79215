#include "core/ops/infer.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"

namespace ingot::ops {
using ir::DType;

absl::Status Operands::Add(int i) {
  if (!ctx_.Has(i)) return absl::OkStatus();
  if (ctx_.def().schema.args[i].kind == ArgKind::kScalar) {
    promotion_.AddNumber(ctx_.ScalarType(i));
    return absl::OkStatus();
  }
  promotion_.AddTensor(ctx_.Tensor(i));
  return AddSizes(i);
}

absl::Status Operands::AddSizes(int i) {
  INGOT_ASSIGN_OR_RETURN(dims_, Broadcast(ctx_, dims_, ctx_.Tensor(i).dims));
  return absl::OkStatus();
}

DType FloatFor(DType dtype) { return ir::IsIntegralOrBool(dtype) ? DType::kFloat32 : dtype; }

DType SumFor(DType dtype) { return ir::IsIntegralOrBool(dtype) ? DType::kInt64 : dtype; }

absl::Status RequireFloating(InferContext& ctx, DType dtype) {
  if (ir::IsFloating(dtype)) return absl::OkStatus();
  if (ir::IsComplex(dtype)) return RequireNotComplex(ctx, dtype);
  return ctx.Error(absl::StrCat("needs a floating dtype, not ", ir::DTypeName(dtype)));
}

absl::Status RequireNotComplex(InferContext& ctx, DType dtype) {
  if (!ir::IsComplex(dtype)) return absl::OkStatus();
  return Unsupported(ctx, absl::StrCat("dtype ", ir::DTypeName(dtype)));
}

absl::Status RequireNotBool(InferContext& ctx, DType dtype) {
  if (dtype != DType::kBool) return absl::OkStatus();
  return ctx.Error("not defined for b8");
}

absl::Status RequireSameDType(InferContext& ctx, const ir::TensorType& a, const ir::TensorType& b) {
  if (a.dtype == b.dtype) return absl::OkStatus();
  return ctx.Error(absl::StrCat("operands must have one dtype, not ", ir::ToString(a), " and ",
                                ir::ToString(b)));
}

absl::Status RequireIndexDType(InferContext& ctx, DType dtype) {
  if (dtype == DType::kInt64 || dtype == DType::kInt32) return absl::OkStatus();
  return ctx.Error(absl::StrCat("indices must be i32 or i64, not ", ir::DTypeName(dtype)));
}

absl::Status RequireRank(InferContext& ctx, absl::string_view what, const ir::TensorType& type,
                         int rank) {
  if (type.rank() == rank) return absl::OkStatus();
  return ctx.Error(absl::StrCat(what, " must have rank ", rank, ", not ", ir::ToString(type)));
}

absl::Status Unsupported(InferContext& ctx, absl::string_view what) {
  return absl::UnimplementedError(
      absl::StrCat(ctx.def().schema.op, ": ", what, " is not in the vocabulary"));
}

absl::StatusOr<int> WrapDim(InferContext& ctx, int64_t dim, int rank) {
  const int64_t count = std::max(rank, 1);
  if (dim < -count || dim >= count) {
    return ctx.Error(absl::StrCat("dimension ", dim, " is out of range for rank ", rank));
  }
  return static_cast<int>(dim < 0 ? dim + count : dim);
}

absl::StatusOr<DimSet> WrapDims(InferContext& ctx, absl::Span<const int64_t> dims, int rank,
                                bool empty_is_all) {
  if (rank > kMaxRank) return ctx.Error(absl::StrCat("rank ", rank, " is above ", kMaxRank));
  DimSet set;
  if (dims.empty() && empty_is_all) return set.set();
  for (int64_t dim : dims) {
    INGOT_ASSIGN_OR_RETURN(int wrapped, WrapDim(ctx, dim, rank));
    if (set[wrapped]) return ctx.Error(absl::StrCat("dimension ", dim, " is named twice"));
    set.set(wrapped);
  }
  return set;
}

ir::Dims ReducedDims(const ir::Dims& dims, const DimSet& reduced, bool keepdim) {
  ir::Dims result;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!reduced[i]) {
      result.push_back(dims[i]);
    } else if (keepdim) {
      result.push_back(1);
    }
  }
  return result;
}

absl::StatusOr<ir::Dims> Broadcast(InferContext& ctx, const ir::Dims& a, const ir::Dims& b) {
  ir::Dims result;
  if (ir::BroadcastDims(a, b, &result)) return result;
  return ctx.Error(absl::StrCat("sizes ", DimsText(a), " and ", DimsText(b), " do not broadcast"));
}

absl::Status RequireExpandable(InferContext& ctx, const ir::Dims& from, const ir::Dims& to) {
  ir::Dims result;
  if (ir::BroadcastDims(from, to, &result) && result == to) return absl::OkStatus();
  return ctx.Error(absl::StrCat("sizes ", DimsText(from), " do not broadcast to ", DimsText(to)));
}

absl::StatusOr<ir::Dims> ExpandList(InferContext& ctx, absl::string_view what,
                                    absl::Span<const int64_t> list, int n,
                                    absl::Span<const int64_t> fallback) {
  if (list.empty()) list = fallback;
  if (list.size() == 1) return ir::Dims(n, list[0]);
  if (static_cast<int>(list.size()) == n) return ir::Dims(list.begin(), list.end());
  return ctx.Error(absl::StrCat(what, " must have one or ", n, " entries, not ", list.size()));
}

std::optional<int64_t> Product(absl::Span<const int64_t> dims) {
  int64_t product = 1;
  bool empty = false;
  for (int64_t size : dims) {
    if (size < 0) return std::nullopt;
    if (size == 0) {
      empty = true;
    } else if (product > std::numeric_limits<int64_t>::max() / size) {
      return std::nullopt;
    } else {
      product *= size;
    }
  }
  return empty ? 0 : product;
}

namespace {
int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
}  // namespace

int64_t ConvSize(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  return FloorDiv(in + 2 * pad - dilation * (kernel - 1) - 1, stride) + 1;
}

int64_t PoolSize(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
                 bool ceil_mode) {
  const int64_t slack = ceil_mode ? stride - 1 : 0;
  int64_t out = FloorDiv(in + 2 * pad - dilation * (kernel - 1) - 1 + slack, stride) + 1;
  if (ceil_mode && (out - 1) * stride >= in + pad) --out;
  return out;
}

// The number of elements that a slice takes from `size`. Arguments at `first`: start, end, step.
absl::StatusOr<int64_t> SliceSize(InferContext& ctx, int first, int64_t size) {
  const int64_t step = ctx.Int(first + 2);
  if (step < 1) return ctx.Error(absl::StrCat("step must be positive, not ", step));
  const auto bound = [&](int i, int64_t fallback) {
    int64_t value = ctx.IntOr(i, fallback);
    if (value < 0) value += size;
    return std::clamp<int64_t>(value, 0, size);
  };
  const int64_t start = bound(first, 0);
  const int64_t length = std::max<int64_t>(bound(first + 1, size) - start, 0);
  return length / step + (length % step != 0);
}

absl::StatusOr<ir::Dims> SelectedDims(InferContext& ctx, int dim_arg, int index_arg) {
  ir::Dims dims = ctx.Tensor(0).dims;
  if (dims.empty()) return ctx.Error("a tensor of rank 0 has nothing to select");
  INGOT_ASSIGN_OR_RETURN(int dim, WrapDim(ctx, ctx.Int(dim_arg), ctx.Tensor(0).rank()));
  const int64_t index = ctx.Int(index_arg);
  if (index < -dims[dim] || index >= dims[dim]) {
    return ctx.Error(absl::StrCat("index ", index, " is out of range for size ", dims[dim]));
  }
  dims.erase(dims.begin() + dim);
  return dims;
}

std::string DimsText(absl::Span<const int64_t> dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ","), "]");
}

}  // namespace ingot::ops
