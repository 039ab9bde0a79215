// Attention and softmax.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

ir::Dims BatchDims(const ir::TensorType& type) {
  return ir::Dims(type.dims.begin(), type.dims.end() - 2);
}

// The batch sizes of key and value as the query sees them: with enable_gqa each head serves several
// of query's.
absl::StatusOr<ir::Dims> KeyBatch(InferContext& ctx, const ir::TensorType& query,
                                  const ir::TensorType& key, bool gqa) {
  ir::Dims batch = BatchDims(key);
  if (!gqa) return batch;
  if (query.rank() < 3 || key.rank() < 3) return ctx.Error("enable_gqa needs a head dimension");
  const int64_t heads = query.dims[query.rank() - 3];
  if (batch.back() == 0 || heads % batch.back() != 0) {
    return ctx.Error(absl::StrCat(heads, " query heads do not split over ", batch.back()));
  }
  batch.back() = heads;
  return batch;
}

absl::Status CheckMask(InferContext& ctx, const ir::Dims& scores) {
  if (!ctx.Has(3)) return absl::OkStatus();
  if (ctx.Bool(5)) return ctx.Error("attn_mask and is_causal exclude each other");
  const ir::TensorType& mask = ctx.Tensor(3);
  if (mask.dtype != DType::kBool && mask.dtype != ctx.Tensor(0).dtype) {
    return ctx.Error(absl::StrCat("attn_mask must be b8 or have query's dtype, not ",
                                  ir::DTypeName(mask.dtype)));
  }
  if (mask.rank() < 2) return ctx.Error("attn_mask needs rank 2 or more");
  return RequireExpandable(ctx, mask.dims, scores);
}

// Arguments: query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa.
absl::Status InferAttention(InferContext& ctx) {
  const ir::TensorType& query = ctx.Tensor(0);
  const ir::TensorType& key = ctx.Tensor(1);
  const ir::TensorType& value = ctx.Tensor(2);
  if (ctx.Float(4) != 0.0) return Unsupported(ctx, "dropout_p > 0");
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, query.dtype));
  for (int i : {0, 1, 2}) {
    INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, query, ctx.Tensor(i)));
    if (ctx.Tensor(i).rank() < 2) return ctx.Error("query, key and value need rank 2 or more");
  }
  const int64_t length = query.dims[query.rank() - 2];
  const int64_t source = key.dims[key.rank() - 2];
  if (query.dims.back() != key.dims.back() || value.dims[value.rank() - 2] != source) {
    return ctx.Error(absl::StrCat("sizes of query ", ir::ToString(query), ", key ",
                                  ir::ToString(key), " and value ", ir::ToString(value),
                                  " do not fit"));
  }
  INGOT_ASSIGN_OR_RETURN(ir::Dims key_batch, KeyBatch(ctx, query, key, ctx.Bool(7)));
  INGOT_ASSIGN_OR_RETURN(ir::Dims value_batch, KeyBatch(ctx, query, value, ctx.Bool(7)));
  INGOT_ASSIGN_OR_RETURN(ir::Dims batch, Broadcast(ctx, BatchDims(query), key_batch));
  ir::Dims scores = batch;
  scores.push_back(length);
  scores.push_back(source);
  INGOT_RETURN_IF_ERROR(CheckMask(ctx, scores));
  INGOT_ASSIGN_OR_RETURN(ir::Dims dims, Broadcast(ctx, batch, value_batch));
  dims.push_back(length);
  dims.push_back(value.dims.back());
  ctx.AddOutput({query.dtype, std::move(dims)});
  return absl::OkStatus();
}

// Arguments: self, dim, dtype.
absl::Status InferSoftmax(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(1), self.rank()).status());
  const DType dtype = ctx.DTypeOr(2, self.dtype);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  ctx.AddOutput({dtype, self.dims});
  return absl::OkStatus();
}

// Arguments: self, dim, half_to_float (which eager has on GPUs only).
absl::Status InferInnerSoftmax(InferContext& ctx) {
  const ir::TensorType& self = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(WrapDim(ctx, ctx.Int(1), self.rank()).status());
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, self.dtype));
  if (ctx.Bool(2)) return ctx.Error("half_to_float is not for CPU tensors");
  ctx.AddOutput(self);
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> AttentionOps() {
  return {
      {"aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? "
       "attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool "
       "enable_gqa=False) -> Tensor",
       "", kNoTraits, InferAttention,
       "softmax(query @ key^T * scale + mask) @ value; scale None: 1/sqrt(E)"},
      {"aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", "", kNoTraits,
       InferSoftmax, "e^self / sum(e^self) along dim"},
      {"aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", "", kNoTraits,
       InferInnerSoftmax, "e^self / sum(e^self) along dim"},
      {"aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", "",
       kNoTraits, InferSoftmax, "self - log(sum(e^self)) along dim"},
      {"aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", "", kNoTraits,
       InferInnerSoftmax, "self - log(sum(e^self)) along dim"},
  };
}

}  // namespace ingot::ops
