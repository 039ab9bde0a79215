#include "core/passes/rewriter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;
using ir::ValueRef;
using ::testing::HasSubstr;

constexpr char kChain[] = R"(
  %0 : f32[2] = argument 0
  %1 : f32[2] = aten::relu(%0) "a.py:1"
  %2 : f32[2] = aten::neg(%1) "a.py:2"
  %3 : f32[2] = aten::add.Tensor(%2, %1, 1) "a.py:3"
  result 0 = %3
  returns T0)";

TEST(GraphRewriterTest, EmitsBeforeTheNodeWithItsSource) {
  ir::Recording r = MakeRecording(kChain);
  const auto changed =
      GraphRewriter(r).Run([](GraphRewriter& g, const ir::Node& node) -> absl::StatusOr<ValueId> {
        if (node.op != "aten::neg") return kNoValue;
        return g.Emit("aten::mul.Scalar", {node.args[0], -1.0});
      });
  EXPECT_THAT(changed, IsOkAndHolds(true));
  ir::Renumber(r.graph);
  EXPECT_EQ(Nodes(r),
            "%1 = aten::relu(%0) \"a.py:1\"\n%2 = aten::mul.Scalar(%1, -1.0) \"a.py:2\"\n"
            "%3 = aten::add.Tensor(%2, %1, 1) \"a.py:3\"\n");
}

TEST(GraphRewriterTest, ShowsProducersAndUses) {
  ir::Recording r = MakeRecording(kChain);
  GraphRewriter rewriter(r);
  const auto changed =
      rewriter.Run([](GraphRewriter& g, const ir::Node& node) -> absl::StatusOr<ValueId> {
        if (node.op == "aten::neg") {
          EXPECT_EQ(g.Uses(OperandOf(node, 0)), 2);
          EXPECT_NE(g.ProducerOf(OperandOf(node, 0), "aten::relu"), nullptr);
          EXPECT_EQ(g.ProducerOf(OperandOf(node, 0), "aten::neg"), nullptr);
          return OperandOf(node, 0);
        }
        if (node.op == "aten::add.Tensor") {
          // What stood for neg's output is used twice now.
          EXPECT_EQ(g.Uses(OperandOf(node, 0)), 2);
        }
        if (node.op == "aten::relu") {
          EXPECT_EQ(g.Producer(OperandOf(node, 0)), nullptr);
        }
        return kNoValue;
      });
  EXPECT_THAT(changed, IsOkAndHolds(true));
  ir::Renumber(r.graph);
  EXPECT_EQ(Nodes(r),
            "%1 = aten::relu(%0) \"a.py:1\"\n%2 = aten::add.Tensor(%1, %1, 1) \"a.py:3\"\n");
}

TEST(GraphRewriterTest, RefusesAValueOfAnotherType) {
  ir::Recording r = MakeRecording(kChain);
  const auto changed =
      GraphRewriter(r).Run([](GraphRewriter& g, const ir::Node& node) -> absl::StatusOr<ValueId> {
        if (node.op != "aten::neg") return kNoValue;
        return g.Emit("aten::unsqueeze", {node.args[0], int64_t{0}});
      });
  EXPECT_THAT(changed, StatusIs(absl::StatusCode::kInternal, HasSubstr("aten::neg was replaced")));
}

TEST(GraphRewriterTest, ReadsNumbers) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[] = constant 0 sha256:$0
    %1 : i64[] = constant 1 sha256:$1
    %2 : f32[2] = constant 2 sha256:$2
    %3 : f64[] = scalar 0
    = my::op(%0, %1, %2, %3, 2, 2.5, true, "x")
    returns None)",
                                  {Floats({}, {0.5}), Int64s({}, {-3}), Floats({2}, {1, 2})});
  const auto changed =
      GraphRewriter(r).Run([](GraphRewriter& g, const ir::Node& node) -> absl::StatusOr<ValueId> {
        EXPECT_EQ(AsDouble(g.NumberOf(node.args[0])), 0.5);
        EXPECT_EQ(AsDouble(g.NumberOf(node.args[1])), -3.0);
        EXPECT_EQ(g.NumberOf(node.args[2]), std::nullopt);
        EXPECT_EQ(g.NumberOf(node.args[3]), std::nullopt);
        EXPECT_EQ(AsDouble(g.NumberOf(node.args[4])), 2.0);
        EXPECT_EQ(AsDouble(g.NumberOf(node.args[5])), 2.5);
        EXPECT_EQ(AsDouble(g.NumberOf(node.args[6])), 1.0);
        EXPECT_EQ(g.NumberOf(node.args[7]), std::nullopt);
        return kNoValue;
      });
  EXPECT_THAT(changed, IsOkAndHolds(false));
}

TEST(GraphRewriterTest, AddsConstantsInStep) {
  ir::Recording r = MakeRecording(kChain);
  EXPECT_TRUE(Change(
      [](ir::Recording& recording) {
        return GraphRewriter(recording).Run(
            [](GraphRewriter& g, const ir::Node& node) -> absl::StatusOr<ValueId> {
              if (node.op != "aten::relu") return kNoValue;
              return g.AddConstant(Floats({2}, {1, 2}), "w");
            });
      },
      r));
  EXPECT_EQ(Nodes(r),
            "%2 = aten::neg(%1) \"a.py:2\"\n%3 = aten::add.Tensor(%2, %1, 1) \"a.py:3\"\n");
}

}  // namespace
}  // namespace ingot::passes
