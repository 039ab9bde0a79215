// Batch normalisation for inference as a scale and a shift a channel.
#ifndef INGOT_BACKENDS_ONEDNN_NORM_H_
#define INGOT_BACKENDS_ONEDNN_NORM_H_

#include "absl/status/statusor.h"
#include "backends/onednn/lowering.h"
#include "core/ops/op_view.h"

namespace ingot::onednn {

// y = scale[c] * x + shift[c]; scale = weight / sqrt(var + eps), shift = bias - mean * scale.
// Constants if the parameters are.
struct ChannelAffine {
  Tensor scale, shift;  // f32 [channels]
};
absl::StatusOr<ChannelAffine> BatchNormAffine(Lowering& lowering, const ops::OpView& batch_norm);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_NORM_H_
