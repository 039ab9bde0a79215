// Depthwise convolution of channels-last f32 images: y[n, oh, ow, c] = epilogue(sum over taps of
// x[n, ih, iw, c] w[tap, c] + bias[c]).
//
//   DepthwiseArgs a;  // sizes of the image and of the window
//   a.x = x; a.weights = w; a.y = y;
//   Depthwise(a, threads);
//
// Each output reads its inputs from L1 and its sums never leave the registers before they are
// finished. Sums run over the taps in order in f32 FMA; taps outside of the image are left out.
// Reentrant; allocates nothing.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_DEPTHWISE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_DEPTHWISE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "backends/onednn/kernels/epilogue.h"

namespace ingot::kernels {

struct DepthwiseArgs {
  int64_t images = 1, channels = 0;
  // By dimension: height, width. Output sizes follow from the padding at both ends.
  int64_t in[2] = {1, 1}, out[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1},
          padding[2] = {0, 0} /* at the beginning */, dilation[2] = {1, 1};
  const float* x = nullptr;
  const float* weights = nullptr;  // [kernel[0] * kernel[1], channels]; torch's are transposed
  const float* bias = nullptr;     // [channels] or null
  // Rows of their operands are the pixels of the result in order.
  absl::Span<const EpilogueStage> stages;
  float* y = nullptr;  // must not overlap x or an operand
};

void Depthwise(const DepthwiseArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_DEPTHWISE_H_
