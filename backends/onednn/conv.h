// A convolution as its unit describes it: what conv.cc reads, and conv_own.cc runs in own kernels.
#ifndef INGOT_BACKENDS_ONEDNN_CONV_H_
#define INGOT_BACKENDS_ONEDNN_CONV_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "backends/onednn/lowering.h"

namespace ingot::onednn {

struct Convolution {
  Tensor src;
  Tensor weights;  // grouped: [groups, out / groups, in / groups, kernel…] if groups > 1
  std::optional<Tensor> bias;
  Window window;
  int64_t groups = 1;
  bool transposed = false;
  ir::DType factor = ir::DType::kFloat32;  // what a primitive rounds source and weights to
};

// Adds the steps of a unit that does not run as a primitive (Unit::runs_as), images channels-last
// on both sides. result: the value of the unit's last node, of `type`.
absl::Status LowerOwnConvolution(Lowering& lowering, const Unit& unit, const Convolution& c,
                                 ir::ValueId result, const ir::TensorType& type);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_CONV_H_
