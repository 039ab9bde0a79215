// upsample_*: interpolation of images.
#include "backends/onednn/kernels/resample.h"

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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
};

}  // namespace

absl::Span<const OpLowering> ResampleLowerings() { return kLowerings; }

}  // namespace ingot::onednn
