#include "core/passes/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "core/ir/serialize.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<bool> RunAll(ir::Recording& recording) {
  const absl::Status status = RunStandardPasses(recording);
  if (!status.ok()) return status;
  return true;
}

TEST(PipelineTest, BringsAChainToItsShortForm) {
  ir::Recording r =
      MakeRecording(R"(
    %0 : f32[2,4] = argument 0
    %1 : f64[] = constant 0 sha256:$0
    %2 : f32[4,4] = constant 1 "w" sha256:$1
    %3 : i64[] = seed
    %4 : f32[2,4] = aten::dropout(%0, 0.5, false, %3)
    %5 : f32[2,4] = aten::mul.Tensor(%4, %1)
    %6 : f32[2,4] = aten::div.Scalar(%4, 1.4142135623730951)
    %7 : f32[2,4] = aten::erf(%6)
    %8 : f32[2,4] = aten::add.Scalar(%7, 1, 1)
    %9 : f32[2,4] = aten::mul.Tensor(%5, %8)
    %10 : f32[4,4] = aten::t(%2)
    %11 : f32[2,4] = aten::linear(%9, %10, None)
    %12 : f32[2,4] = aten::clone(%11, None)
    %13 : f32[2,4] = aten::mul.Scalar(%12, 3.0)
    result 0 = %13
    returns T0)",
                    {Doubles({}, {0.5}),
                     Floats({4, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})});
  EXPECT_TRUE(Change(RunAll, r));
  EXPECT_EQ(Nodes(r),
            "%3 = aten::gelu(%0, \"none\")\n%4 = aten::linear(%3, %1, None)\n"
            "%5 = aten::mul.Scalar(%4, %2)\n");
  ASSERT_EQ(r.constants.size(), 1u);
  EXPECT_EQ(static_cast<const float*>(r.constants[0].data)[1], 5);
  ASSERT_EQ(r.scalars.size(), 1u);
  EXPECT_EQ(r.scalars[0].literal, ir::Scalar(3.0));
}

TEST(PipelineTest, IsStable) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2,4] = argument 0
    %1 : f32[8] = aten::view(%0, [-1])
    %2 : f32[8] = aten::mul.Scalar(%1, 3.0)
    %3 : f32[8] = aten::mul.Scalar(%1, 3.0)
    %4 : f32[8] = aten::add.Tensor(%2, %3, 1)
    result 0 = %4
    returns T0)");
  EXPECT_TRUE(Change(RunAll, r));
  const std::string bytes = ir::ToCanonicalBytes(r.graph);
  EXPECT_TRUE(Change(RunAll, r));
  EXPECT_EQ(ir::ToCanonicalBytes(r.graph), bytes);
}

TEST(PipelineTest, ModulesThatDifferInDataOnlyHaveOneGraph) {
  const auto bytes = [](absl::string_view value) {
    ir::Recording r = MakeRecording(absl::StrCat(R"(
      %0 : f32[2,3] = argument 0
      %1 : f32[2,3] = argument 1
      %2 : f32[2,3] = argument 2
      %3 : f32[2,3] = aten::addcmul(%0, %1, %2, )",
                                                 value, R"()
      result 0 = %3
      returns T0)"));
    EXPECT_TRUE(Change(RunAll, r));
    return ir::ToCanonicalBytes(r.graph);
  };
  EXPECT_EQ(bytes("5"), bytes("1"));
  EXPECT_NE(bytes("5"), bytes("5.5"));
}

TEST(PipelineTest, EachPassVerifies) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2,4] = argument 0
    %1 : f32[2,4] = aten::sigmoid(%0)
    %2 : f32[2,4] = aten::mul.Tensor(%0, %1)
    %3 : f32[4,2] = aten::transpose.int(%2, -1, -2)
    writeback 0 = %2
    result 0 = %3
    returns T0)");
  PassManager manager(StandardPasses(), /*verify_each=*/true);
  EXPECT_THAT(manager.RunToFixedPoint(r, 10), IsOk());
  ir::Renumber(r.graph);
  EXPECT_EQ(Nodes(r), "%1 = aten::silu(%0)\n%2 = aten::permute(%1, [1, 0])\n");
}

TEST(PipelineTest, RefusesARecordingWhosePartsAreOutOfStep) {
  ir::Recording r = MakeRecording("%0 : f32[] = constant 0 sha256:$0 result 0 = %0 returns T0",
                                  {Floats({}, {1})});
  r.constants.clear();
  EXPECT_THAT(RunStandardPasses(r), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("the graph has 1 constant inputs")));
  r.graph.mutable_outputs()[0].value = 9;
  EXPECT_THAT(RunStandardPasses(r), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace ingot::passes
