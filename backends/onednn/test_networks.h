// Networks with random weights, as the frontends hand them over: for benchmarks and for tests that
// need more than a few ops.
//
//   TestGraph g = Bottlenecks(3);
//   absl::StatusOr<Runner> runner = std::move(g).Compile(options);
//
// The same sizes give the same weights. float32; each has one argument and one result.
#ifndef INGOT_BACKENDS_ONEDNN_TEST_NETWORKS_H_
#define INGOT_BACKENDS_ONEDNN_TEST_NETWORKS_H_

#include <cstdint>

#include "backends/onednn/graph_runner.h"

namespace ingot::onednn {

// [8, 64] to 256 and back to 64, with GELU, LayerNorm and sigmoid.
TestGraph Mlp();

struct EncoderSize {
  int64_t layers, batch, length, width, heads;
};
// BERT's layers on [batch, length, width].
TestGraph Encoder(const EncoderSize& size);

// A stack of ResNet-50's bottlenecks on [1, 256, 56, 56].
TestGraph Bottlenecks(int64_t count);

// Down `levels` times and up again on [1, 3, side, side], each way with two 3x3 convolutions a
// level; what went down is joined on the way up. `side` is a multiple of 2^levels.
TestGraph Unet(int64_t levels, int64_t side);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_TEST_NETWORKS_H_
