#include "core/ir/dtype.h"

#include <algorithm>
#include <array>

namespace ingot::ir {
namespace {

struct DTypeInfo {
  absl::string_view name;
  size_t size;
  DTypeCategory category;
};

// By code.
constexpr std::array<DTypeInfo, kNumDTypes> kInfo = {{
    {"b8", 1, DTypeCategory::kBool},
    {"u8", 1, DTypeCategory::kIntegral},
    {"i8", 1, DTypeCategory::kIntegral},
    {"i16", 2, DTypeCategory::kIntegral},
    {"i32", 4, DTypeCategory::kIntegral},
    {"i64", 8, DTypeCategory::kIntegral},
    {"f16", 2, DTypeCategory::kFloating},
    {"bf16", 2, DTypeCategory::kFloating},
    {"f32", 4, DTypeCategory::kFloating},
    {"f64", 8, DTypeCategory::kFloating},
    {"c64", 8, DTypeCategory::kComplex},
    {"c128", 16, DTypeCategory::kComplex},
}};

const DTypeInfo& Info(DType dtype) { return kInfo[static_cast<size_t>(dtype)]; }

DType PromoteIntegers(DType a, DType b) {
  const auto [low, high] = std::minmax(a, b);
  // u8 is the lowest code and the only unsigned type: with any signed type it needs at least i16.
  if (low == DType::kUInt8) return std::max(high, DType::kInt16);
  return high;
}

DType PromoteFloats(DType a, DType b) {
  const auto [low, high] = std::minmax(a, b);
  // Neither half type holds the other's values.
  if (low == DType::kFloat16 && high == DType::kBFloat16) return DType::kFloat32;
  return high;
}

}  // namespace

size_t ElementSize(DType dtype) { return Info(dtype).size; }

absl::string_view DTypeName(DType dtype) { return Info(dtype).name; }

std::optional<DType> ParseDType(absl::string_view name) {
  for (int i = 0; i < kNumDTypes; ++i) {
    if (kInfo[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

DTypeCategory Category(DType dtype) { return Info(dtype).category; }

DType PromoteTypes(DType a, DType b) {
  if (a == b) return a;
  if (IsComplex(a) || IsComplex(b)) {
    const bool wide = std::max(a, b) == DType::kComplex128 || std::min(a, b) == DType::kFloat64;
    return wide ? DType::kComplex128 : DType::kComplex64;
  }
  if (Category(a) != Category(b)) return Category(a) > Category(b) ? a : b;
  return IsFloating(a) ? PromoteFloats(a, b) : PromoteIntegers(a, b);
}

}  // namespace ingot::ir
