// Interpolation along up to three dimensions, as a table of taps a dimension.
//
//   const ResampleAxis axes[] = {LinearAxis(4, 8, /*align_corners=*/false, 0),
//                                LinearAxis(4, 8, false, 0)};
//   Resample({DType::kFloat32, planes, axes, x, y}, threads);
//
// Places and weights are computed in the precision that PyTorch computes them in: float for f32 and
// the halves, double for f64, so that roundings pick the same neighbours. Formulas:
// https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html and
// native/UpSample.h. Planning allocates; Resample is reentrant and does not.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_RESAMPLE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_RESAMPLE_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/ir/dtype.h"

namespace ingot::kernels {

struct ResampleAxis {
  int64_t in = 1, out = 1;
  int taps = 1;                 // a place: at most
  std::vector<int32_t> counts;  // of a place: at least one
  std::vector<int32_t> index;   // [out, taps]
  std::vector<double> weight;   // [out, taps]
};

// How an axis is stepped through. `scale`: output size over input size, 0: from the sizes.
struct ResampleScale {
  double scale = 0;
  bool align_corners = false;
  bool in_double = false;
};

// One tap: no arithmetic. `exact`: the nearest centre, else floor(i / scale).
ResampleAxis NearestAxis(int64_t in, int64_t out, bool exact, const ResampleScale& scale);
ResampleAxis LinearAxis(int64_t in, int64_t out, const ResampleScale& scale);
// Keys' kernel with a = -0.75.
ResampleAxis CubicAxis(int64_t in, int64_t out, const ResampleScale& scale);
// Wider where the image shrinks, normalised; linear, or Keys' kernel with a = -0.5.
ResampleAxis AntialiasAxis(int64_t in, int64_t out, bool cubic, const ResampleScale& scale);

struct ResampleArgs {
  ir::DType dtype = ir::DType::kFloat32;
  int64_t planes = 0;
  absl::Span<const ResampleAxis> axes;  // outermost first, 1 to 3
  const void* x = nullptr;              // dense [planes, in…]
  void* y = nullptr;                    // dense [planes, out…]
};
void Resample(const ResampleArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_RESAMPLE_H_
