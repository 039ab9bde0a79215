#include "core/ir/dtype.h"

#include <gtest/gtest.h>

#include <string>

namespace ingot::ir {
namespace {

TEST(DTypeTest, NamesReadBack) {
  for (int code = 0; code < kNumDTypes; ++code) {
    const DType dtype = static_cast<DType>(code);
    EXPECT_EQ(ParseDType(DTypeName(dtype)), dtype);
  }
  EXPECT_EQ(ParseDType("f33"), std::nullopt);
  EXPECT_EQ(ParseDType(""), std::nullopt);
}

TEST(DTypeTest, SizesAreThoseOfTheFormats) {
  EXPECT_EQ(ElementSize(DType::kBool), 1u);
  EXPECT_EQ(ElementSize(DType::kBFloat16), 2u);
  EXPECT_EQ(ElementSize(DType::kFloat32), 4u);
  EXPECT_EQ(ElementSize(DType::kComplex64), 8u);
  EXPECT_EQ(ElementSize(DType::kComplex128), 16u);
}

// `torch.promote_types(a, b)` of PyTorch 2.13, by code: rows and columns b8 u8 i8 i16 i32 i64 f16
// bf16 f32 f64 c64 c128.
TEST(DTypeTest, PromotionIsPyTorchs) {
  static constexpr const char* kTable[kNumDTypes] = {
      "b8 u8 i8 i16 i32 i64 f16 bf16 f32 f64 c64 c128",
      "u8 u8 i16 i16 i32 i64 f16 bf16 f32 f64 c64 c128",
      "i8 i16 i8 i16 i32 i64 f16 bf16 f32 f64 c64 c128",
      "i16 i16 i16 i16 i32 i64 f16 bf16 f32 f64 c64 c128",
      "i32 i32 i32 i32 i32 i64 f16 bf16 f32 f64 c64 c128",
      "i64 i64 i64 i64 i64 i64 f16 bf16 f32 f64 c64 c128",
      "f16 f16 f16 f16 f16 f16 f16 f32 f32 f64 c64 c128",
      "bf16 bf16 bf16 bf16 bf16 bf16 f32 bf16 f32 f64 c64 c128",
      "f32 f32 f32 f32 f32 f32 f32 f32 f32 f64 c64 c128",
      "f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 c128 c128",
      "c64 c64 c64 c64 c64 c64 c64 c64 c64 c128 c64 c128",
      "c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128 c128",
  };
  for (int a = 0; a < kNumDTypes; ++a) {
    std::string row;
    for (int b = 0; b < kNumDTypes; ++b) {
      row += b > 0 ? " " : "";
      row += std::string(DTypeName(PromoteTypes(static_cast<DType>(a), static_cast<DType>(b))));
    }
    EXPECT_EQ(row, kTable[a]) << DTypeName(static_cast<DType>(a));
  }
}

TEST(DTypeTest, CategoriesAreOrdered) {
  EXPECT_TRUE(IsIntegralOrBool(DType::kBool));
  EXPECT_TRUE(IsIntegralOrBool(DType::kInt64));
  EXPECT_FALSE(IsIntegralOrBool(DType::kFloat16));
  EXPECT_TRUE(IsFloating(DType::kBFloat16));
  EXPECT_FALSE(IsFloating(DType::kComplex64));
  EXPECT_TRUE(IsComplex(DType::kComplex128));
}

}  // namespace
}  // namespace ingot::ir
