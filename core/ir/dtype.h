// Element types of tensors.
//
// The set is PyTorch's dense CPU set; names in the text form are short (`f32`, `i64`), names in
// messages are the same. Numeric codes are part of the `.ingot` format and of the graph's canonical
// bytes: append only, never renumber.
#ifndef INGOT_CORE_IR_DTYPE_H_
#define INGOT_CORE_IR_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace ingot::ir {

enum class DType : uint8_t {
  kBool = 0,
  kUInt8 = 1,
  kInt8 = 2,
  kInt16 = 3,
  kInt32 = 4,
  kInt64 = 5,
  kFloat16 = 6,
  kBFloat16 = 7,
  kFloat32 = 8,
  kFloat64 = 9,
  kComplex64 = 10,
  kComplex128 = 11,
};

inline constexpr int kNumDTypes = 12;

// Categories in promotion order (PyTorch: bool < integral < floating < complex).
enum class DTypeCategory : uint8_t { kBool = 0, kIntegral = 1, kFloating = 2, kComplex = 3 };

// Bytes of one element.
size_t ElementSize(DType dtype);

// "f32", "bf16", "i64", "b8", "c64" …
absl::string_view DTypeName(DType dtype);

// Inverse of DTypeName; nullopt if unknown.
std::optional<DType> ParseDType(absl::string_view name);

DTypeCategory Category(DType dtype);
inline bool IsFloating(DType dtype) { return Category(dtype) == DTypeCategory::kFloating; }
inline bool IsComplex(DType dtype) { return Category(dtype) == DTypeCategory::kComplex; }
// True for bool too, as in PyTorch's `is_integral(include_bool=true)`.
inline bool IsIntegralOrBool(DType dtype) { return Category(dtype) <= DTypeCategory::kIntegral; }

// The dtype of `a op b` for two dimensioned operands: PyTorch's `torch.promote_types`
// (https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc).
DType PromoteTypes(DType a, DType b);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_DTYPE_H_
