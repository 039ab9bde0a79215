#include "tests/fuzz/graphs/shrink.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/status_matchers.h"
#include "core/ir/verifier.h"
#include "tests/fuzz/graphs/generator.h"
#include "tests/fuzz/graphs/transform.h"

namespace ingot::fuzz {
namespace {

bool HasOp(const Case& c, const std::string& op) {
  return std::any_of(c.graph.nodes().begin(), c.graph.nodes().end(),
                     [&](const ir::Node& node) { return node.op == op; });
}

TEST(ShrinkTest, ACaseThatFailsForOneOpShrinksToIt) {
  int found = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    const Case c = Generate(seed);
    // A node that nothing uses goes with the first step.
    const absl::StatusOr<Case> used = Without(c, std::vector<bool>(c.graph.nodes().size()));
    ASSERT_THAT(used, IsOk());
    if (!HasOp(*used, "aten::cat") || c.is_program) continue;
    ++found;
    const Case small = Shrink(c, [](const Case& d) { return HasOp(d, "aten::cat"); });
    EXPECT_EQ(small.graph.nodes().size(), 1u) << Print(small);
    EXPECT_EQ(small.graph.outputs().size(), 1u) << Print(small);
    EXPECT_THAT(ir::Verify(small.graph), IsOk()) << Print(small);
    EXPECT_THAT(Parse(Print(small)), IsOk()) << Print(small);
  }
  EXPECT_GT(found, 2);
}

TEST(ShrinkTest, SizesBecomeSmall) {
  const absl::StatusOr<Case> c = Parse(R"(#! graph
#! seed 1
#! argument 0 grid -2 2
graph "g" {
  %0 : f32[17,5] = argument 0
  %1 : f32[17,5] = aten::relu(%0)
  result 0 = %1
  returns T0
})");
  ASSERT_THAT(c, IsOk());
  const Case small = Shrink(*c, [](const Case& d) { return HasOp(d, "aten::relu"); });
  EXPECT_EQ(small.graph.type(small.graph.inputs()[0].value).dims, (ir::Dims{1, 1}));
}

TEST(ShrinkTest, WhatDoesNotFailWhenSmallerStaysAsItIs) {
  const Case c = Generate(7);
  const std::string text = Print(c);
  EXPECT_EQ(Print(Shrink(c, [&](const Case& d) { return Print(d) == text; })), text);
}

TEST(ShrinkTest, AttemptsAreBounded) {
  int attempts = 0;
  Shrink(
      Generate(9),
      [&](const Case&) {
        ++attempts;
        return false;
      },
      5);
  EXPECT_EQ(attempts, 5);
}

}  // namespace
}  // namespace ingot::fuzz
