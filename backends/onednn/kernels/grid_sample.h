// grid_sampler: an image read at places that a tensor names.
//
// Places of [-1, 1] are computed in the elements' own precision, as PyTorch computes them
// (native/GridSampler.h): another would pick other neighbours. Reentrant; allocates nothing.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_GRID_SAMPLE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_GRID_SAMPLE_H_

#include <cstdint>

#include "core/ir/dtype.h"

namespace ingot::kernels {

enum class GridInterpolation : uint8_t { kLinear = 0, kNearest = 1, kCubic = 2 };
enum class GridPadding : uint8_t { kZeros = 0, kBorder = 1, kReflection = 2 };

struct GridSampleArgs {
  ir::DType dtype = ir::DType::kFloat32;                         // f32 f64 f16 bf16
  GridInterpolation interpolation = GridInterpolation::kLinear;  // kCubic: 2-dimensional
  GridPadding padding = GridPadding::kZeros;
  bool align_corners = false;
  int spatial = 2;  // or 3
  int64_t batch = 1, channels = 1;
  int64_t in[3] = {1, 1, 1};   // depth, height, width
  int64_t points = 0;          // a batch element
  const void* x = nullptr;     // dense [batch, channels, in…]
  const void* grid = nullptr;  // dense [batch, points, spatial]: x, y, z
  void* y = nullptr;           // dense [batch, channels, points]
};
void GridSample(const GridSampleArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_GRID_SAMPLE_H_
