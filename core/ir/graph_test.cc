#include "core/ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ingot::ir {
namespace {

using ::testing::ElementsAre;

const TensorType kF32x6 = {DType::kFloat32, {2, 3}};

// `unused` values come between the others, so that numbers differ but the program does not.
Graph Sub(bool unused) {
  Graph g("sub");
  const ValueId a = g.AddInput({InputRole::kArgument, 0, {}, "", 0}, kF32x6);
  if (unused) g.AddValue(kF32x6);
  const ValueId b = g.AddInput({InputRole::kArgument, 1, {}, "", 0}, kF32x6);
  if (unused) g.AddValue({DType::kInt64, {}});
  const NodeId n = g.AddNode("aten::sub.Tensor", {ValueRef{a}, ValueRef{b}, int64_t{1}}, {kF32x6});
  g.AddOutput({OutputRole::kResult, 0, {}, 0, 0, 0}, g.node(n).outputs[0]);
  g.set_result_structure(Structure::Tensor(0));
  return g;
}

TEST(GraphTest, AddsValuesInOrder) {
  const Graph g = Sub(false);
  EXPECT_EQ(g.num_values(), 3u);
  EXPECT_EQ(g.inputs()[1].value, 1u);
  EXPECT_THAT(g.node(0).outputs, ElementsAre(2u));
  EXPECT_EQ(g.outputs()[0].value, 2u);
  EXPECT_EQ(g.type(2), kF32x6);
}

TEST(GraphTest, RenumberMakesEqualProgramsEqual) {
  Graph sparse = Sub(true);
  EXPECT_FALSE(sparse == Sub(false));
  Renumber(sparse);
  EXPECT_TRUE(sparse == Sub(false));
}

TEST(GraphTest, RenumberKeepsUndefinedUsesUndefined) {
  Graph g = Sub(true);
  g.mutable_nodes()[0].args[1] = ValueRef{1};
  g.mutable_nodes()[0].args.push_back(ValueRefList{{kNoValue, 99}});
  Renumber(g);
  EXPECT_GE(std::get<ValueRef>(g.node(0).args[1]).id, g.num_values());
  const ValueRefList& list = std::get<ValueRefList>(g.node(0).args[3]);
  EXPECT_EQ(list.ids[0], kNoValue);
  EXPECT_NE(list.ids[1], kNoValue);
  EXPECT_GE(list.ids[1], g.num_values());
}

TEST(GraphTest, VisitsAndMapsOperands) {
  Node node;
  node.args = {ValueRef{3}, int64_t{5}, ValueRefList{{1, kNoValue, 2}}, None{}};
  std::vector<ValueId> seen;
  ForEachOperand(node, [&](ValueId v) { seen.push_back(v); });
  EXPECT_THAT(seen, ElementsAre(3u, 1u, 2u));
  MapOperands(node, [](ValueId v) { return v + 10; });
  EXPECT_EQ(std::get<ValueRef>(node.args[0]).id, 13u);
  EXPECT_THAT(std::get<ValueRefList>(node.args[2]).ids, ElementsAre(11u, kNoValue, 12u));
}

TEST(GraphTest, DescribesNodes) {
  Graph g = Sub(false);
  EXPECT_EQ(Describe(g, 0), "%2 = aten::sub.Tensor");
  g.mutable_nodes()[0].source = "m.py:3";
  g.mutable_nodes()[0].outputs.push_back(kNoValue);
  EXPECT_EQ(Describe(g, 0), "%2, _ = aten::sub.Tensor (m.py:3)");
}

}  // namespace
}  // namespace ingot::ir
