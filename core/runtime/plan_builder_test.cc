#include "core/runtime/plan_builder.h"

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ir::Signature SignatureOf(const ir::Graph& graph) {
  ir::Signature signature;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role != ir::InputRole::kArgument) continue;
    signature.aliases.push_back({static_cast<uint32_t>(signature.arguments.size()), 0});
    signature.arguments.push_back({graph.type(input.value), {}});
  }
  return signature;
}

// A plan without steps: what is copied, and in which order.
absl::StatusOr<RunPlan> PlanOf(absl::string_view text,
                               std::vector<ir::Dims> argument_strides = {}) {
  absl::StatusOr<ir::Graph> graph = ir::ParseGraph(text);
  if (!graph.ok()) return graph.status();
  ir::Signature signature = SignatureOf(*graph);
  for (size_t i = 0; i < argument_strides.size(); ++i)
    signature.arguments[i].strides = argument_strides[i];
  absl::StatusOr<std::vector<ResultSpec>> results = MakeResultSpecs(*graph);
  if (!results.ok()) return results.status();
  return MakeRunPlan(*graph, signature, *results, {});
}

TEST(MakeResultSpecsTest, ReadsStridesAndAliasesAndRefusesGaps) {
  absl::StatusOr<ir::Graph> graph = ir::ParseGraph(R"(graph "g" {
  %0 : f32[2,3] = argument 0
  result 1 = %0 strides [1, 2]
  alias 0 = %0 of argument 0 strides [3, 1] offset 2
  returns (T0, T1)
})");
  ASSERT_THAT(graph, IsOk());
  absl::StatusOr<std::vector<ResultSpec>> specs = MakeResultSpecs(*graph);
  ASSERT_THAT(specs, IsOk());
  EXPECT_TRUE((*specs)[0].is_alias);
  EXPECT_EQ((*specs)[0].offset, 2);
  EXPECT_THAT((*specs)[1].strides, testing::ElementsAre(1, 2));
  ir::Graph gap("gap");
  const ir::ValueId a = gap.AddInput({ir::InputRole::kArgument, 0}, {ir::DType::kFloat32, {2}});
  gap.AddOutput({ir::OutputRole::kResult, 1}, a);
  EXPECT_THAT(MakeResultSpecs(gap),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("slot 0")));
}

TEST(MakeRunPlanTest, AnArgumentReturnedAsANewTensorIsCopied) {
  absl::StatusOr<RunPlan> plan = PlanOf(R"(graph "g" {
  %0 : f32[2,3] = argument 0
  result 0 = %0
  returns T0
})");
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->steps, IsEmpty());
  ASSERT_THAT(plan->copies, SizeIs(1));
  EXPECT_EQ(plan->copies[0].from.place, Place::kArgument);
  EXPECT_EQ(plan->copies[0].to.place, Place::kResult);
}

TEST(MakeRunPlanTest, TheSeedIsNoResult) {
  EXPECT_THAT(PlanOf("graph \"g\" {\n  %0 : i64[] = seed\n  result 0 = %0\n  returns T0\n}"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("output %0 is the seed")));
}

TEST(MakeRunPlanTest, SwappedArgumentsAreReadBeforeEitherIsWritten) {
  absl::StatusOr<RunPlan> plan = PlanOf(R"(graph "swap" {
  %0 : f32[2] = argument 0
  %1 : f32[2] = argument 1
  writeback 0 = %1
  writeback 1 = %0
  returns ()
})");
  ASSERT_THAT(plan, IsOk());
  ASSERT_THAT(plan->copies, SizeIs(4));
  EXPECT_EQ(plan->copies[0].to.place, Place::kArena);
  EXPECT_EQ(plan->copies[1].to.place, Place::kArena);
  EXPECT_NE(plan->copies[0].to.index, plan->copies[1].to.index);
  EXPECT_EQ(plan->copies[2].to.place, Place::kArgument);
  EXPECT_EQ(plan->copies[3].to.place, Place::kArgument);
}

TEST(MakeRunPlanTest, ResultsAreCopiedBeforeArgumentsAreOverwritten) {
  absl::StatusOr<RunPlan> plan = PlanOf(R"(graph "old" {
  %0 : f32[2] = argument 0
  %1 : f32[2] = argument 1
  writeback 0 = %1
  result 0 = %0
  returns T0
})");
  ASSERT_THAT(plan, IsOk());
  ASSERT_THAT(plan->copies, SizeIs(3));
  EXPECT_EQ(plan->copies[1].to.place, Place::kResult);
  EXPECT_EQ(plan->copies[2].to.place, Place::kArgument);
}

TEST(MakeRunPlanTest, AStridedArgumentKeepsItsStridesInCopies) {
  absl::StatusOr<RunPlan> plan = PlanOf(R"(graph "g" {
  %0 : f32[2,3] = argument 0
  result 0 = %0
  returns T0
})",
                                        {{1, 2}});
  ASSERT_THAT(plan, IsOk());
  ASSERT_THAT(plan->copies, SizeIs(1));
  EXPECT_THAT(plan->copies[0].from_strides, testing::ElementsAre(1, 2));
  EXPECT_THAT(plan->copies[0].to_strides, testing::ElementsAre(3, 1));
}

}  // namespace
}  // namespace ingot::runtime
