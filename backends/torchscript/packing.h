// Constant weights in the layouts that LibTorch's oneDNN kernels want, packed once.
//
// Large `linear`, `addmm` and `mm` calls with constant float32 weights become
// `mkldnn::_linear_pointwise`, and 2-d convolutions `mkldnn::_convolution_pointwise`, with weights
// that LibTorch has reordered. (MKL, which LibTorch calls otherwise, runs at half the speed on some
// CPUs.) Convolutions get their input with channels last, and the layout is kept as far as the
// operators behind them don't mind; all others get dense row-major tensors, as before.
//
//   std::shared_ptr<torch::jit::Graph> graph = …;  // of Lower()
//   const PackedWeights packed = PackWeights(*graph);
//
// No post-op is fused: oneDNN's clip NaN where ATen's keep it. Nodes that would not gain (small
// ones), whose sizes are unknown or whose weights LibTorch refuses stay as they are. Run it after
// all other passes: they can't compare packed constants.
#ifndef INGOT_BACKENDS_TORCHSCRIPT_PACKING_H_
#define INGOT_BACKENDS_TORCHSCRIPT_PACKING_H_

#include <cstddef>

#include "absl/types/span.h"
#include "backends/sdk/backend.h"

namespace torch::jit {
struct Graph;
}

namespace ingot::torchscript_backend {

struct PackedWeights {
  int nodes = 0;
  size_t bytes = 0;  // of the packed copies
};

// Throws what LibTorch throws: call it inside Guarded().
PackedWeights PackWeights(torch::jit::Graph& graph);

// Copies the constants that still point into the host's memory (`constants`) if they are few bytes
// beside the `packed` ones, and adds them to `packed.bytes`. Whether the graph then needs nothing
// of the host's memory, which it may give back. Throws as PackWeights does.
bool DetachFromHost(torch::jit::Graph& graph, absl::Span<const sdk::ConstantView> constants,
                    PackedWeights& packed);

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_PACKING_H_
