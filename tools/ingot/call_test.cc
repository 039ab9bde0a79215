#include "tools/ingot/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/runtime/session.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/graph_view.h"

namespace ingot::tools {
namespace {

using testing::HasSubstr;

// Writes a - b back to argument 0, which it returns; the second result is negated.
constexpr char kInPlace[] = R"(graph "in_place" {
  %0 : f32[2,3] = argument 0
  %1 : f32[2,3] = argument 1
  %2 : f32[2,3] = aten::sub.Tensor(%0, %1, 1) "sub.py:1"
  %3 : f32[2,3] = aten::neg(%2) "sub.py:2"
  writeback 0 = %2
  alias 0 = %2 of argument 0 strides [3, 1]
  result 1 = %3
  returns (T0, T1)
})";

constexpr char kReturnsArgument[] = R"(graph "same" {
  %0 : f32[2,3] = argument 0
  %1 : f32[2,3] = argument 1
  alias 0 = %1 of argument 1
  returns T0
})";

std::shared_ptr<const runtime::CompiledGraph> CompileInPlace(ir::Dims second_strides = {},
                                                             const char* text = kInPlace) {
  auto graph = ir::ParseGraph(text);
  EXPECT_THAT(graph, IsOk());
  ir::Recording recording;
  recording.graph = *std::move(graph);
  const ir::TensorType type{ir::DType::kFloat32, {2, 3}};
  recording.signature.arguments = {{type, {}}, {type, std::move(second_strides)}};
  recording.signature.aliases = {{0, 0}, {1, 0}};
  runtime::Options options;
  options.backend = "reference";
  auto session = runtime::Session::Create(options);
  EXPECT_THAT(session, IsOk());
  auto compiled = (*session)->Compile(std::move(recording));
  EXPECT_THAT(compiled, IsOk());
  return *compiled;
}

runtime::HostTensor Literal(absl::string_view literal) {
  Random random(0);
  auto tensor = ParseLiteral(literal, random);
  EXPECT_THAT(tensor, IsOk());
  return *std::move(tensor);
}

Arguments AB() {
  Arguments arguments;
  arguments.push_back(Literal("2x3xf32=1,2,3,4,5,6"));
  arguments.push_back(Literal("2x3xf32=6,5,4,3,2,1"));
  return arguments;
}

TEST(CallTest, YieldsResultsAndWrittenArgumentsAndLeavesTheOriginalsAlone) {
  const Arguments arguments = AB();
  auto call = Call::Create(CompileInPlace(), arguments);
  ASSERT_THAT(call, IsOk());
  ASSERT_THAT(call->Run({}), IsOk());
  const std::vector<double> difference = {-5, -3, -1, 1, 3, 5};
  EXPECT_EQ(ElementsAsDouble(call->result(0)), difference);
  EXPECT_EQ(ElementsAsDouble(call->argument(0)), difference);
  EXPECT_EQ(ElementsAsDouble(call->result(1)), (std::vector<double>{5, 3, 1, -1, -3, -5}));
  EXPECT_EQ(ElementsAsDouble(arguments[0].view())[0], 1);
}

TEST(CallTest, ArgumentsAreLaidOutAsTheSignatureSays) {
  auto call = Call::Create(CompileInPlace({1, 2}), AB());
  ASSERT_THAT(call, IsOk());
  EXPECT_EQ(call->argument(1).strides[0], 1);
  ASSERT_THAT(call->Run({}), IsOk());
  EXPECT_EQ(ElementsAsDouble(call->result(0))[1], -3);
}

TEST(CallTest, AnArgumentReturnedUnchangedKeepsItsLayout) {
  auto call = Call::Create(CompileInPlace({1, 2}, kReturnsArgument), AB());
  ASSERT_THAT(call, IsOk());
  ASSERT_THAT(call->Run({}), IsOk());
  EXPECT_EQ(ElementsAsDouble(call->result(0)), (std::vector<double>{6, 5, 4, 3, 2, 1}));
}

TEST(CallTest, ArgumentsThatDoNotFitAreRefused) {
  const auto graph = CompileInPlace();
  Arguments few = AB(), other = AB();
  few.pop_back();
  other[1] = Literal("2x4xf32");
  for (const Arguments* arguments : {&few, &other}) {
    EXPECT_EQ(ExitCodeOf(Call::Create(graph, *arguments).status()), ExitCode::kRefused);
  }
}

TEST(FreshArgumentsTest, PermutesAndShrinksButKeepsTheRange) {
  Arguments arguments;
  arguments.push_back(Literal("6xi64=1,2,3,4,5,6"));
  arguments.push_back(Literal("4xf32=1,2,4,8"));
  Random random(3);
  auto fresh = FreshArguments(arguments, random);
  ASSERT_THAT(fresh, IsOk());
  std::vector<int64_t> integers = ElementsAsInt((*fresh)[0].view());
  EXPECT_NE(integers, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  std::sort(integers.begin(), integers.end());
  EXPECT_EQ(integers, (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
  std::vector<double> floats = ElementsAsDouble((*fresh)[1].view());
  std::sort(floats.begin(), floats.end());
  EXPECT_GE(floats[0], 0.5);
  EXPECT_LE(floats[3], 8);
  EXPECT_NEAR(floats[3] / floats[0], 8, 1e-5);
}

TEST(RandomArgumentsTest, FitTheSignature) {
  const auto graph = CompileInPlace();
  Random random(0);
  auto arguments = RandomArguments(graph->signature(), random);
  ASSERT_THAT(arguments, IsOk());
  EXPECT_THAT(CopyArguments(*graph, *arguments), IsOk());
}

TEST(GraphViewTest, ShowsEachNodeWithItsBackend) {
  const GraphView view = MakeGraphView(*CompileInPlace());
  ASSERT_EQ(view.nodes.size(), 2u);
  EXPECT_EQ(view.nodes[0].op, "aten::sub.Tensor");
  EXPECT_EQ(view.nodes[0].backend, "reference");
  EXPECT_EQ(view.nodes[0].source, "sub.py:1");
  EXPECT_THAT(view.ToText(), HasSubstr("node 1: aten::neg, group 0: reference"));
  EXPECT_THAT(view.ToHtml(), HasSubstr("aten::sub.Tensor"));
  EXPECT_THAT(view.graph_dot, HasSubstr("digraph"));
  const Json json = view.ToJson();
  EXPECT_EQ(json["nodes"][1]["operands"].size(), 1u);
  EXPECT_EQ(json["nodes"][1]["backend"], "reference");
}

}  // namespace
}  // namespace ingot::tools
