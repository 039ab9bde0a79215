// Matrix products.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

absl::Status RequireInner(InferContext& ctx, const ir::TensorType& a, const ir::TensorType& b,
                          int64_t k_a, int64_t k_b) {
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, a, b));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, a.dtype));
  if (k_a == k_b) return absl::OkStatus();
  return ctx.Error(
      absl::StrCat("inner sizes of ", ir::ToString(a), " and ", ir::ToString(b), " differ"));
}

// NumPy's matmul: a vector counts as one row (left) or column (right), which the result lacks;
// leading dimensions broadcast.
absl::StatusOr<ir::TensorType> MatmulType(InferContext& ctx, const ir::TensorType& a,
                                          const ir::TensorType& b) {
  if (a.rank() == 0 || b.rank() == 0) return ctx.Error("operands need at least one dimension");
  const int64_t k_b = b.rank() == 1 ? b.dims[0] : b.dims[b.rank() - 2];
  INGOT_RETURN_IF_ERROR(RequireInner(ctx, a, b, a.dims.back(), k_b));
  const auto batch = [](const ir::TensorType& t) {
    return ir::Dims(t.dims.begin(), t.dims.begin() + std::max(t.rank() - 2, 0));
  };
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, Broadcast(ctx, batch(a), batch(b)));
  if (a.rank() > 1) dims.push_back(a.dims[a.rank() - 2]);
  if (b.rank() > 1) dims.push_back(b.dims.back());
  return ir::TensorType{a.dtype, std::move(dims)};
}

absl::Status InferMatmul(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, MatmulType(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferMm(InferContext& ctx) {
  for (int i : {0, 1}) INGOT_RETURN_IF_ERROR(RequireRank(ctx, "operands", ctx.Tensor(i), 2));
  return InferMatmul(ctx);
}

absl::Status RequireBatches(InferContext& ctx, const ir::TensorType& a, const ir::TensorType& b) {
  for (const ir::TensorType* t : {&a, &b}) {
    INGOT_RETURN_IF_ERROR(RequireRank(ctx, "operands", *t, 3));
  }
  if (a.dims[0] == b.dims[0]) return absl::OkStatus();
  return ctx.Error(
      absl::StrCat("batch sizes of ", ir::ToString(a), " and ", ir::ToString(b), " differ"));
}

absl::Status InferBmm(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireBatches(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  return InferMatmul(ctx);
}

// self is broadcast to the product's sizes.
absl::Status InferAddProduct(InferContext& ctx) {
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, MatmulType(ctx, ctx.Tensor(1), ctx.Tensor(2)));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(0).dims, type.dims));
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferAddmm(InferContext& ctx) {
  for (int i : {1, 2}) INGOT_RETURN_IF_ERROR(RequireRank(ctx, "matrices", ctx.Tensor(i), 2));
  return InferAddProduct(ctx);
}

absl::Status InferBaddbmm(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireBatches(ctx, ctx.Tensor(1), ctx.Tensor(2)));
  return InferAddProduct(ctx);
}

absl::Status InferAddmv(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "mat", ctx.Tensor(1), 2));
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "vec", ctx.Tensor(2), 1));
  return InferAddProduct(ctx);
}

absl::Status InferDot(InferContext& ctx) {
  for (int i : {0, 1}) INGOT_RETURN_IF_ERROR(RequireRank(ctx, "operands", ctx.Tensor(i), 1));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  return InferMatmul(ctx);
}

absl::Status InferAddr(InferContext& ctx) {
  for (int i : {1, 2}) INGOT_RETURN_IF_ERROR(RequireRank(ctx, "vectors", ctx.Tensor(i), 1));
  Promotion promotion;
  for (int i : {0, 1, 2}) promotion.AddTensor(ctx.Tensor(i));
  const ir::DType dtype = promotion.Result();
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, dtype));
  if (ir::IsIntegralOrBool(dtype)) {
    for (int i : {3, 4}) {
      if (ir::IsIntegralOrBool(ctx.ScalarType(i))) continue;
      return ctx.Error("integral operands need integral alpha and beta");
    }
  }
  const ir::Dims dims = {ctx.Tensor(1).dims[0], ctx.Tensor(2).dims[0]};
  INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(0).dims, dims));
  ctx.AddOutput({dtype, dims});
  return absl::OkStatus();
}

absl::Status InferAddbmm(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireBatches(ctx, ctx.Tensor(1), ctx.Tensor(2)));
  INGOT_ASSIGN_OR_RETURN(ir::TensorType type, MatmulType(ctx, ctx.Tensor(1), ctx.Tensor(2)));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, ctx.Tensor(0), ctx.Tensor(1)));
  type.dims.erase(type.dims.begin());
  INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(0).dims, type.dims));
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferCross(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  const ir::TensorType& other = ctx.Tensor(1);
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, self.dtype));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, self, other));
  if (self.rank() != other.rank()) return ctx.Error("operands must have one rank");
  INGOT_ASSIGN_OR_RETURN(const int dim, WrapDim(ctx, ctx.Int(2), self.rank()));
  if (self.rank() == 0 || self.dims[dim] != 3 || other.dims[dim] != 3) {
    return ctx.Error(absl::StrCat("dimension ", dim, " must have size 3"));
  }
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, Broadcast(ctx, self.dims, other.dims));
  ctx.AddOutput({self.dtype, std::move(dims)});
  return absl::OkStatus();
}

absl::Status InferLinear(InferContext& ctx) {
  const ir::TensorType& input = ctx.Tensor(0);
  const ir::TensorType& weight = ctx.Tensor(1);
  if (input.rank() == 0) return ctx.Error("input needs at least one dimension");
  if (weight.rank() != 1 && weight.rank() != 2) {
    return ctx.Error(absl::StrCat("weight must have rank 1 or 2, not ", ir::ToString(weight)));
  }
  INGOT_RETURN_IF_ERROR(RequireInner(ctx, input, weight, input.dims.back(), weight.dims.back()));
  ir::TensorType type{input.dtype, ir::Dims(input.dims.begin(), input.dims.end() - 1)};
  if (weight.rank() == 2) type.dims.push_back(weight.dims[0]);
  if (ctx.Has(2)) {
    INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, input, ctx.Tensor(2)));
    INGOT_RETURN_IF_ERROR(RequireExpandable(ctx, ctx.Tensor(2).dims, type.dims));
  }
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> MatmulOps() {
  return {
      {"aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", "", kNoTraits,
       InferLinear, "input @ weight^T + bias"},
      {"aten::matmul(Tensor self, Tensor other) -> Tensor", "", kNoTraits, InferMatmul,
       "self @ other, batched and broadcast over leading dimensions"},
      {"aten::mm(Tensor self, Tensor mat2) -> Tensor", "", kNoTraits, InferMm, "self @ mat2"},
      {"aten::bmm(Tensor self, Tensor mat2) -> Tensor", "", kNoTraits, InferBmm,
       "self[b] @ mat2[b]"},
      {"aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> "
       "Tensor",
       "", kNoTraits, InferAddmm, "beta * self + alpha * mat1 @ mat2"},
      {"aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar "
       "alpha=1) -> Tensor",
       "", kNoTraits, InferBaddbmm, "beta * self[b] + alpha * batch1[b] @ batch2[b]"},
      {"aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> "
       "Tensor",
       "", kNoTraits, InferAddmv, "beta * self + alpha * mat @ vec"},
      {"aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> "
       "Tensor",
       "", kNoTraits, InferAddr, "beta * self + alpha * vec1 vec2^T"},
      {"aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) "
       "-> Tensor",
       "", kNoTraits, InferAddbmm, "beta * self + alpha * sum over b of batch1[b] @ batch2[b]"},
      {"aten::dot(Tensor self, Tensor tensor) -> Tensor", "", kNoTraits, InferDot,
       "sum of self * tensor"},
      {"aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor", "", kNoTraits,
       InferCross, "cross product of the vectors along dim"},
  };
}

}  // namespace ingot::ops
