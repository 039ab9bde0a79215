#include "tools/ingot/step_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/runtime/session.h"
#include "tools/ingot/call.h"

namespace ingot::tools {
namespace {

using testing::HasSubstr;

std::shared_ptr<const runtime::CompiledGraph> CompileProduct() {
  auto graph = ir::ParseGraph(R"(graph "product" {
  %0 : f32[2,3] = argument 0
  %1 : f32[3,4] = argument 1
  %2 : f32[2,4] = aten::mm(%0, %1) "model.py:7"
  %3 : f32[2,4] = aten::neg(%2)
  result 0 = %3
  returns T0
})");
  EXPECT_THAT(graph, IsOk());
  ir::Recording recording;
  recording.graph = *std::move(graph);
  recording.signature.arguments = {{{ir::DType::kFloat32, {2, 3}}, {}},
                                   {{ir::DType::kFloat32, {3, 4}}, {}}};
  recording.signature.aliases = {{0, 0}, {1, 0}};
  runtime::Options options;
  options.backend = "reference";
  auto session = runtime::Session::Create(options);
  EXPECT_THAT(session, IsOk());
  auto compiled = (*session)->Compile(std::move(recording));
  EXPECT_THAT(compiled, IsOk());
  return *compiled;
}

TEST(StepProfileTest, TellsEachStepsTimeShareAndRate) {
  const auto graph = CompileProduct();
  StepProfile profile(*graph);
  for (const int64_t scale : {1, 3, 2}) {
    profile.BeginCall();
    profile.Add({0, "matrix", 0, 3000 * scale});
    profile.Add({1, "gemm:loop", 5000, 5000 + 1000 * scale});
  }
  const std::vector<StepRow> steps = profile.Steps();
  ASSERT_EQ(steps.size(), 2);
  EXPECT_EQ(steps[0].op, "aten::mm");
  EXPECT_EQ(steps[0].source, "model.py:7");
  EXPECT_EQ(steps[0].median, 6);
  EXPECT_EQ(steps[0].work.flops, 2 * 8 * 3);
  EXPECT_FALSE(steps[0].loss);
  EXPECT_TRUE(steps[1].loss);

  const Json json = profile.ToJson();
  EXPECT_EQ(json["total_us"], 8.0);
  EXPECT_EQ(json["steps"][1]["share"], 0.25);
  // The last call; microseconds since its first step began.
  const Json events = profile.ToTrace()["traceEvents"];
  ASSERT_EQ(events.size(), 2);
  EXPECT_EQ(events[1]["name"], "aten::neg");
  EXPECT_EQ(events[1]["cat"], "gemm:loop");
  EXPECT_EQ(events[1]["ts"], 5.0);
  EXPECT_EQ(events[1]["dur"], 2.0);
  const std::string text = profile.ToText(1);
  EXPECT_THAT(text, HasSubstr("2 steps, 8.0 us; the slowest 1:"));
  EXPECT_THAT(text, HasSubstr("losses (ref and gemm implementations): 1"));
}

TEST(StepProfileTest, LongStepsOfANodeShareItsWorkIfTheLastIsShort) {
  const auto graph = CompileProduct();
  StepProfile profile(*graph);
  profile.BeginCall();
  profile.Add({0, "reorder", 0, 10});
  profile.Add({0, "first half", 0, 3000});
  profile.Add({0, "second half", 0, 1000});
  profile.Add({0, "copy", 0, 20});
  const std::vector<StepRow> steps = profile.Steps();
  ASSERT_EQ(steps.size(), 4);
  constexpr double kFlops = 2 * 8 * 3;
  EXPECT_EQ(steps[0].work.flops, 0);
  EXPECT_EQ(steps[1].work.flops, kFlops * 3 / 4);
  EXPECT_EQ(steps[2].work.flops, kFlops / 4);
  EXPECT_EQ(steps[3].work.flops, 0);
}

TEST(StepProfileTest, CallsAreSummedWithoutAPlanToo) {
  const auto graph = CompileProduct();
  StepProfile profile(*graph);
  for (int call = 0; call < 2; ++call) {
    profile.BeginCall();
    for (const uint32_t node : {0u, 1u, 1u}) profile.Add({node, "step", 0, 1000});
  }
  const std::vector<StepRow> steps = profile.Steps();
  ASSERT_EQ(steps.size(), 3);
  EXPECT_EQ(steps[2].times.size(), 2);
  EXPECT_EQ(steps[2].median, 1);
}

TEST(StepProfileTest, TracesRealCalls) {
  const auto graph = CompileProduct();
  Random random(1);
  auto arguments = RandomArguments(graph->signature(), random);
  ASSERT_THAT(arguments, IsOk());
  auto call = Call::Create(graph, *arguments);
  ASSERT_THAT(call, IsOk());
  StepProfile profile(*graph);
  const auto add = [&](const runtime::TraceEvent& event) { profile.Add(event); };
  const absl::FunctionRef<void(const runtime::TraceEvent&)> trace = add;
  runtime::RunContext context;
  context.trace = &trace;
  for (int i = 0; i < 3; ++i) {
    profile.BeginCall();
    ASSERT_THAT(call->Run(context), IsOk());
  }
  const std::vector<StepRow> steps = profile.Steps();
  ASSERT_EQ(steps.size(), 2);
  EXPECT_EQ(steps[0].times.size(), 3);
  EXPECT_EQ(steps[1].op, "aten::neg");
}

}  // namespace
}  // namespace ingot::tools
