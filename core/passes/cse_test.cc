#include "core/passes/cse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/passes/dce.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

// Two nodes over the same inputs and whether they are one.
struct Case {
  const char* what;
  const char* first;
  const char* second;
  bool merged;
};

TEST(CommonSubexpressionTest, MergesEqualNodesOnly) {
  const Case cases[] = {
      {"equal", "aten::relu(%0)", "aten::relu(%0)", true},
      {"other op", "aten::relu(%0)", "aten::neg(%0)", false},
      {"other operand", "aten::relu(%0)", "aten::relu(%1)", false},
      {"swapped, commutative", "aten::mul.Tensor(%0, %1)", "aten::mul.Tensor(%1, %0)", true},
      {"swapped, of other types", "aten::mul.Tensor(%0, %4)", "aten::mul.Tensor(%4, %0)", false},
      {"swapped, not commutative", "aten::sub.Tensor(%0, %1, 1)", "aten::sub.Tensor(%1, %0, 1)",
       false},
      {"other number", "aten::mul.Scalar(%0, 2.0)", "aten::mul.Scalar(%0, 3.0)", false},
      {"other kind of number", "aten::mul.Scalar(%0, 2)", "aten::mul.Scalar(%0, 2.0)", false},
      {"sign of zero", "aten::mul.Scalar(%0, 0.0)", "aten::mul.Scalar(%0, -0.0)", false},
      {"equal lists", "aten::permute(%0, [1, 0])", "aten::permute(%0, [1, 0])", true},
      {"other list", "aten::permute(%0, [1, 0])", "aten::permute(%0, [0, 1])", false},
      {"value and literal", "aten::mul.Scalar(%0, %2)", "aten::mul.Scalar(%0, 0.0)", false},
      {"opaque", "my::op(%0)", "my::op(%0)", false},
      {"random", "aten::rand_like(%0, None, None, None, None, None, %3)",
       "aten::rand_like(%0, None, None, None, None, None, %3)", false},
  };
  for (const Case& c : cases) {
    ir::Recording r = MakeRecording(absl::StrCat(R"(
      %0 : f32[2,2] = argument 0
      %1 : f32[2,2] = argument 1
      %2 : f64[] = scalar 0
      %3 : i64[] = seed
      %4 : f32[2] = argument 2
      %5 : f32[2,2] = )",
                                                 c.first, "\n %6 : f32[2,2] = ", c.second, R"(
      result 0 = %5
      result 1 = %6
      returns (T0, T1))"));
    EXPECT_EQ(Change(EliminateCommonSubexpressions, r), c.merged) << c.what;
    EXPECT_EQ(r.graph.nodes().size(), c.merged ? 1u : 2u) << c.what;
    EXPECT_EQ(r.graph.outputs()[0].value == r.graph.outputs()[1].value, c.merged) << c.what;
  }
}

TEST(CommonSubexpressionTest, MergesWhatBecomesEqual) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2] = argument 0
    %1 : f32[2] = aten::relu(%0)
    %2 : f32[2] = aten::relu(%0)
    %3 : f32[2] = aten::neg(%1)
    %4 : f32[2] = aten::neg(%2)
    %5 : f32[2] = aten::add.Tensor(%3, %4, 1)
    result 0 = %5
    returns T0)");
  EXPECT_TRUE(Change(EliminateCommonSubexpressions, r));
  EXPECT_EQ(Nodes(r),
            "%1 = aten::relu(%0)\n%2 = aten::neg(%1)\n%3 = aten::add.Tensor(%2, %2, 1)\n");
  EXPECT_FALSE(Change(EliminateCommonSubexpressions, r));
}

TEST(CommonSubexpressionTest, MergesTiedWeights) {
  ir::Recording r =
      MakeRecording(R"(
    %0 : f32[2] = constant 0 sha256:$0
    %1 : f32[2] = constant 1 sha256:$0
    %2 : f32[1,2] = constant 2 sha256:$0
    %3 : f32[2] = aten::relu(%0)
    %4 : f32[2] = aten::relu(%1)
    %5 : f32[1,2] = aten::relu(%2)
    result 0 = %3
    result 1 = %4
    result 2 = %5
    returns (T0, T1, T2))",
                    {Floats({2}, {1, 2}), Floats({2}, {1, 2}), Floats({1, 2}, {1, 2})});
  EXPECT_TRUE(Change(EliminateCommonSubexpressions, r));
  EXPECT_FALSE(Change(EliminateCommonSubexpressions, r)) << "the unused input counts as a change";
  EXPECT_TRUE(Change(EliminateDeadCode, r));
  EXPECT_EQ(Nodes(r), "%2 = aten::relu(%0)\n%3 = aten::relu(%1)\n");
}

TEST(CommonSubexpressionTest, KeepsANodeThatYieldsMore) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2,3] = argument 0
    %1, _ : f32[2], _ = aten::max.dim(%0, 1, false)
    %2, %3 : f32[2], i64[2] = aten::max.dim(%0, 1, false)
    %4, _ : f32[2], _ = aten::max.dim(%0, 1, false)
    result 0 = %1
    result 1 = %2
    result 2 = %3
    result 3 = %4
    returns (T0, T1, T2, T3))");
  EXPECT_TRUE(Change(EliminateCommonSubexpressions, r));
  EXPECT_EQ(r.graph.nodes().size(), 2u);
}

}  // namespace
}  // namespace ingot::passes
