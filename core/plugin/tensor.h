// Helpers over the ABI's tensor: dtype codes, typed data pointers.
//
//   float* x = TensorData<float>(inputs[0]);
//   std::optional<ir::DType> dtype = TensorDType(inputs[0]);
//
// Nothing allocates. Thread-safe (no state). Codes are DLPack's (dlpack.h, DLDataTypeCode).
#ifndef INGOT_CORE_PLUGIN_TENSOR_H_
#define INGOT_CORE_PLUGIN_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "core/ir/dtype.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::plugin {

// DLPack's DLDataType without lanes (always 1 here).
struct DTypeCode {
  uint8_t code = 0;
  uint8_t bits = 0;
  friend bool operator==(const DTypeCode&, const DTypeCode&) = default;
};

DTypeCode ToDTypeCode(ir::DType dtype);
// nullopt for a pair that ingot has no dtype for.
std::optional<ir::DType> FromDTypeCode(uint8_t code, uint8_t bits);

// nullopt also for lanes other than 1.
std::optional<ir::DType> TensorDType(const ingot_tensor& tensor);

inline absl::Span<const int64_t> TensorDims(const ingot_tensor& tensor) {
  return absl::MakeConstSpan(tensor.shape, static_cast<size_t>(tensor.ndim));
}
inline absl::Span<const int64_t> TensorStrides(const ingot_tensor& tensor) {
  return absl::MakeConstSpan(tensor.strides, static_cast<size_t>(tensor.ndim));
}

// Address of the first element. The caller knows the type and whether it may write.
template <typename T = void>
T* TensorData(const ingot_tensor& tensor) {
  return reinterpret_cast<T*>(static_cast<char*>(tensor.data) + tensor.byte_offset);
}

// A CPU tensor over the caller's data, sizes and strides, which must outlive it.
ingot_tensor MakeTensor(void* data, ir::DType dtype, absl::Span<const int64_t> dims,
                        absl::Span<const int64_t> strides);

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_TENSOR_H_
