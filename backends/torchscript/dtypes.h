// ingot's dtypes as LibTorch's. Private to this backend; includes LibTorch headers.
#ifndef INGOT_BACKENDS_TORCHSCRIPT_DTYPES_H_
#define INGOT_BACKENDS_TORCHSCRIPT_DTYPES_H_

#include <c10/core/ScalarType.h>

#include "core/ir/dtype.h"

namespace ingot::torchscript_backend {

// By ir::DType's codes.
inline constexpr c10::ScalarType kScalarTypes[ir::kNumDTypes] = {
    c10::ScalarType::Bool,   c10::ScalarType::Byte,         c10::ScalarType::Char,
    c10::ScalarType::Short,  c10::ScalarType::Int,          c10::ScalarType::Long,
    c10::ScalarType::Half,   c10::ScalarType::BFloat16,     c10::ScalarType::Float,
    c10::ScalarType::Double, c10::ScalarType::ComplexFloat, c10::ScalarType::ComplexDouble,
};

inline c10::ScalarType ToScalarType(ir::DType dtype) {
  return kScalarTypes[static_cast<int>(dtype)];
}

}  // namespace ingot::torchscript_backend

#endif  // INGOT_BACKENDS_TORCHSCRIPT_DTYPES_H_
