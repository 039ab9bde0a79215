#include "core/ops/promotion.h"

#include <gtest/gtest.h>

namespace ingot::ops {
namespace {

using ir::DType;

// The pairs of two tensors, and of a tensor with a number, are replayed from eager in
// registry_test; here are the kinds in combination, worked out by the published rules.
TEST(PromotionTest, LaterKindsCountOnlyByCategory) {
  const ir::TensorType i32{DType::kInt32, {2}}, f16{DType::kFloat16, {2}},
      zero_f64{DType::kFloat64, {}}, zero_i64{DType::kInt64, {}}, flags{DType::kBool, {2}};
  const auto result = [](std::initializer_list<ir::TensorType> tensors,
                         std::initializer_list<DType> numbers) {
    Promotion p;
    for (const ir::TensorType& tensor : tensors) p.AddTensor(tensor);
    for (DType number : numbers) p.AddNumber(number);
    return p.Result();
  };
  EXPECT_EQ(result({i32, zero_i64}, {}), DType::kInt32);
  EXPECT_EQ(result({i32, zero_f64}, {}), DType::kFloat64);
  EXPECT_EQ(result({i32}, {DType::kFloat64}), DType::kFloat32);
  EXPECT_EQ(result({f16, zero_f64}, {DType::kFloat64}), DType::kFloat16);
  EXPECT_EQ(result({flags}, {DType::kInt64}), DType::kInt64);
  EXPECT_EQ(result({flags, zero_i64}, {DType::kFloat64}), DType::kFloat32);
  EXPECT_EQ(result({i32}, {DType::kComplex128}), DType::kComplex64);
  EXPECT_EQ(result({zero_f64}, {DType::kComplex128}), DType::kComplex128);
}

}  // namespace
}  // namespace ingot::ops
