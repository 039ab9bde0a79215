// Pooling over the last one to three dimensions, and resampling of images.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ops/families.h"
#include "core/ops/infer.h"

namespace ingot::ops {
namespace {

constexpr int64_t kMaxParameter = int64_t{1} << 31;  // keeps size arithmetic in int64

// [N,C,spatial…] or [C,spatial…]; only N may be 0, and C for adaptive pooling.
absl::Status CheckPoolInput(InferContext& ctx, int spatial, bool adaptive = false) {
  const ir::TensorType& input = ctx.Tensor(0);
  const int batches = input.rank() - spatial - 1;
  if (batches != 0 && batches != 1) {
    return ctx.Error(absl::StrCat("input must have rank ", spatial + 1, " or ", spatial + 2,
                                  ", not ", ir::ToString(input)));
  }
  for (int i = batches; i < input.rank(); ++i) {
    const bool may_be_empty = adaptive && i == batches;
    if ((input.dims[i] == 0 && !may_be_empty) || input.dims[i] > kMaxParameter) {
      return ctx.Error(absl::StrCat("input ", ir::ToString(input), " has a size out of range"));
    }
  }
  return absl::OkStatus();
}

struct Window {
  ir::Dims kernel, stride, padding, dilation;
  bool ceil_mode = false;
};

absl::Status CheckWindow(InferContext& ctx, const Window& w) {
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    const bool in_range = w.kernel[i] >= 1 && w.kernel[i] <= kMaxParameter && w.stride[i] >= 1 &&
                          w.stride[i] <= kMaxParameter && w.dilation[i] >= 1 &&
                          w.dilation[i] <= kMaxParameter / w.kernel[i];
    if (!in_range) return ctx.Error("kernel_size, stride and dilation must be positive");
    if (w.padding[i] < 0 || w.padding[i] > w.kernel[i] / 2) {
      return ctx.Error("padding must be at most half of kernel_size");
    }
  }
  return absl::OkStatus();
}

absl::Status AddPooled(InferContext& ctx, const Window& w) {
  INGOT_RETURN_IF_ERROR(CheckWindow(ctx, w));
  ir::TensorType type = ctx.Tensor(0);
  const int spatial = static_cast<int>(w.kernel.size());
  for (int d = 0; d < spatial; ++d) {
    int64_t& size = type.dims[type.rank() - spatial + d];
    size = PoolSize(size, w.kernel[d], w.stride[d], w.padding[d], w.dilation[d], w.ceil_mode);
    if (size < 1) {
      return ctx.Error(
          absl::StrCat("input ", ir::ToString(ctx.Tensor(0)), " is smaller than the kernel"));
    }
  }
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

// Arguments: self, kernel_size, stride, padding.
absl::StatusOr<Window> ReadWindow(InferContext& ctx, int spatial) {
  Window w;
  INGOT_ASSIGN_OR_RETURN(w.kernel, ExpandList(ctx, "kernel_size", ctx.Ints(1), spatial));
  INGOT_ASSIGN_OR_RETURN(w.stride, ExpandList(ctx, "stride", ctx.Ints(2), spatial, ctx.Ints(1)));
  INGOT_ASSIGN_OR_RETURN(w.padding, ExpandList(ctx, "padding", ctx.Ints(3), spatial));
  w.dilation = ir::Dims(spatial, 1);
  return w;
}

template <int kSpatial>
absl::Status InferMaxPool(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckPoolInput(ctx, kSpatial));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, ctx.Tensor(0).dtype));
  INGOT_ASSIGN_OR_RETURN(Window w, ReadWindow(ctx, kSpatial));
  INGOT_ASSIGN_OR_RETURN(w.dilation, ExpandList(ctx, "dilation", ctx.Ints(4), kSpatial));
  w.ceil_mode = ctx.Bool(5);
  return AddPooled(ctx, w);
}

template <int kSpatial>
absl::Status InferAvgPool(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckPoolInput(ctx, kSpatial));
  const ir::DType dtype = ctx.Tensor(0).dtype;
  if (dtype != ir::DType::kInt64) INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  if (kSpatial > 1 && ctx.Has(6) && ctx.Int(6) == 0) {
    return ctx.Error("divisor_override must not be 0");
  }
  INGOT_ASSIGN_OR_RETURN(Window w, ReadWindow(ctx, kSpatial));
  w.ceil_mode = ctx.Bool(4);
  return AddPooled(ctx, w);
}

absl::StatusOr<ir::Dims> OutputSizes(InferContext& ctx, int spatial) {
  INGOT_ASSIGN_OR_RETURN(ir::Dims sizes, ExpandList(ctx, "output_size", ctx.Ints(1), spatial));
  for (int64_t size : sizes) {
    if (size < 0) return ctx.Error(absl::StrCat("output_size ", DimsText(sizes), " is negative"));
  }
  return sizes;
}

template <int kSpatial>
absl::Status InferAdaptiveAvgPool(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckPoolInput(ctx, kSpatial, /*adaptive=*/true));
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  INGOT_ASSIGN_OR_RETURN(ir::Dims sizes, OutputSizes(ctx, kSpatial));
  ir::TensorType type = ctx.Tensor(0);
  std::copy(sizes.begin(), sizes.end(), type.dims.end() - kSpatial);
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

absl::Status InferUpsample2d(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "input", ctx.Tensor(0), 4));
  const bool bytes = ctx.Tensor(0).dtype == ir::DType::kUInt8;
  if (!bytes) INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  const bool bilinear = ctx.def().schema.Find("align_corners") >= 0;
  if (bytes && bilinear) return Unsupported(ctx, "fixed-point interpolation of u8");
  INGOT_ASSIGN_OR_RETURN(ir::Dims sizes, OutputSizes(ctx, 2));
  ir::TensorType type = ctx.Tensor(0);
  for (int i = 1; i < 4; ++i) {
    if (type.dims[i] == 0) return ctx.Error("input is empty");
  }
  for (int64_t size : sizes) {
    if (size == 0) return ctx.Error("output_size must be positive");
  }
  std::copy(sizes.begin(), sizes.end(), type.dims.end() - 2);
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> PoolOps() {
  return {
      {"aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], "
       "int[1] dilation=[1], bool ceil_mode=False) -> Tensor",
       "", kNoTraits, InferMaxPool<1>, "maximum of each window; padding counts as -inf"},
      {"aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, "
       "int[2] dilation=1, bool ceil_mode=False) -> Tensor",
       "", kNoTraits, InferMaxPool<2>, "maximum of each window; padding counts as -inf"},
      {"aten::max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, "
       "int[3] dilation=1, bool ceil_mode=False) -> Tensor",
       "", kNoTraits, InferMaxPool<3>, "maximum of each window; padding counts as -inf"},
      {"aten::avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=[0], "
       "bool ceil_mode=False, bool count_include_pad=True) -> Tensor",
       "", kNoTraits, InferAvgPool<1>, "mean of each window, with padding as zeros or left out"},
      {"aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, "
       "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
       "", kNoTraits, InferAvgPool<2>, "mean of each window, with padding as zeros or left out"},
      {"aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, "
       "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
       "", kNoTraits, InferAvgPool<3>, "mean of each window, with padding as zeros or left out"},
      {"aten::adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor", "", kNoTraits,
       InferAdaptiveAvgPool<1>, "mean over [floor(i in/out), ceil((i+1) in/out))"},
      {"aten::adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor", "", kNoTraits,
       InferAdaptiveAvgPool<2>, "mean over [floor(i in/out), ceil((i+1) in/out)) a dimension"},
      {"aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
       "scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample2d, "element at floor(i / scale)"},
      {"aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
       "scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample2d, "linear interpolation in both dimensions"},
  };
}

}  // namespace ingot::ops
