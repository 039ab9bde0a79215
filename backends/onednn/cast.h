// Tensors in another element type, for kernels that know fewer types than the ops they serve.
#ifndef INGOT_BACKENDS_ONEDNN_CAST_H_
#define INGOT_BACKENDS_ONEDNN_CAST_H_

#include "absl/status/statusor.h"
#include "backends/onednn/lowering.h"

namespace ingot::onednn {

// `tensor`, which has strides, converted as PyTorch converts; itself if it has that type already.
// Complex to real drops the imaginary part.
absl::StatusOr<Tensor> Cast(Lowering& lowering, const Tensor& tensor, ir::DType dtype);

// A result to be computed in `computed` and handed on as the type of the value: the tensor to
// write. Equal types: the value's own.
class CastOutput {
 public:
  CastOutput(Lowering& lowering, ir::ValueId value, ir::DType computed);
  const Tensor& tensor() const { return tensor_; }
  // After the step that writes tensor() has been added.
  absl::Status Finish();

 private:
  Lowering& lowering_;
  const ir::ValueId value_;
  const Tensor tensor_;
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_CAST_H_
