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

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_PACKING_H_
