// Draws. Every op here takes the seed as one more argument and gives fresh numbers for every seed.
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

absl::Status AddFloating(InferContext& ctx, DType dtype, ir::Dims dims) {
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  ctx.AddOutput({dtype, std::move(dims)});
  return absl::OkStatus();
}

// Arguments: size, dtype.
absl::Status InferDraw(InferContext& ctx) {
  return AddFloating(ctx, ctx.DTypeOr(1, DType::kFloat32),
                     ir::Dims(ctx.Ints(0).begin(), ctx.Ints(0).end()));
}

// Arguments: self, dtype.
absl::Status InferDrawLike(InferContext& ctx) {
  return AddFloating(ctx, ctx.DTypeOr(1, ctx.Tensor(0).dtype), ctx.Tensor(0).dims);
}

absl::Status InferLikeSelf(InferContext& ctx) {
  return AddFloating(ctx, ctx.Tensor(0).dtype, ctx.Tensor(0).dims);
}

absl::Status CheckProbability(InferContext& ctx, double p) {
  if (p >= 0.0 && p <= 1.0) return absl::OkStatus();
  return ctx.Error(absl::StrCat("p must be between 0 and 1, not ", p));
}

absl::Status InferBernoulliP(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckProbability(ctx, ctx.Float(1)));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

absl::Status InferNormal(InferContext& ctx) {
  if (!(ctx.Float(2) >= 0.0)) return ctx.Error("std must not be negative");
  return InferLikeSelf(ctx);
}

absl::Status InferDropout(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckProbability(ctx, ctx.Float(1)));
  if (ctx.Bool(2)) INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  ctx.AddOutput(ctx.Tensor(0));
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> RandomOps() {
  return {
      {"aten::randn(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
       "device=None, bool? pin_memory=None) -> Tensor",
       "", kRandom, InferDraw, "independent draws of the standard normal distribution"},
      {"aten::rand(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
       "device=None, bool? pin_memory=None) -> Tensor",
       "", kRandom, InferDraw, "independent uniform draws from [0, 1)"},
      {"aten::randn_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
       "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
       "", kRandom, InferDrawLike, "randn in self's sizes"},
      {"aten::rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
       "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
       "", kRandom, InferDrawLike, "rand in self's sizes"},
      {"aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor", "", kRandom,
       InferLikeSelf, "1 with probability self, else 0"},
      {"aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor", "",
       kRandom, InferBernoulliP, "1 with probability p, else 0, in self's sizes and dtype"},
      {"aten::normal_functional(Tensor self, float mean=0., float std=1., *, Generator? "
       "generator=None) -> Tensor",
       "", kRandom, InferNormal, "normal draws in self's sizes and dtype"},
      {"aten::dropout(Tensor input, float p, bool train) -> Tensor", "", kRandom, InferDropout,
       "input if not train; else 0 with probability p and input / (1 - p) otherwise"},
  };
}

}  // namespace ingot::ops
