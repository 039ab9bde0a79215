// The ABI's tensors as LibTorch's, and back. Nothing is copied.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_TENSOR_BRIDGE_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_TENSOR_BRIDGE_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "absl/status/statusor.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::torchscript {

// Tensors over the caller's memory, which must outlive them. InvalidArgument names the tensor that
// is not a CPU tensor of an ingot dtype, or has sizes or strides below 0.
absl::StatusOr<std::vector<at::Tensor>> FromAbi(const ingot_tensor* tensors, size_t count);

// A view of `tensor`, valid while it lives. Unimplemented unless it is dense, on the CPU, of an
// ingot dtype.
absl::StatusOr<ingot_tensor> ToAbi(const at::Tensor& tensor);

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_TENSOR_BRIDGE_H_
