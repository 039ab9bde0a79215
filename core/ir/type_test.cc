#include "core/ir/type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ingot::ir {
namespace {

using ::testing::ElementsAre;

TEST(TypeTest, CountsElementsAndBytes) {
  EXPECT_EQ((TensorType{DType::kFloat32, {2, 3}}).NumElements(), 6);
  EXPECT_EQ((TensorType{DType::kFloat64, {2, 3}}).NumBytes(), 48);
  EXPECT_EQ((TensorType{DType::kInt64, {}}).NumBytes(), 8);
  EXPECT_EQ((TensorType{DType::kFloat32, {2, 0, 5}}).NumBytes(), 0);
}

TEST(TypeTest, PrintsShortly) {
  EXPECT_EQ(ToString(TensorType{DType::kFloat32, {2, 3}}), "f32[2,3]");
  EXPECT_EQ(ToString(TensorType{DType::kInt64, {}}), "i64[]");
}

TEST(TypeTest, ContiguousStridesTreatEmptySizesAsOne) {
  EXPECT_THAT(ContiguousStrides({2, 3, 4}), ElementsAre(12, 4, 1));
  EXPECT_THAT(ContiguousStrides({2, 0, 4}), ElementsAre(4, 4, 1));
  EXPECT_THAT(ContiguousStrides({}), ElementsAre());
}

TEST(TypeTest, BroadcastsByNumPysRules) {
  struct Case {
    Dims a, b;
    bool ok;
    Dims result;
  };
  const Case cases[] = {
      {{2, 3}, {2, 3}, true, {2, 3}}, {{2, 3}, {3}, true, {2, 3}},
      {{2, 1}, {1, 3}, true, {2, 3}}, {{}, {4}, true, {4}},
      {{0}, {1}, true, {0}},          {{2, 3}, {2}, false, {}},
      {{0}, {2}, false, {}},          {{5, 1, 4}, {3, 1}, true, {5, 3, 4}},
  };
  for (const Case& c : cases) {
    for (const auto& [a, b] : {std::pair(c.a, c.b), std::pair(c.b, c.a)}) {
      Dims result;
      EXPECT_EQ(BroadcastDims(a, b, &result), c.ok) << ToString(TensorType{DType::kBool, a});
      EXPECT_EQ(result, c.result);
    }
  }
}

}  // namespace
}  // namespace ingot::ir
