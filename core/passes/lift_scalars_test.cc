#include "core/passes/lift_scalars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

TEST(LiftScalarsTest, EveryUseGetsItsOwnInputInOrder) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2] = argument 0
    %1 : f64[] = scalar 0
    %2 : f32[2] = aten::mul.Scalar(%0, 2.0)
    %3 : f32[2] = aten::add.Scalar(%2, 2.0, 3)
    %4 : f32[2] = aten::addcmul(%3, %2, %2, 1)
    %5 : f32[2] = aten::mul.Scalar(%4, %1)
    result 0 = %5
    returns T0)");
  EXPECT_TRUE(Change(LiftScalars, r));
  EXPECT_EQ(Nodes(r),
            "%6 = aten::mul.Scalar(%0, %2)\n%7 = aten::add.Scalar(%6, %3, %4)\n"
            "%8 = aten::addcmul(%7, %6, %6, %5)\n%9 = aten::mul.Scalar(%8, %1)\n");
  ASSERT_EQ(r.scalars.size(), 5u);
  EXPECT_EQ(r.scalars[1].literal, ir::Scalar(2.0));
  EXPECT_EQ(r.scalars[2].literal, ir::Scalar(2.0));
  EXPECT_EQ(r.scalars[3].literal, ir::Scalar(int64_t{3}));
  EXPECT_EQ(r.scalars[4].literal, ir::Scalar(int64_t{1}));
  EXPECT_FALSE(Change(LiftScalars, r));
}

TEST(LiftScalarsTest, StructureStays) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2,3] = argument 0
    %1 : f32[2,3] = aten::add.Tensor(%0, %0, 1)
    %2 : f32[2,3] = aten::sub.Tensor(%1, %0, 1.0)
    %3 : f32[2,3] = aten::softmax.int(%2, 1, None)
    %4 : f32[2,3] = aten::clamp(%3, 0.5, None)
    %5 : f32[2,3] = my::op(%4, 7)
    result 0 = %5
    returns T0)");
  EXPECT_FALSE(Change(LiftScalars, r));
}

TEST(LiftScalarsTest, GraphsThatDifferInANumberBecomeEqual) {
  const auto lifted = [](absl::string_view value) {
    ir::Recording r = MakeRecording(absl::StrCat(R"(
      %0 : f32[2] = argument 0
      %1 : f32[2] = aten::addcmul(%0, %0, %0, )",
                                                 value, R"()
      result 0 = %1
      returns T0)"));
    EXPECT_TRUE(Change(LiftScalars, r));
    return r;
  };
  EXPECT_TRUE(lifted("5").graph == lifted("1").graph);
  EXPECT_EQ(lifted("5").scalars[0].literal, ir::Scalar(int64_t{5}));
  // The kind of number decides about promotion: it is structure.
  EXPECT_FALSE(lifted("5").graph == lifted("5.0").graph);
}

}  // namespace
}  // namespace ingot::passes
