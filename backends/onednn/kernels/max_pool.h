// Max pooling that hands NaN on, as PyTorch does; oneDNN's drops it.
//
//   MaxPoolArgs args;  // sizes of [outer, depth, height, width, inner] and of the window
//   args.x = x; args.y = y;
//   MaxPool(args, threads);
//
// Channels-last images have inner = channels, oneDNN's blocked ones inner = block, row-major ones
// inner = 1 (channels in outer). Missing spatial dimensions have size 1. Reentrant; allocates
// nothing; y must not overlap x. A window with nothing but padding, as dilation may make one, gives
// -inf.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_MAX_POOL_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_MAX_POOL_H_

#include <cstdint>

namespace ingot::kernels {

struct MaxPoolArgs {
  int64_t outer = 1, inner = 1;
  // By spatial dimension: depth, height, width.
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1},
          padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  const float* x = nullptr;
  float* y = nullptr;
};

void MaxPool(const MaxPoolArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_MAX_POOL_H_
