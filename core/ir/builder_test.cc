#include "core/ir/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;

const TensorType kX = {DType::kFloat32, {8, 64}};

TEST(GraphBuilderTest, InfersTypesAndFillsDefaults) {
  GraphBuilder b("mlp");
  const ValueId x = b.Argument(kX);
  const ValueId w = b.Constant({DType::kFloat32, {16, 64}}, Sha256("w"), "fc.weight");
  const ValueId y = b.Op("aten::linear", {ValueRef{x}, ValueRef{w}});
  b.Result(b.Op("aten::add.Tensor", {ValueRef{y}, ValueRef{y}}));
  const absl::StatusOr<Graph> graph = std::move(b).Build();
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(PrintGraph(*graph),
            "graph \"mlp\" {\n"
            "  %0 : f32[8,64] = argument 0\n"
            "  %1 : f32[16,64] = constant 0 \"fc.weight\" sha256:" +
                Sha256("w").ToHex() +
                "\n"
                "  %2 : f32[8,16] = aten::linear(%0, %1, None)\n"
                "  %3 : f32[8,16] = aten::add.Tensor(%2, %2, 1)\n"
                "  result 0 = %3\n"
                "  returns T0\n}\n");
}

TEST(GraphBuilderTest, NumbersInputsByRole) {
  GraphBuilder b;
  b.Argument(kX);
  const ValueId s = b.Scalar(DType::kFloat64);
  const ValueId state = b.State(kX);
  b.Argument(kX);
  b.Scalar(DType::kInt64);
  EXPECT_EQ(b.Seed(), b.Seed());
  const ValueId y = b.Op("aten::add.Scalar", {ValueRef{state}, ValueRef{s}});
  b.StateUpdate(0, y);
  b.WriteBack(1, y);
  const absl::StatusOr<Graph> graph = std::move(b).Build();
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(graph->inputs()[3].index, 1u);
  EXPECT_EQ(graph->inputs()[4].index, 1u);
  EXPECT_EQ(graph->inputs().size(), 6u);
  EXPECT_EQ(ToString(graph->result_structure()), "None");
}

TEST(GraphBuilderTest, SeveralResultsFormATuple) {
  GraphBuilder b;
  const ValueId x = b.Argument(kX);
  b.Result(x);
  b.Result(b.Op("aten::relu", {ValueRef{x}}));
  const absl::StatusOr<Graph> graph = std::move(b).Build();
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(ToString(graph->result_structure()), "(T0, T1)");
}

TEST(GraphBuilderTest, ARandomOpTakesTheSeed) {
  GraphBuilder b;
  const ValueId x = b.Argument(kX);
  b.Result(b.Op("aten::rand_like", {ValueRef{x}}));
  const absl::StatusOr<Graph> graph = std::move(b).Build();
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(graph->inputs().back().role, InputRole::kSeed);
  EXPECT_EQ(graph->node(0).args.back(), ir::Argument(ValueRef{graph->inputs().back().value}));
}

TEST(GraphBuilderTest, OpaqueOpsHaveGivenTypes) {
  GraphBuilder b;
  const ValueId x = b.Argument(kX);
  b.Result(b.Opaque("mylib::op", {ValueRef{x}, std::string("mode")}, {kX, kX})[1]);
  EXPECT_THAT(std::move(b).Build(), IsOk());
}

TEST(GraphBuilderTest, TheFirstErrorSticks) {
  GraphBuilder b;
  const ValueId x = b.Argument(kX);
  EXPECT_EQ(b.Op("aten::no_such_op", {ValueRef{x}}), kNoValue);
  EXPECT_EQ(b.Op("aten::relu", {ValueRef{x}}), kNoValue);
  b.Result(x);
  EXPECT_THAT(std::move(b).Build(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("aten::no_such_op is not a registered op")));
}

TEST(GraphBuilderTest, RefusesOperandsOfAnotherGraph) {
  GraphBuilder b("mine");
  EXPECT_EQ(b.Op("aten::relu", {ValueRef{17}}), kNoValue);
  EXPECT_THAT(b.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("an operand is not a value of the graph \"mine\"")));
}

TEST(GraphBuilderTest, RefusesMissingArguments) {
  GraphBuilder b;
  const ValueId x = b.Argument(kX);
  EXPECT_EQ(b.Op("aten::linear", {ValueRef{x}}), kNoValue);
  EXPECT_THAT(b.status(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("aten::linear")));
}

}  // namespace
}  // namespace ingot::ir
