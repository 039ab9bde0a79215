#include "core/passes/dce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

TEST(DeadCodeTest, DropsNodesWithTheirWeightsAndNumbers) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2] = argument 0
    %1 : f32[2] = argument 1
    %2 : f32[2] = constant 0 sha256:$0
    %3 : f32[2] = constant 1 sha256:$1
    %4 : i64[] = scalar 0
    %5 : f64[] = scalar 1
    %6 : f32[2] = state 0
    %7 : i64[] = seed
    %8 : f32[2] = aten::add.Tensor(%0, %2, %4)
    %9 : f32[2] = aten::relu(%8)
    %10 : f32[2] = aten::add.Tensor(%0, %3, %5)
    result 0 = %10
    returns T0)",
                                  {Floats({2}, {1, 2}), Floats({2}, {3, 4})});
  EXPECT_TRUE(Change(EliminateDeadCode, r));
  EXPECT_EQ(Nodes(r), "%5 = aten::add.Tensor(%0, %2, %3)\n");
  ASSERT_EQ(r.constants.size(), 1u);
  EXPECT_EQ(r.constants[0].digest, Floats({2}, {3, 4}).digest);
  ASSERT_EQ(r.scalars.size(), 1u);
  EXPECT_EQ(r.scalars[0].literal, ir::Scalar(1.0));
  // Arguments and states are the caller's.
  EXPECT_EQ(r.graph.inputs().size(), 5u);
  EXPECT_FALSE(Change(EliminateDeadCode, r));
}

TEST(DeadCodeTest, KeepsRandomAndOpaqueOpsAndWhatTheyNeed) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2] = argument 0
    %1 : i64[] = seed
    %2 : f32[2] = aten::relu(%0)
    %3 : f32[2] = aten::rand_like(%2, None, None, None, None, None, %1)
    %4 : f32[2] = aten::neg(%0)
    = my::print(%4)
    returns None)");
  EXPECT_FALSE(Change(EliminateDeadCode, r));
}

TEST(DeadCodeTest, KeepsWhatAnyKindOfOutputNeeds) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2] = argument 0
    %1 : f32[2] = state 0
    %2 : f32[2] = aten::relu(%0)
    %3 : f32[2] = aten::neg(%0)
    %4 : f32[2] = aten::abs(%0)
    writeback 0 = %2
    state 0 = %3
    alias 0 = %4 of argument 0
    returns T0)");
  EXPECT_FALSE(Change(EliminateDeadCode, r));
}

TEST(DeadCodeTest, KeepsANodeOneOfWhoseOutputsIsUsed) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2,3] = argument 0
    %1, %2 : f32[2], i64[2] = aten::max.dim(%0, 1, false)
    result 0 = %2
    returns T0)");
  EXPECT_FALSE(Change(EliminateDeadCode, r));
}

}  // namespace
}  // namespace ingot::passes
