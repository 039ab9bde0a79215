// Normalisations. Each is (x - mean) / sqrt(variance + eps) over some set of elements, scaled and
// shifted.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

using ir::DType;

// Weights have the input's dtype; a half-precision input may have f32 ones.
absl::Status CheckParameter(InferContext& ctx, int i, const ir::Dims& dims) {
  if (!ctx.Has(i)) return absl::OkStatus();
  const DType input = ctx.Tensor(0).dtype;
  const ir::TensorType& parameter = ctx.Tensor(i);
  const bool mixed = ir::ElementSize(input) == 2 && parameter.dtype == DType::kFloat32;
  if (parameter.dtype != input && !mixed) {
    return RequireSameDType(ctx, ctx.Tensor(0), parameter);
  }
  if (parameter.dims == dims) return absl::OkStatus();
  return ctx.Error(absl::StrCat(ctx.def().schema.args[i].name, " must have sizes ", DimsText(dims),
                                ", not ", ir::ToString(parameter)));
}

// Arguments: input, normalized_shape; weight and bias from position 2.
absl::Status InferOverSuffix(InferContext& ctx, int num_parameters) {
  const ir::TensorType& input = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, input.dtype));
  const ir::Dims shape(ctx.Ints(1).begin(), ctx.Ints(1).end());
  if (shape.empty() || shape.size() > input.dims.size() ||
      !std::equal(shape.begin(), shape.end(), input.dims.end() - shape.size())) {
    return ctx.Error(
        absl::StrCat("input ", ir::ToString(input), " does not end in ", DimsText(shape)));
  }
  for (int i = 0; i < num_parameters; ++i) {
    INGOT_RETURN_IF_ERROR(CheckParameter(ctx, 2 + i, shape));
  }
  ctx.AddOutput(input);
  return absl::OkStatus();
}

absl::Status InferLayerNorm(InferContext& ctx) { return InferOverSuffix(ctx, 2); }
absl::Status InferRmsNorm(InferContext& ctx) { return InferOverSuffix(ctx, 1); }

// The dtype of mean and 1/sqrt(variance): that of the parameters, if these are wider.
DType StatisticsDType(InferContext& ctx, std::initializer_list<int> parameters) {
  for (int i : parameters) {
    if (ctx.Has(i)) return ctx.Tensor(i).dtype;
  }
  return ctx.Tensor(0).dtype;
}

absl::Status InferNativeLayerNorm(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(InferOverSuffix(ctx, 2));
  ir::TensorType statistics{StatisticsDType(ctx, {2, 3}), ctx.Tensor(0).dims};
  std::fill(statistics.dims.end() - ctx.Ints(1).size(), statistics.dims.end(), 1);
  ctx.AddOutput(statistics);
  ctx.AddOutput(statistics);
  return absl::OkStatus();
}

// Arguments: input, weight, bias, N, C, HxW, group, eps.
absl::Status InferNativeGroupNorm(InferContext& ctx) {
  const ir::TensorType& input = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, input.dtype));
  const int64_t n = ctx.Int(3), c = ctx.Int(4), inner = ctx.Int(5), groups = ctx.Int(6);
  if (input.rank() < 2 || input.dims[0] != n || input.dims[1] != c ||
      Product(absl::MakeConstSpan(input.dims).subspan(2)) != inner) {
    return ctx.Error(absl::StrCat("N, C and HxW are not those of ", ir::ToString(input)));
  }
  if (groups < 1 || c % groups != 0) {
    return ctx.Error(absl::StrCat(c, " channels do not split into ", groups, " groups"));
  }
  for (int i : {1, 2}) INGOT_RETURN_IF_ERROR(CheckParameter(ctx, i, {c}));
  ctx.AddOutput(input);
  const ir::TensorType statistics{StatisticsDType(ctx, {1, 2}), {n, groups}};
  ctx.AddOutput(statistics);
  ctx.AddOutput(statistics);
  return absl::OkStatus();
}

absl::Status InferBatchNorm(InferContext& ctx) {
  const ir::TensorType& input = ctx.Tensor(0);
  if (ctx.Bool(5)) return Unsupported(ctx, "training=True");
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, input.dtype));
  if (input.rank() < 2) {
    if (input.NumElements() == 0) return Unsupported(ctx, "an empty input without channels");
    return ctx.Error("input must have rank 2 or more");
  }
  if (!ctx.Has(3) || !ctx.Has(4)) return ctx.Error("running_mean and running_var are needed");
  for (int i : {1, 2, 3, 4}) INGOT_RETURN_IF_ERROR(CheckParameter(ctx, i, {input.dims[1]}));
  ctx.AddOutput(input);
  return absl::OkStatus();
}

absl::Status InferGroupNorm(InferContext& ctx) {
  const ir::TensorType& input = ctx.Tensor(0);
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, input.dtype));
  if (input.rank() < 2) return ctx.Error("input must have rank 2 or more");
  const int64_t groups = ctx.Int(1);
  if (groups < 1 || input.dims[1] % groups != 0) {
    return ctx.Error(
        absl::StrCat(input.dims[1], " channels do not split into ", groups, " groups"));
  }
  for (int i : {2, 3}) INGOT_RETURN_IF_ERROR(CheckParameter(ctx, i, {input.dims[1]}));
  ctx.AddOutput(input);
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> NormOps() {
  return {
      {"aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? "
       "bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor",
       "", kNoTraits, InferLayerNorm,
       "(x - mean) / sqrt(var + eps) * weight + bias over the trailing normalized_shape"},
      {"aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
       "Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> "
       "Tensor",
       "", kNoTraits, InferBatchNorm,
       "(x - running_mean) / sqrt(running_var + eps) * weight + bias a channel (dimension 1)"},
      {"aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, "
       "float eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor",
       "", kNoTraits, InferGroupNorm,
       "(x - mean) / sqrt(var + eps) over each group of channels, * weight + bias a channel"},
      {"aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? "
       "bias, float eps) -> (Tensor, Tensor, Tensor)",
       "", kNoTraits, InferNativeLayerNorm, "layer_norm, mean and 1 / sqrt(var + eps)"},
      {"aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, "
       "SymInt HxW, int group, float eps) -> (Tensor, Tensor, Tensor)",
       "", kNoTraits, InferNativeGroupNorm, "group_norm, mean and 1 / sqrt(var + eps)"},
      {"aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? "
       "eps=None) -> Tensor",
       "", kNoTraits, InferRmsNorm,
       "x / sqrt(mean(x^2) + eps) * weight over normalized_shape; eps None: the dtype's epsilon"},
  };
}

}  // namespace ingot::ops
