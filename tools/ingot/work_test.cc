#include "tools/ingot/work.h"

#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"

namespace ingot::tools {
namespace {

ir::Graph Parse(const char* text) {
  absl::StatusOr<ir::Graph> graph = ir::ParseGraph(text);
  EXPECT_THAT(graph, IsOk());
  return *std::move(graph);
}

TEST(WorkTest, AProductTakesTwoFlopsForEachElementAndInnerIndex) {
  const ir::Graph graph = Parse(R"(graph "g" {
  %0 : f32[5,2,3] = argument 0
  %1 : f32[4,3] = argument 1
  %2 : f32[4] = argument 2
  %3 : f32[5,2,4] = aten::linear(%0, %1, %2)
  %4 : f32[5,4,2] = aten::transpose.int(%3, 1, 2)
  %5 : f32[5,2,2] = aten::matmul(%3, %4)
  result 0 = %5
  returns T0
})");
  EXPECT_EQ(WorkOf(graph, {0}).flops, 2 * 40 * 3);
  EXPECT_EQ(WorkOf(graph, {2}).flops, 2 * 20 * 4);
  EXPECT_EQ(WorkOf(graph, {0}).bytes, 4 * (30 + 12 + 4 + 40));
}

TEST(WorkTest, TheFactorsOfAnAddendsProductComeAfterIt) {
  const ir::Graph graph = Parse(R"(graph "g" {
  %0 : f32[4] = argument 0
  %1 : f32[2,3] = argument 1
  %2 : f32[3,4] = argument 2
  %3 : f32[2,4] = aten::addmm(%0, %1, %2, 1, 1)
  result 0 = %3
  returns T0
})");
  EXPECT_EQ(WorkOf(graph, {0}).flops, 2 * 8 * 3);
}

TEST(WorkTest, AConvolutionCountsTheChannelsOfAGroup) {
  const ir::Graph graph = Parse(R"(graph "g" {
  %0 : f32[1,4,8,8] = argument 0
  %1 : f32[6,2,3,3] = argument 1
  %2 : f32[1,6,6,6] = aten::convolution(%0, %1, None, [1, 1], [0, 0], [1, 1], false, [0, 0], 2)
  result 0 = %2
  returns T0
})");
  EXPECT_EQ(WorkOf(graph, {0}).flops, 2.0 * 216 * 18);
}

TEST(WorkTest, WhatOneStepKeepsToItselfMovesNoMemory) {
  const ir::Graph graph = Parse(R"(graph "g" {
  %0 : f32[100] = argument 0
  %1 : f32[100] = aten::exp(%0)
  %2 : f32[100] = aten::neg(%1)
  result 0 = %2
  returns T0
})");
  EXPECT_EQ(WorkOf(graph, {0, 1}).bytes, 800);
  EXPECT_EQ(WorkOf(graph, {0}).bytes, 800);
  EXPECT_EQ(WorkOf(graph, {0, 1}).flops, 0);
}

}  // namespace
}  // namespace ingot::tools
