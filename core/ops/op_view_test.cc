#include "core/ops/op_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ingot::ops {
namespace {

using ir::DType;
using testing::ElementsAre;

class OpViewTest : public testing::Test {
 protected:
  ir::Graph graph_;
  const ir::ValueId x_ = graph_.AddInput({}, {DType::kFloat32, {2, 3}});
  const ir::ValueId s_ = graph_.AddInput({.role = ir::InputRole::kScalar}, {DType::kFloat64, {}});
};

TEST_F(OpViewTest, ReadsArgumentsByName) {
  const ir::NodeId n = graph_.AddNode(
      "aten::layer_norm",
      {ir::ValueRef{x_}, std::vector<int64_t>{3}, ir::None{}, ir::None{}, 1e-3, true},
      {{DType::kFloat32, {2, 3}}});
  const OpView view(graph_, graph_.node(n));
  EXPECT_EQ(view.def().schema.op, "aten::layer_norm");
  EXPECT_EQ(view.Value("input"), x_);
  EXPECT_EQ(view.TensorType("input"), graph_.type(x_));
  EXPECT_THAT(view.Ints("normalized_shape"), ElementsAre(3));
  EXPECT_FALSE(view.Has("weight"));
  EXPECT_EQ(view.Value("weight"), ir::kNoValue);
  EXPECT_EQ(view.Float("eps"), 1e-3);
  EXPECT_TRUE(view.Bool("cudnn_enable"));
  EXPECT_EQ(view.OutputType(), graph_.type(graph_.node(n).outputs[0]));
}

TEST_F(OpViewTest, NumbersAreLiteralsOrValues) {
  const ir::NodeId n = graph_.AddNode(
      "aten::add.Scalar", {ir::ValueRef{x_}, ir::ValueRef{s_}, int64_t{2}}, {graph_.type(x_)});
  const OpView view(graph_, graph_.node(n));
  EXPECT_EQ(view.Value("other"), s_);
  EXPECT_EQ(view.Value("alpha"), ir::kNoValue);
  EXPECT_EQ(view.Float("alpha"), 2.0);
  EXPECT_EQ(view.Int("alpha"), 2);
}

TEST_F(OpViewTest, AbsentArgumentsFallBack) {
  const ir::NodeId n =
      graph_.AddNode("aten::argmax", {ir::ValueRef{x_}, ir::None{}, false}, {{DType::kInt64, {}}});
  const OpView view(graph_, graph_.node(n));
  EXPECT_EQ(view.IntOr("dim", 7), 7);
  const ir::NodeId m =
      graph_.AddNode("aten::sum", {ir::ValueRef{x_}, ir::None{}}, {{DType::kFloat32, {}}});
  EXPECT_EQ(OpView(graph_, graph_.node(m)).DTypeOr("dtype", DType::kBool), DType::kBool);
}

TEST_F(OpViewTest, ListsOfTensors) {
  const ir::NodeId n = graph_.AddNode("aten::cat", {ir::ValueRefList{{x_, x_}}, int64_t{0}},
                                      {{DType::kFloat32, {4, 3}}});
  EXPECT_THAT(OpView(graph_, graph_.node(n)).Values("tensors"), ElementsAre(x_, x_));
}

TEST_F(OpViewTest, ANameTheSchemaLacksIsABugOfTheCaller) {
  const ir::NodeId n = graph_.AddNode("aten::relu", {ir::ValueRef{x_}}, {graph_.type(x_)});
  const OpView view(graph_, graph_.node(n));
  EXPECT_DEATH(view.Has("input"), "aten::relu has no argument \"input\"");
}

}  // namespace
}  // namespace ingot::ops
