#include "core/plugin/tensor.h"

#include <array>

namespace ingot::plugin {
namespace {

// DLDataTypeCode of dlpack.h.
enum : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBFloat = 4, kComplex = 5, kBool = 6 };

// By ir::DType.
constexpr std::array<DTypeCode, ir::kNumDTypes> kCodes = {{
    {kBool, 8},
    {kUInt, 8},
    {kInt, 8},
    {kInt, 16},
    {kInt, 32},
    {kInt, 64},
    {kFloat, 16},
    {kBFloat, 16},
    {kFloat, 32},
    {kFloat, 64},
    {kComplex, 64},
    {kComplex, 128},
}};

}  // namespace

DTypeCode ToDTypeCode(ir::DType dtype) { return kCodes[static_cast<size_t>(dtype)]; }

std::optional<ir::DType> FromDTypeCode(uint8_t code, uint8_t bits) {
  for (size_t i = 0; i < kCodes.size(); ++i) {
    if (kCodes[i] == DTypeCode{code, bits}) return static_cast<ir::DType>(i);
  }
  return std::nullopt;
}

std::optional<ir::DType> TensorDType(const ingot_tensor& tensor) {
  if (tensor.dtype_lanes != 1) return std::nullopt;
  return FromDTypeCode(tensor.dtype_code, tensor.dtype_bits);
}

ingot_tensor MakeTensor(void* data, ir::DType dtype, absl::Span<const int64_t> dims,
                        absl::Span<const int64_t> strides) {
  const DTypeCode code = ToDTypeCode(dtype);
  ingot_tensor tensor{};
  tensor.data = data;
  tensor.device_type = 1;
  tensor.ndim = static_cast<int32_t>(dims.size());
  tensor.dtype_code = code.code;
  tensor.dtype_bits = code.bits;
  tensor.dtype_lanes = 1;
  tensor.shape = dims.data();
  tensor.strides = strides.data();
  return tensor;
}

}  // namespace ingot::plugin
