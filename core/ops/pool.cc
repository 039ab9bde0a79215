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

absl::Status AddPooled(InferContext& ctx, const Window& w, ir::DType dtype) {
  INGOT_RETURN_IF_ERROR(CheckWindow(ctx, w));
  ir::TensorType type{dtype, ctx.Tensor(0).dims};
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

template <int kSpatial, bool kWithIndices = false>
absl::Status InferMaxPool(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckPoolInput(ctx, kSpatial));
  INGOT_RETURN_IF_ERROR(RequireNotComplex(ctx, ctx.Tensor(0).dtype));
  INGOT_RETURN_IF_ERROR(RequireNotBool(ctx, ctx.Tensor(0).dtype));
  INGOT_ASSIGN_OR_RETURN(Window w, ReadWindow(ctx, kSpatial));
  INGOT_ASSIGN_OR_RETURN(w.dilation, ExpandList(ctx, "dilation", ctx.Ints(4), kSpatial));
  w.ceil_mode = ctx.Bool(5);
  INGOT_RETURN_IF_ERROR(AddPooled(ctx, w, ctx.Tensor(0).dtype));
  return kWithIndices ? AddPooled(ctx, w, ir::DType::kInt64) : absl::OkStatus();
}

template <int kSpatial>
absl::Status InferAvgPool(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckPoolInput(ctx, kSpatial));
  const ir::DType dtype = ctx.Tensor(0).dtype;
  if (dtype != ir::DType::kInt64) INGOT_RETURN_IF_ERROR(RequireFloating(ctx, dtype));
  if (kSpatial == 3 && ir::IsFloating(dtype) && ir::ElementSize(dtype) == 2) {
    return ctx.Error(absl::StrCat("eager has none for ", ir::DTypeName(dtype)));
  }
  if (kSpatial > 1 && ctx.Has(6) && ctx.Int(6) == 0) {
    return ctx.Error("divisor_override must not be 0");
  }
  INGOT_ASSIGN_OR_RETURN(Window w, ReadWindow(ctx, kSpatial));
  w.ceil_mode = ctx.Bool(4);
  return AddPooled(ctx, w, ctx.Tensor(0).dtype);
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

template <int kSpatial>
absl::Status InferAdaptiveMaxPool(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(CheckPoolInput(ctx, kSpatial));
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  INGOT_ASSIGN_OR_RETURN(ir::Dims sizes, OutputSizes(ctx, kSpatial));
  ir::TensorType type = ctx.Tensor(0);
  std::copy(sizes.begin(), sizes.end(), type.dims.end() - kSpatial);
  ctx.AddOutput(type);
  ctx.AddOutput({ir::DType::kInt64, std::move(type.dims)});
  return absl::OkStatus();
}

template <int kSpatial>
absl::Status InferUpsample(InferContext& ctx) {
  INGOT_RETURN_IF_ERROR(RequireRank(ctx, "input", ctx.Tensor(0), kSpatial + 2));
  const bool bytes = ctx.Tensor(0).dtype == ir::DType::kUInt8;
  if (!bytes) INGOT_RETURN_IF_ERROR(RequireFloating(ctx, ctx.Tensor(0).dtype));
  const bool interpolates = ctx.def().schema.Find("align_corners") >= 0;
  if (bytes && interpolates) return Unsupported(ctx, "fixed-point interpolation of u8");
  INGOT_ASSIGN_OR_RETURN(ir::Dims sizes, OutputSizes(ctx, kSpatial));
  ir::TensorType type = ctx.Tensor(0);
  for (int i = 1; i < type.rank(); ++i) {
    if (type.dims[i] == 0) return ctx.Error("input is empty");
  }
  for (int64_t size : sizes) {
    if (size == 0) return ctx.Error("output_size must be positive");
  }
  std::copy(sizes.begin(), sizes.end(), type.dims.end() - kSpatial);
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

template <int kSpatial>
absl::Status InferGridSampler(InferContext& ctx) {
  const ir::TensorType& input = ctx.Tensor(0);
  const ir::TensorType& grid = ctx.Tensor(1);
  for (int i : {0, 1}) {
    INGOT_RETURN_IF_ERROR(RequireRank(ctx, "input and grid", ctx.Tensor(i), kSpatial + 2));
  }
  INGOT_RETURN_IF_ERROR(RequireFloating(ctx, input.dtype));
  INGOT_RETURN_IF_ERROR(RequireSameDType(ctx, input, grid));
  if (grid.dims[0] != input.dims[0] || grid.dims.back() != kSpatial) {
    return ctx.Error(
        absl::StrCat("grid ", ir::ToString(grid), " does not fit input ", ir::ToString(input)));
  }
  for (int i = 2; i < input.rank(); ++i) {
    if (input.dims[i] == 0) return ctx.Error("input is empty");
  }
  const int64_t mode = ctx.Int(2);
  if (mode < 0 || mode > (kSpatial == 2 ? 2 : 1)) return ctx.Error("no such interpolation_mode");
  if (ctx.Int(3) < 0 || ctx.Int(3) > 2) return ctx.Error("no such padding_mode");
  ir::Dims dims = {input.dims[0], input.dims[1]};
  dims.insert(dims.end(), grid.dims.begin() + 1, grid.dims.end() - 1);
  ctx.AddOutput({input.dtype, std::move(dims)});
  return absl::OkStatus();
}

// reflection_pad, replication_pad: pairs for the last dimensions, the last one first.
template <int kSpatial, bool kReflect>
absl::Status InferBorderPad(InferContext& ctx) {
  ir::TensorType type = ctx.Tensor(0);
  const absl::Span<const int64_t> pad = ctx.Ints(1);
  if (pad.size() != 2 * kSpatial) return ctx.Error("padding must be a pair a dimension");
  const int batches = type.rank() - kSpatial - 1;
  if (batches != 0 && batches != 1) {
    return ctx.Error(absl::StrCat("input must have rank ", kSpatial + 1, " or ", kSpatial + 2));
  }
  for (int i = batches; i < type.rank(); ++i) {
    if (type.dims[i] == 0) return ctx.Error("input is empty");
  }
  for (int k = 0; k < kSpatial; ++k) {
    int64_t& size = type.dims[type.rank() - 1 - k];
    for (int64_t p : {pad[2 * k], pad[2 * k + 1]}) {
      if (p > kMaxParameter || p < -kMaxParameter || (kReflect && p >= size)) {
        return ctx.Error(absl::StrCat("padding ", p, " is out of range for size ", size));
      }
    }
    size += pad[2 * k] + pad[2 * k + 1];
    if (size < 1) return ctx.Error("padding leaves no element");
  }
  ctx.AddOutput(std::move(type));
  return absl::OkStatus();
}

std::vector<OpDef> Resampling() {
  return {
      {"aten::upsample_nearest1d(Tensor self, SymInt[1] output_size, float? scales=None) -> Tensor",
       "", kNoTraits, InferUpsample<1>, "element at floor(i / scale)"},
      {"aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? "
       "scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<2>, "element at floor(i / scale)"},
      {"aten::upsample_nearest3d(Tensor self, SymInt[3] output_size, float? scales_d=None, float? "
       "scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<3>, "element at floor(i / scale)"},
      {"aten::_upsample_nearest_exact1d(Tensor self, SymInt[1] output_size, float? scales=None) -> "
       "Tensor",
       "", kNoTraits, InferUpsample<1>, "element at floor((i + 1/2) / scale)"},
      {"aten::_upsample_nearest_exact2d(Tensor self, SymInt[2] output_size, float? "
       "scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<2>, "element at floor((i + 1/2) / scale)"},
      {"aten::_upsample_nearest_exact3d(Tensor self, SymInt[3] output_size, float? "
       "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<3>, "element at floor((i + 1/2) / scale)"},
      {"aten::upsample_linear1d(Tensor self, SymInt[1] output_size, bool align_corners, float? "
       "scales=None) -> Tensor",
       "", kNoTraits, InferUpsample<1>, "linear interpolation"},
      {"aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
       "scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<2>, "linear interpolation in both dimensions"},
      {"aten::upsample_trilinear3d(Tensor self, SymInt[3] output_size, bool align_corners, float? "
       "scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<3>, "linear interpolation in three dimensions"},
      {"aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? "
       "scales_h=None, float? scales_w=None) -> Tensor",
       "", kNoTraits, InferUpsample<2>, "cubic convolution (a = -3/4) in both dimensions"},
      {"aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int "
       "padding_mode, bool align_corners) -> Tensor",
       "", kNoTraits, InferGridSampler<2>,
       "input at grid's places in [-1, 1]; mode 0 linear, 1 nearest, 2 cubic; padding 0 zeros, 1 "
       "border, 2 reflection"},
      {"aten::grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int "
       "padding_mode, bool align_corners) -> Tensor",
       "", kNoTraits, InferGridSampler<3>, "grid_sampler_2d in three dimensions, without cubic"},
  };
}

std::vector<OpDef> BorderPads() {
  return {
      {"aten::reflection_pad1d(Tensor self, SymInt[2] padding) -> Tensor", "", kNoTraits,
       InferBorderPad<1, true>, "mirrored at the border elements"},
      {"aten::reflection_pad2d(Tensor self, SymInt[4] padding) -> Tensor", "", kNoTraits,
       InferBorderPad<2, true>, "mirrored at the border elements"},
      {"aten::reflection_pad3d(Tensor self, SymInt[6] padding) -> Tensor", "", kNoTraits,
       InferBorderPad<3, true>, "mirrored at the border elements"},
      {"aten::replication_pad1d(Tensor self, SymInt[2] padding) -> Tensor", "", kNoTraits,
       InferBorderPad<1, false>, "the border elements repeated"},
      {"aten::replication_pad2d(Tensor self, SymInt[4] padding) -> Tensor", "", kNoTraits,
       InferBorderPad<2, false>, "the border elements repeated"},
      {"aten::replication_pad3d(Tensor self, SymInt[6] padding) -> Tensor", "", kNoTraits,
       InferBorderPad<3, false>, "the border elements repeated"},
  };
}

std::vector<OpDef> Pooling() {
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
      {"aten::_adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor", "", kNoTraits,
       InferAdaptiveAvgPool<3>, "mean over [floor(i in/out), ceil((i+1) in/out)) a dimension"},
      {"aten::max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] "
       "padding=0, int[2] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
       "", kNoTraits, InferMaxPool<2, true>, "max_pool2d, and the maxima's places in the plane"},
      {"aten::max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] "
       "padding=0, int[3] dilation=1, bool ceil_mode=False) -> (Tensor, Tensor)",
       "", kNoTraits, InferMaxPool<3, true>, "max_pool3d, and the maxima's places in the volume"},
      {"aten::adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)", "",
       kNoTraits, InferAdaptiveMaxPool<2>,
       "maximum over [floor(i in/out), ceil((i+1) in/out)) a dimension, and its place"},
      {"aten::adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)", "",
       kNoTraits, InferAdaptiveMaxPool<3>,
       "maximum over [floor(i in/out), ceil((i+1) in/out)) a dimension, and its place"},
  };
}

}  // namespace

std::vector<OpDef> PoolOps() {
  std::vector<OpDef> ops = Pooling();
  for (auto table : {Resampling, BorderPads}) {
    for (OpDef& def : table()) ops.push_back(std::move(def));
  }
  return ops;
}

}  // namespace ingot::ops
