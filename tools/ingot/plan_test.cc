#include "tools/ingot/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ingot::tools {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<PlannedStep> Read(const char* plan_json) {
  runtime::GroupReport group;
  group.nodes = {4, 7, 9};
  group.plan_json = plan_json;
  return ReadPlan(group);
}

TEST(ReadPlanTest, NodesAreTheCompiledGraphs) {
  const std::vector<PlannedStep> steps = Read(
      R"([{"node":0,"impl":"brgemm","fused":[0,2]},{"node":1,"layout_in":"channels_last","layout":"strides[1]"}])");
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_THAT(steps[0].nodes, ElementsAre(4, 4, 9));
  EXPECT_EQ(steps[0].implementation, "brgemm");
  EXPECT_EQ(steps[0].layout, "");
  EXPECT_THAT(steps[1].nodes, ElementsAre(7));
  EXPECT_EQ(steps[1].layout, "strides[1]");
  EXPECT_EQ(steps[1].layout_in, "channels_last");
}

TEST(DescribeLayoutsTest, NamesWhatChangesAndNothingForRowMajor) {
  EXPECT_EQ(DescribeLayouts("", ""), "");
  EXPECT_EQ(DescribeLayouts("channels_last", "channels_last"), "channels_last");
  EXPECT_EQ(DescribeLayouts("", "channels_last"), "row_major -> channels_last");
  EXPECT_EQ(DescribeLayouts("blocks[16@1]", ""), "blocks[16@1] -> row_major");
}

TEST(ReadPlanTest, StepsThatRunSeveralTimesSaySo) {
  const std::vector<PlannedStep> steps = Read(R"([{"node":0,"times":8},{"node":1,"times":-3}])");
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[0].times, 8);
  EXPECT_EQ(steps[1].times, 1);
}

TEST(ReadPlanTest, WhatIsNotAsDocumentedTellsNothing) {
  for (const char* plan : {"", "no json", "{}", "[3]", R"([{"impl":"x"}])", R"([{"node":3}])",
                           R"([{"node":-1}])", R"([{"node":"0"}])"}) {
    EXPECT_THAT(Read(plan), IsEmpty()) << plan;
  }
  EXPECT_EQ(Read(R"([{"node":0,"impl":5,"fused":7}])")[0].implementation, "");
}

}  // namespace
}  // namespace ingot::tools
