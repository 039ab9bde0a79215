// Convolutions. conv1d to conv3d, their transposed kinds and _convolution all reduce to
// aten::convolution.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

constexpr int64_t kMaxParameter = int64_t{1} << 31;  // keeps size arithmetic in int64

struct ConvParameters {
  ir::Dims stride, padding, dilation, output_padding;
  bool transposed = false;
  int64_t groups = 1;
};

absl::Status RequireRange(InferContext& ctx, absl::string_view what, const ir::Dims& values,
                          int64_t least) {
  for (int64_t value : values) {
    if (value < least || value > kMaxParameter) {
      return ctx.Error(absl::StrCat(what, " ", DimsText(values), " is out of range"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ConvParameters> ReadParameters(InferContext& ctx, int spatial) {
  ConvParameters p;
  INGOT_ASSIGN_OR_RETURN(p.stride, ExpandList(ctx, "stride", ctx.Ints(3), spatial));
  INGOT_ASSIGN_OR_RETURN(p.padding, ExpandList(ctx, "padding", ctx.Ints(4), spatial));
  INGOT_ASSIGN_OR_RETURN(p.dilation, ExpandList(ctx, "dilation", ctx.Ints(5), spatial));
  p.transposed = ctx.Bool(6);
  INGOT_ASSIGN_OR_RETURN(p.output_padding,
                         ExpandList(ctx, "output_padding", ctx.Ints(7), spatial, {0}));
  p.groups = ctx.Int(8);
  INGOT_RETURN_IF_ERROR(RequireRange(ctx, "stride", p.stride, 1));
  INGOT_RETURN_IF_ERROR(RequireRange(ctx, "padding", p.padding, 0));
  INGOT_RETURN_IF_ERROR(RequireRange(ctx, "dilation", p.dilation, 1));
  INGOT_RETURN_IF_ERROR(RequireRange(ctx, "output_padding", p.output_padding, 0));
  if (p.groups < 1) return ctx.Error(absl::StrCat("groups must be positive, not ", p.groups));
  return p;
}

absl::Status CheckChannels(InferContext& ctx, const ConvParameters& p, int64_t out_channels) {
  const ir::TensorType& input = ctx.Tensor(0);
  const ir::TensorType& weight = ctx.Tensor(1);
  const bool fits =
      p.transposed ? weight.dims[0] == input.dims[1]
                   : input.dims[1] % p.groups == 0 && weight.dims[1] == input.dims[1] / p.groups;
  if (!fits || weight.dims[0] % p.groups != 0 || weight.dims[0] == 0) {
    return ctx.Error(absl::StrCat("weight ", ir::ToString(weight), " does not fit input ",
                                  ir::ToString(input), " with ", p.groups, " groups"));
  }
  if (ctx.Has(2) && ctx.Tensor(2).dims != ir::Dims{out_channels}) {
    return ctx.Error(absl::StrCat("bias must have ", out_channels, " elements, not ",
                                  ir::ToString(ctx.Tensor(2))));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> OutputSize(InferContext& ctx, const ConvParameters& p, int d) {
  const int64_t in = ctx.Tensor(0).dims[d + 2];
  const int64_t kernel = ctx.Tensor(1).dims[d + 2];
  if (in > kMaxParameter || kernel < 1 || kernel > kMaxParameter) {
    return ctx.Error(absl::StrCat("size ", in, " with kernel ", kernel, " is out of range"));
  }
  int64_t size;
  if (p.transposed) {
    if (p.output_padding[d] >= std::max(p.stride[d], p.dilation[d])) {
      return ctx.Error("output_padding must be smaller than stride or dilation");
    }
    size = (in - 1) * p.stride[d] - 2 * p.padding[d] + p.dilation[d] * (kernel - 1) +
           p.output_padding[d] + 1;
  } else {
    if (p.dilation[d] > kMaxParameter / kernel) return ctx.Error("dilation is out of range");
    size = ConvSize(in, kernel, p.stride[d], p.padding[d], p.dilation[d]);
  }
  if (size < 1) {
    return ctx.Error(absl::StrCat("input ", ir::ToString(ctx.Tensor(0)),
                                  " is too small for weight ", ir::ToString(ctx.Tensor(1))));
  }
  return size;
}

absl::Status InferConvolution(InferContext& ctx) {
  const ir::TensorType& input = ctx.Tensor(0);
  const ir::TensorType& weight = ctx.Tensor(1);
  const int spatial = input.rank() - 2;
  if (spatial < 1 || spatial > 3) {
    return ctx.Error(absl::StrCat("input must have rank 3, 4 or 5, not ", ir::ToString(input)));
  }
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "weight", weight, input.rank()));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, input, weight));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, input.dtype));
  if (ctx.Has(2)) INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, input, ctx.Tensor(2)));
  INGOT_ASSIGN_OR_RETURN(ConvParameters p, ReadParameters(ctx, spatial));
  const int64_t out_channels = p.transposed ? weight.dims[1] * p.groups : weight.dims[0];
  INGOT_RETURN_IF_ERROR(CheckChannels(ctx, p, out_channels));
  ir::Dims dims = {input.dims[0], out_channels};
  for (int d = 0; d < spatial; ++d) {
    INGOT_ASSIGN_OR_RETURN(int64_t size, OutputSize(ctx, p, d));
    dims.push_back(size);
  }
  ctx.AddOutput({input.dtype, std::move(dims)});
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> ConvOps() {
  return {
      {"aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] "
       "padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> "
       "Tensor",
       "", kNoTraits, InferConvolution,
       "cross-correlation of [N,C,spatial…] with weight [O,C/groups,kernel…], or its transpose "
       "with weight [C,O/groups,kernel…]"},
  };
}

}  // namespace ingot::ops
