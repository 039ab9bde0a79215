#include "core/ir/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "core/base/status_matchers.h"
#include "core/ir/text.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;

constexpr char kGood[] = R"(graph "good" {
  %0 : f32[2,3] = argument 0
  %1 : f32[2,3] = argument 1
  %2 : f64[] = scalar 0
  %3 : f32[2,3] = state 0
  %4 : i64[] = seed
  %5 : f32[2,3] = constant 0 sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
  %6 : f32[2,3] = aten::add.Tensor(%0, %5, %2)
  %7 : f32[2,3] = aten::rand_like(%6, None, None, None, None, None, %4)
  %8 : f32[3,2] = mylib::anything(%7, "x", [%1, None])
  result 0 = %6 strides [1, 2]
  writeback 1 = %7
  state 0 = %6
  alias 1 = %8 of argument 0 strides [1, 3] offset 0
  alias 2 = %7 of argument 1
  returns (T0, {"a": T1, "b": 5}, T2, T0)
}
)";

Graph Parse(const std::string& text) {
  absl::StatusOr<Graph> graph = ParseGraph(text);
  EXPECT_THAT(graph, IsOk()) << text;
  return graph.ok() ? *std::move(graph) : Graph();
}

TEST(VerifierTest, AcceptsEveryRole) { EXPECT_THAT(Verify(Parse(kGood)), IsOk()); }

TEST(VerifierTest, AcceptsTheEmptyGraph) { EXPECT_THAT(Verify(Graph()), IsOk()); }

struct Change {
  const char* from;
  const char* to;
  const char* message;
};

class VerifierChangeTest : public testing::TestWithParam<Change> {};

TEST_P(VerifierChangeTest, RefusesAndSaysWhy) {
  const std::string text = absl::StrReplaceAll(kGood, {{GetParam().from, GetParam().to}});
  ASSERT_NE(text, kGood) << GetParam().from;
  EXPECT_THAT(Verify(Parse(text)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)))
      << text;
}

INSTANTIATE_TEST_SUITE_P(
    Types, VerifierChangeTest,
    testing::Values(
        Change{"%6 : f32[2,3]", "%6 : f32[2,4]",
               "node 0 %6 = aten::add.Tensor: output 0 has type f32[2,4]; the op yields f32[2,3]"},
        Change{"%6 : f32[2,3]", "%6 : f64[2,3]", "the op yields f32[2,3]"},
        Change{"%6 : f32[2,3]", "%6, %9 : f32[2,3], f32[2,3]", "has 2 outputs; the op yields 1"},
        Change{"%5 : f32[2,3]", "%5 : f32[2,4]", "aten::add.Tensor"},
        Change{"%5 : f32[2,3]", "%5 : f32[-1,3]", "input 5: type of %5: size -1: sizes are static"},
        Change{"%8 : f32[3,2]", "%8 : f32[4611686018427387904,4]", "more than 2^63 bytes"},
        Change{"%2 : f64[]", "%2 : f32[]", "input 2: a scalar of type f32[]"},
        Change{"%2 : f64[]", "%2 : f64[1]", "a scalar of type f64[1]"},
        Change{"%4 : i64[]", "%4 : f32[]", "a seed of type f32[]; it must be i64[]"}));

INSTANTIATE_TEST_SUITE_P(
    Arguments, VerifierChangeTest,
    testing::Values(Change{"(%0, %5, %2)", "(%0, %5)", "aten::add.Tensor"},
                    Change{"(%0, %5, %2)", "(%0, %5, 1, 1)", "aten::add.Tensor"},
                    Change{"(%0, %5, %2)", "(%0, 1, %2)", "aten::add.Tensor"},
                    Change{"(%0, %5, %2)", "(%0, %5, \"x\")", "aten::add.Tensor"},
                    Change{"(%0, %5, %2)", "(%0, %5, %4)",
                           "argument 2 is the seed; only a random op takes it, last"},
                    Change{"%6 : f32[2,3] = aten::add.Tensor(%0, %5, %2)",
                           "%9 : f32[] = aten::sum(%0, None)\n"
                           "%6 : f32[2,3] = aten::add.Tensor(%0, %5, %9)",
                           "argument alpha is a number; %6 is not a scalar input"},
                    Change{"(%7, \"x\"", "(%4, \"x\"", "argument 0 is the seed"},
                    Change{"[%1, None]", "[%1, %4]", "argument 2 is the seed"},
                    Change{"None, %4)", "None, %3)", "the seed must be i64[]"},
                    Change{"None, %4)", "None, 4)", "aten::rand_like"},
                    Change{"None, %4)", "None)", "aten::rand_like"}));

INSTANTIATE_TEST_SUITE_P(
    InputsAndOutputs, VerifierChangeTest,
    testing::Values(
        Change{"argument 1\n  %2", "argument 2\n  %2", "argument inputs are not numbered 0 to 1"},
        Change{"argument 1\n  %2", "argument 0\n  %2", "argument inputs are not numbered 0 to 1"},
        Change{"constant 0", "constant 1", "constant inputs are not numbered"},
        Change{"result 0 = %6", "result 1 = %6", "slots are not numbered 0 to 2"},
        Change{"alias 1", "alias 3", "slots are not numbered 0 to 2"},
        Change{"strides [1, 2]", "strides [1]", "output 0: 1 strides for the type f32[2,3]"},
        Change{"strides [1, 2]", "strides [1, -2]", "stride -2 is negative"},
        Change{"writeback 1", "writeback 2", "output 1: there is no argument 2"},
        Change{"writeback 1 = %7", "writeback 1 = %8",
               "writes f32[3,2] to argument 1 of type f32[2,3]"},
        Change{"state 0 = %6", "state 0 = %6 state 0 = %6", "writes state 0 a second time"},
        Change{"result 0 = %6 strides [1, 2]", "result 0 = %4", "output 0: %4 is the seed"},
        Change{"state 0 = %6", "state 1 = %6", "there is no state 1"},
        Change{"state 0 = %6", "state 0 = %8", "writes f32[3,2] to state 0"},
        Change{"of argument 0", "of argument 2", "there is no argument 2"},
        Change{"offset 0", "offset -1", "offset -1 is negative"},
        Change{"strides [1, 3] offset", "offset", "an alias without strides"},
        Change{"T0, {", "T7, {", "the result structure names slot 7 of 3"},
        Change{"T2, ", "", "the result structure does not name slot 2"},
        Change{": 5}", ": int S0}", "a number that comes from an argument"}));

TEST(VerifierTest, RefusesUsesBeforeDefinitions) {
  Graph g = Parse(kGood);
  std::swap(g.mutable_nodes()[0], g.mutable_nodes()[1]);
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("node 0 %7 = aten::rand_like: argument 0: uses %6, "
                                            "which nothing before it defines")));
}

TEST(VerifierTest, RefusesBrokenIds) {
  Graph g = Parse(kGood);
  g.mutable_nodes()[0].args[0] = ValueRef{kNoValue};
  EXPECT_THAT(Verify(g),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("refers to no value")));
  g = Parse(kGood);
  g.mutable_nodes()[2].args[2] = ValueRefList{{1000}};
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("uses %1000")));
  g = Parse(kGood);
  g.mutable_nodes()[1].outputs[0] = 6;
  EXPECT_THAT(Verify(g),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("defines %6 a second time")));
  g = Parse(kGood);
  g.mutable_nodes()[1].outputs[0] = 1000;
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has no type")));
  g = Parse(kGood);
  g.mutable_outputs()[0].value = kNoValue;
  EXPECT_THAT(Verify(g),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("output 0: refers to no")));
}

TEST(VerifierTest, RefusesBrokenCodesAndNames) {
  Graph g = Parse(kGood);
  g.mutable_type(0).dtype = static_cast<DType>(77);
  EXPECT_THAT(Verify(g),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unknown dtype code 77")));
  g = Parse(kGood);
  g.mutable_inputs()[0].role = static_cast<InputRole>(9);
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unknown role")));
  g = Parse(kGood);
  g.mutable_outputs()[0].role = static_cast<OutputRole>(9);
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unknown role")));
  g = Parse(kGood);
  g.mutable_nodes()[2].op = "my op";
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the op's name")));
  g = Parse(kGood);
  g.mutable_inputs().push_back(g.inputs()[4]);
  g.mutable_inputs().back().value = g.AddValue({DType::kInt64, {}});
  EXPECT_THAT(Verify(g), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("seed")));
}

TEST(VerifierTest, OutputsLeftUndefinedAreAllowed) {
  EXPECT_THAT(Verify(Parse(R"(graph "x" {
    %0 : f32[4,6] = argument 0
    _, %1 : _, i64[4] = aten::max.dim(%0, 1, false)
    result 0 = %1
    returns T0
  })")),
              IsOk());
}

}  // namespace
}  // namespace ingot::ir
