// What becomes of the host's constants: packed and dropped, copied, or read where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "backends/onednn/graph_runner.h"
#include "core/base/status_matchers.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr ir::DType kF32 = ir::DType::kFloat32;

// A graph, its constants, and those that its compilation dropped, in order.
class ConstantsTest : public testing::Test {
 protected:
  ValueId Op(const char* op, std::vector<ir::Argument> args) {
    return g_.builder.Op(op, std::move(args));
  }

  std::unique_ptr<Program> Compile(ValueId result) {
    g_.builder.Result(result);
    absl::StatusOr<ir::Graph> graph = std::move(g_.builder).Build();
    EXPECT_THAT(graph, IsOk());
    std::vector<sdk::ConstantView> views(g_.constants.size());
    for (const ir::InputSpec& input : graph->inputs()) {
      if (input.role != ir::InputRole::kConstant) continue;
      const Array& array = g_.constants[input.index];
      views[input.index] = {input.value, input.digest, array.bytes.data(), array.bytes.size()};
    }
    ingot_graph view{};
    view.drop_ctx = &dropped_;
    view.drop_constant = [](void* ctx, uint32_t index) {
      static_cast<std::vector<uint32_t>*>(ctx)->push_back(index);
    };
    auto program =
        onednn::Compile(*graph, views, sdk::CompileContext(view, nullptr), CompileOptions());
    EXPECT_THAT(program, IsOk());
    return program.ok() ? *std::move(program) : nullptr;
  }

  TestGraph g_;
  std::vector<uint32_t> dropped_;
};

TEST_F(ConstantsTest, APackedWeightIsDroppedBeforeTheNextIsPacked) {
  ValueId x = g_.builder.Argument({kF32, {4, 256}});
  for (uint32_t i = 0; i < 3; ++i) {
    const ValueId w = g_.Constant(RandomF32({256, 256}, i));
    x = Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}});
  }
  const auto program = Compile(x);
  EXPECT_THAT(dropped_, ElementsAre(0, 1, 2));
  const size_t plain = 3 * 256 * 256 * sizeof(float);
  EXPECT_GE(program->retained_bytes(), plain);
  EXPECT_LT(program->retained_bytes(), plain + plain / 10);
}

TEST_F(ConstantsTest, ALargeTableIsReadWhereItIsAndASmallBiasIsCopied) {
  const ValueId rows = g_.builder.Argument({ir::DType::kInt64, {3}});
  const ValueId table = g_.Constant(RandomF32({1000, 64}, 1));
  const ValueId bias = g_.Constant(RandomF32({64}, 2));
  const ValueId row = Op("aten::embedding", {ValueRef{table}, ValueRef{rows}});
  const auto program = Compile(Op("aten::add.Tensor", {ValueRef{row}, ValueRef{bias}, int64_t{1}}));
  EXPECT_THAT(dropped_, ElementsAre(1));
  EXPECT_LT(program->retained_bytes(), size_t{64} << 10);
}

TEST_F(ConstantsTest, ATableThatALinearOfOneRowReadsTooIsCopiedBeforeOthersArePacked) {
  const ValueId rows = g_.builder.Argument({ir::DType::kInt64, {1}});
  const ValueId weight = g_.Constant(RandomF32({256, 256}, 1));
  const ValueId table = g_.Constant(RandomF32({1000, 256}, 2));
  ValueId x = Op("aten::embedding", {ValueRef{table}, ValueRef{rows}});
  x = Op("aten::linear", {ValueRef{x}, ValueRef{weight}, None{}});
  const auto program = Compile(Op("aten::linear", {ValueRef{x}, ValueRef{table}, None{}}));
  EXPECT_THAT(dropped_, ElementsAre(1, 0));
  const size_t weights = (1000 + 256) * 256 * sizeof(float);
  EXPECT_GE(program->retained_bytes(), weights);
  EXPECT_LT(program->retained_bytes(), weights + weights / 10);
}

TEST_F(ConstantsTest, AWeightThatIsUsedTwiceIsDroppedAfterTheSecondUse) {
  const ValueId rows = g_.builder.Argument({ir::DType::kInt64, {4}});
  const ValueId table = g_.Constant(RandomF32({256, 256}, 1));
  const ValueId other = g_.Constant(RandomF32({256, 256}, 2));
  ValueId x = g_.builder.Argument({kF32, {4, 256}});
  x = Op("aten::linear", {ValueRef{x}, ValueRef{table}, None{}});
  x = Op("aten::linear", {ValueRef{x}, ValueRef{other}, None{}});
  x = Op("aten::linear", {ValueRef{x}, ValueRef{table}, None{}});
  EXPECT_THAT(dropped_, ElementsAre());
  // The rows of `table` are also read one by one: it stays.
  const ValueId row = Op("aten::embedding", {ValueRef{table}, ValueRef{rows}});
  Compile(Op("aten::add.Tensor", {ValueRef{row}, ValueRef{x}, int64_t{1}}));
  EXPECT_THAT(dropped_, ElementsAre(1));
}

TEST_F(ConstantsTest, FoldedConstantsAndTheirViewsAreGivenBack) {
  const ValueId x = g_.builder.Argument({kF32, {4, 256}});
  const ValueId a = g_.Constant(RandomF32({256, 256}, 1));
  const ValueId b = g_.Constant(RandomF32({256, 256}, 2));
  const ValueId sum = Op("aten::add.Tensor", {ValueRef{a}, ValueRef{b}, int64_t{1}});
  const ValueId view = Op("aten::t", {ValueRef{sum}});
  const auto program = Compile(Op("aten::matmul", {ValueRef{x}, ValueRef{view}}));
  EXPECT_THAT(dropped_, UnorderedElementsAre(0, 1));
  EXPECT_LT(program->retained_bytes(), size_t{256 * 256 * 4} * 11 / 10);  // the packed form alone
}

TEST_F(ConstantsTest, WhatNoNodeReadsIsDropped) {
  const ValueId x = g_.builder.Argument({kF32, {4}});
  g_.Constant(RandomF32({1 << 16}, 1));
  Compile(Op("aten::neg", {ValueRef{x}}));
  EXPECT_THAT(dropped_, ElementsAre(0));
}

}  // namespace
}  // namespace ingot::onednn
