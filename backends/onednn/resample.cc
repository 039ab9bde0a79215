// upsample_*, grid_sampler, border pads: images read between and beyond their elements.
#include "backends/onednn/kernels/resample.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/grid_sample.h"
#include "backends/onednn/kernels/table_copy.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::ResampleAxis;
using kernels::ResampleScale;

enum class Kind : uint8_t { kNearest, kNearestExact, kLinear, kCubic, kLinearWide, kCubicWide };

template <Kind kKind>
absl::Status Supports(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.TensorType("self").dtype;
  const bool moves = kKind == Kind::kNearest || kKind == Kind::kNearestExact;
  if (moves || ir::IsFloating(dtype)) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("interpolation of ", ir::DTypeName(dtype), " elements"));
}

ResampleAxis MakeAxis(Kind kind, int64_t in, int64_t out, const ResampleScale& scale) {
  switch (kind) {
    case Kind::kNearest:
      return kernels::NearestAxis(in, out, false, scale);
    case Kind::kNearestExact:
      return kernels::NearestAxis(in, out, true, scale);
    case Kind::kLinear:
      return kernels::LinearAxis(in, out, scale);
    case Kind::kCubic:
      return kernels::CubicAxis(in, out, scale);
    default:
      return kernels::AntialiasAxis(in, out, kind == Kind::kCubicWide, scale);
  }
}

// The scale arguments by spatial dimension, outermost first; 1-d ops have one named `scales`.
double ScaleOf(const ops::OpView& view, int spatial, int dimension) {
  static constexpr const char* kNames[] = {"scales_d", "scales_h", "scales_w"};
  const char* name = spatial == 1 ? "scales" : kNames[3 - spatial + dimension];
  return view.def().schema.Find(name) >= 0 ? view.FloatOr(name, 0) : 0;
}

template <Kind kKind>
absl::Status Lower(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  auto axes = std::make_shared<std::vector<ResampleAxis>>();
  const int spatial = self.rank() - 2;
  for (int i = 0; i < spatial; ++i) {
    ResampleScale scale;
    scale.scale = ScaleOf(view, spatial, i);
    scale.align_corners =
        view.def().schema.Find("align_corners") >= 0 && view.Bool("align_corners");
    scale.in_double = self.dtype == ir::DType::kFloat64;
    axes->push_back(MakeAxis(kKind, self.dims[2 + i], out.dims[2 + i], scale));
  }
  const int64_t planes = self.dims[0] * self.dims[1];
  const ir::DType dtype = self.dtype;
  return lowering.AddKernel("ingot:resample", {Read(self), Write(out)}, [=](const StepArgs& args) {
    kernels::ResampleArgs call;
    call.dtype = dtype;
    call.planes = planes;
    call.axes = *axes;
    call.x = args.At<void>(0);
    call.y = args.At<void>(1);
    kernels::Resample(call, args.threads());
    return absl::OkStatus();
  });
}

// --- reflection_pad, replication_pad ---

absl::Status SupportsAny(const ir::Graph&, const ops::OpView&) { return absl::OkStatus(); }

// Where padded place `i` (from -before) reads in [0, size).
int64_t BorderPlace(int64_t i, int64_t size, bool reflect) {
  if (!reflect) return std::clamp<int64_t>(i, 0, size - 1);
  if (i < 0) i = -i;
  return i < size ? i : 2 * (size - 1) - i;
}

template <bool kReflect>
absl::Status LowerBorderPad(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Dense(view.Value("self")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  const absl::Span<const int64_t> padding = view.Ints("padding");
  const int spatial = static_cast<int>(padding.size() / 2);
  auto offsets = std::make_shared<std::vector<std::vector<int64_t>>>(spatial);
  kernels::TableCopyArgs copy;
  copy.element_size = ir::ElementSize(self.dtype);
  copy.plane_elements = 1;
  for (int k = 0; k < spatial; ++k) {
    // Pairs begin with the last dimension.
    const int dim = self.rank() - 1 - k;
    const int64_t size = self.dims[dim];
    copy.plane_elements *= size;
    for (int64_t i = 0; i < out.dims[dim]; ++i) {
      (*offsets)[spatial - 1 - k].push_back(BorderPlace(i - padding[2 * k], size, kReflect) *
                                            self.strides[dim]);
    }
  }
  copy.planes = self.NumElements() / copy.plane_elements;
  return lowering.AddKernel("ingot:border_pad", {Read(self), Write(out)},
                            [=](const StepArgs& args) {
                              kernels::TableCopyArgs call = copy;
                              call.offsets = *offsets;
                              call.x = args.At<void>(0);
                              call.y = args.At<void>(1);
                              kernels::TableCopy(call, args.threads());
                              return absl::OkStatus();
                            });
}

// --- grid_sampler ---

absl::Status LowerGridSampler(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor input, lowering.Dense(view.Value("input")));
  INGOT_ASSIGN_OR_RETURN(const Tensor grid, lowering.Dense(view.Value("grid")));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  kernels::GridSampleArgs sample;
  sample.dtype = input.dtype;
  sample.interpolation = static_cast<kernels::GridInterpolation>(view.Int("interpolation_mode"));
  sample.padding = static_cast<kernels::GridPadding>(view.Int("padding_mode"));
  sample.align_corners = view.Bool("align_corners");
  sample.spatial = input.rank() - 2;
  sample.batch = input.dims[0];
  sample.channels = input.dims[1];
  for (int i = 0; i < sample.spatial; ++i) {
    sample.in[3 - sample.spatial + i] = input.dims[2 + i];
  }
  sample.points = out.NumElements() / (sample.batch * sample.channels);
  return lowering.AddKernel("ingot:grid_sample", {Read(input), Read(grid), Write(out)},
                            [=](const StepArgs& args) {
                              kernels::GridSampleArgs call = sample;
                              call.x = args.At<void>(0);
                              call.grid = args.At<void>(1);
                              call.y = args.At<void>(2);
                              kernels::GridSample(call, args.threads());
                              return absl::OkStatus();
                            });
}

template <Kind kKind>
constexpr OpLowering Entry(const char* op) {
  return {op, &Supports<kKind>, &Lower<kKind>};
}

constexpr OpLowering kLowerings[] = {
    Entry<Kind::kNearest>("aten::upsample_nearest1d"),
    Entry<Kind::kNearest>("aten::upsample_nearest2d"),
    Entry<Kind::kNearest>("aten::upsample_nearest3d"),
    Entry<Kind::kNearestExact>("aten::_upsample_nearest_exact1d"),
    Entry<Kind::kNearestExact>("aten::_upsample_nearest_exact2d"),
    Entry<Kind::kNearestExact>("aten::_upsample_nearest_exact3d"),
    Entry<Kind::kLinear>("aten::upsample_linear1d"),
    Entry<Kind::kLinear>("aten::upsample_bilinear2d"),
    Entry<Kind::kLinear>("aten::upsample_trilinear3d"),
    Entry<Kind::kCubic>("aten::upsample_bicubic2d"),
    Entry<Kind::kLinearWide>("aten::_upsample_bilinear2d_aa"),
    Entry<Kind::kCubicWide>("aten::_upsample_bicubic2d_aa"),
    {"aten::reflection_pad1d", &SupportsAny, &LowerBorderPad<true>},
    {"aten::reflection_pad2d", &SupportsAny, &LowerBorderPad<true>},
    {"aten::reflection_pad3d", &SupportsAny, &LowerBorderPad<true>},
    {"aten::replication_pad1d", &SupportsAny, &LowerBorderPad<false>},
    {"aten::replication_pad2d", &SupportsAny, &LowerBorderPad<false>},
    {"aten::replication_pad3d", &SupportsAny, &LowerBorderPad<false>},
    {"aten::grid_sampler_2d", &SupportsAny, &LowerGridSampler},
    {"aten::grid_sampler_3d", &SupportsAny, &LowerGridSampler},
};

}  // namespace

absl::Span<const OpLowering> ResampleLowerings() { return kLowerings; }

}  // namespace ingot::onednn
