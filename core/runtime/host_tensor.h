// A tensor that owns its memory: arguments and results for callers without a tensor library of
// their own.
//
//   INGOT_ASSIGN_OR_RETURN(HostTensor t, HostTensor::Create({ir::DType::kFloat32, {2, 3}}));
//   t.data<float>()[0] = 1;
//   graph->Run({a.view(), b.view()}, {t.view()});
//
// Movable; a view lives as long as the tensor is neither moved nor destroyed.
#ifndef INGOT_CORE_RUNTIME_HOST_TENSOR_H_
#define INGOT_CORE_RUNTIME_HOST_TENSOR_H_

#include "absl/status/statusor.h"
#include "core/base/aligned_buffer.h"
#include "core/ir/type.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::runtime {

class HostTensor {
 public:
  // Zero-filled. `strides` empty: row-major; else each element must have its own place and no
  // stride may be negative. InvalidArgument for sizes out of range, ResourceExhausted if memory has
  // run out.
  static absl::StatusOr<HostTensor> Create(const ir::TensorType& type, ir::Dims strides = {});
  // A row-major copy of `tensor`, whose dtype must be one of ir::DType.
  static absl::StatusOr<HostTensor> Copy(const ingot_tensor& tensor);

  const ir::TensorType& type() const { return type_; }
  const ir::Dims& strides() const { return strides_; }
  template <typename T>
  T* data() const {
    return static_cast<T*>(buffer_.data());
  }
  ingot_tensor view() const;

 private:
  HostTensor() = default;
  ir::TensorType type_;
  ir::Dims strides_;
  AlignedBuffer buffer_;
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_HOST_TENSOR_H_
