#include "frontends/torchscript/layout.h"

#include <array>
#include <cstdint>
#include <utility>

namespace ingot::torchscript {
namespace {

constexpr std::array<std::pair<at::ScalarType, ir::DType>, ir::kNumDTypes> kDTypes = {{
    {at::ScalarType::Bool, ir::DType::kBool},
    {at::ScalarType::Byte, ir::DType::kUInt8},
    {at::ScalarType::Char, ir::DType::kInt8},
    {at::ScalarType::Short, ir::DType::kInt16},
    {at::ScalarType::Int, ir::DType::kInt32},
    {at::ScalarType::Long, ir::DType::kInt64},
    {at::ScalarType::Half, ir::DType::kFloat16},
    {at::ScalarType::BFloat16, ir::DType::kBFloat16},
    {at::ScalarType::Float, ir::DType::kFloat32},
    {at::ScalarType::Double, ir::DType::kFloat64},
    {at::ScalarType::ComplexFloat, ir::DType::kComplex64},
    {at::ScalarType::ComplexDouble, ir::DType::kComplex128},
}};

// Foreign dtypes are numbered by LibTorch's own codes, from 1.
void SetScalarType(Layout& layout, at::ScalarType type) {
  const std::optional<ir::DType> dtype = ToDType(type);
  if (dtype) {
    layout.type.dtype = *dtype;
  } else {
    layout.foreign_dtype = static_cast<uint8_t>(static_cast<int>(type) + 1);
  }
}

}  // namespace

std::optional<ir::DType> ToDType(at::ScalarType type) {
  for (const auto& [scalar_type, dtype] : kDTypes) {
    if (scalar_type == type) return dtype;
  }
  return std::nullopt;
}

at::ScalarType ToScalarType(ir::DType dtype) {
  for (const auto& [scalar_type, candidate] : kDTypes) {
    if (candidate == dtype) return scalar_type;
  }
  return at::ScalarType::Undefined;
}

bool HasLayout(const at::Tensor& tensor) {
  // A nested tensor calls itself strided, but has no sizes.
  return tensor.defined() && tensor.layout() == at::kStrided && !tensor.is_nested() &&
         tensor.is_cpu() && tensor.has_storage();
}

Layout LayoutOf(const at::Tensor& tensor) {
  Layout layout;
  SetScalarType(layout, tensor.scalar_type());
  layout.type.dims.assign(tensor.sizes().begin(), tensor.sizes().end());
  layout.strides.assign(tensor.strides().begin(), tensor.strides().end());
  layout.offset = tensor.storage_offset();
  layout.conjugate = tensor.is_conj();
  layout.negative = tensor.is_neg();
  return layout;
}

Layout NoLayout() {
  Layout layout;
  SetScalarType(layout, at::ScalarType::Undefined);
  return layout;
}

at::ScalarType ScalarTypeOf(const Layout& layout) {
  if (layout.foreign_dtype == 0) return ToScalarType(layout.type.dtype);
  return static_cast<at::ScalarType>(layout.foreign_dtype - 1);
}

}  // namespace ingot::torchscript
