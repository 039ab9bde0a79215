#include "core/ir/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "core/ir/serialize.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kEverything[] = R"(graph "every \"thing\"" {
  %0 : f32[2,3] = argument 0
  %1 : f32[256,64] = constant 0 "fc1.weight" sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
  %2 : f64[] = scalar 0
  %3 : i64[] = seed
  %4 : bf16[0] = state 0 "running"
  %5 : f32[8,256] = aten::linear(%0, %1, None) "mlp.py:7"
  %6, _, %7 : i64[2], _, f32[3] = aten::foo.Bar(f32, true, -1, 1.5, "te\nxt", [1, 2], [%0, None], [1.0, -0.0], [true, false])
  %8 : b8[] = custom::bar(int[], float[], bool[], value[], complex(1.0, -2.5), 1e+300, -inf, "")
  = custom::sink(%8)
  result 0 = %5 strides [1, 8]
  writeback 0 = %6
  state 0 = %7
  alias 1 = %5 of argument 0 strides [3, 1] offset 2
  alias 2 = %0 of argument 0
  returns (T0, [T1, None, (T2,)], {"a": 3, "b": -0.5}, "s", true, ())
}
)";

TEST(TextTest, PrintsWhatItParses) {
  const absl::StatusOr<Graph> graph = ParseGraph(kEverything);
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(PrintGraph(*graph), kEverything);
}

TEST(TextTest, ParsesWhatItPrints) {
  const absl::StatusOr<Graph> graph = ParseGraph(kEverything);
  ASSERT_THAT(graph, IsOk());
  const absl::StatusOr<Graph> again = ParseGraph(PrintGraph(*graph));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(*again == *graph);
  EXPECT_EQ(ToCanonicalBytes(*again), ToCanonicalBytes(*graph));
}

TEST(TextTest, AgreesWithTheBytes) {
  const absl::StatusOr<Graph> graph = ParseGraph(kEverything);
  ASSERT_THAT(graph, IsOk());
  const absl::StatusOr<Graph> back = FromCanonicalBytes(ToCanonicalBytes(*graph));
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(ToCanonicalBytes(*back), ToCanonicalBytes(*graph));
}

TEST(TextTest, TakesFreeSpacingCommentsAndNames) {
  const absl::StatusOr<Graph> graph = ParseGraph(
      "graph \"x\" { # a comment\n %in: f32[ 2 ,3 ]=argument 0 %out : f32[2,3]\n= aten::relu( %in )"
      "result 0=%out returns T0 }");
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(PrintGraph(*graph),
            "graph \"x\" {\n  %0 : f32[2,3] = argument 0\n  %1 : f32[2,3] = aten::relu(%0)\n"
            "  result 0 = %1\n  returns T0\n}\n");
}

TEST(TextTest, ErrorsSayWhere) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"", "1:1: expected 'graph'"},
      {"graph x", "1:7: expected a text in double quotes"},
      {"graph \"x\n\"", "1:7: the closing double quote is missing"},
      {"graph \"\\q\"", "1:7: the text has an unknown escape"},
      {"graph \"x\" {", "1:12: expected a value, result"},
      {"graph \"x\" {}\n}", "2:1: text after the graph's end"},
      {"graph \"x\" {\n  %0 : f32 = argument 0 }", "2:12: expected '['"},
      {"graph \"x\" {\n  %0 : f33[2] = argument 0 }", "2:8: expected a type"},
      {"graph \"x\" {\n  %0 : f32[2 = argument 0 }", "2:14: expected ','"},
      {"graph \"x\" {\n  %0 : f32[2] = argument -1 }", "2:26: an index is out of range"},
      {"graph \"x\" {\n  %0 : f32[2] = argument 1.0 }", "2:26: expected an integer"},
      {"graph \"x\" {\n  _ : _ = argument 0 }", "an input defines one value"},
      {"graph \"x\" {\n  %0 : f32[2] = constant 0 sha256:12 }", "a digest has 64"},
      {"graph \"x\" {\n  %0 : f32[2] = constant 0 }", "expected 'sha256:'"},
      {"graph \"x\" {\n  %0 : f32[2] = a::b(%1) }", "%1 is not defined before here"},
      {"graph \"x\" {\n  %0 : f32[2] = a::b(%0) }", "%0 is not defined before here"},
      {"graph \"x\" {\n  %0 : b8[] = a::b() %0 : b8[] = a::b() }", "%0 is defined a second time"},
      {"graph \"x\" {\n  %0 : b8[] = a::b() %1 : b8[] = argument 0 }", "inputs come before nodes"},
      {"graph \"x\" {\n  = a::b([]) }", "2:11: an empty list needs its kind"},
      {"graph \"x\" {\n  = a::b([1, 2.0]) }", "2:14: expected an integer"},
      {"graph \"x\" {\n  = a::b([1.0, 2]) }", "2:16: expected a float"},
      {"graph \"x\" {\n  = a::b([true, 1]) }", "2:17: expected 'false'"},
      {"graph \"x\" {\n  = a::b(99999999999999999999) }", "is not a 64-bit integer or a float"},
      {"graph \"x\" {\n  = a::b(1e999) }", "is not a 64-bit integer or a float"},
      {"graph \"x\" {\n  = a::b(0x12) }", "'0x12' is not a 64-bit integer or a float"},
      {"graph \"x\" {\n  = a::b(1 2) }", "2:12: expected ','"},
      {"graph \"x\" {\n  = }", "2:5: expected an op"},
      {"graph \"x\" {\n  returns {T0} }", "2:12: expected a text in double quotes"},
      {"graph \"x\" {\n  returns Tx }", "2:12: 'x' is not a 64-bit integer"},
      {"graph \"x\" {\n  alias 0 = %0 of argument 0 }", "%0 is not defined"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ParseGraph(c.text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)))
        << c.text;
  }
  EXPECT_THAT(ParseGraph("graph \"x\" { returns " + std::string(100000, '(')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nests too deeply")));
}

TEST(TextTest, EveryPrefixAndEveryByteChangeIsSurvived) {
  std::string text = kEverything;
  // The last two characters are the closing brace and a line end.
  for (size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_THAT(ParseGraph(text.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  for (char& c : text) {
    const char kept = c;
    for (char replacement : {'\0', '"', '%', '9', '\\', ']', '(', '\xff'}) {
      c = replacement;
      const absl::StatusOr<Graph> graph = ParseGraph(text);
      if (graph.ok()) {
        EXPECT_THAT(ParseGraph(PrintGraph(*graph)), IsOk()) << text;
      }
    }
    c = kept;
  }
}

TEST(DotTest, FoldsWeightsIntoTheirUsers) {
  const absl::StatusOr<Graph> graph = ParseGraph(kEverything);
  ASSERT_THAT(graph, IsOk());
  const std::string dot = PrintDot(*graph);
  EXPECT_THAT(dot, StartsWith("digraph \"every \\\"thing\\\"\" {"));
  EXPECT_THAT(
      dot,
      HasSubstr("n0 [label=\"aten::linear\\l%5 : f32[8,256]\\lfc1.weight : f32[256,64]\\l\"]"));
  EXPECT_THAT(dot, HasSubstr("in0 -> n0;"));
  EXPECT_THAT(dot, Not(HasSubstr("in1")));
  EXPECT_THAT(dot, HasSubstr("n2 -> n3;"));
  EXPECT_THAT(dot, HasSubstr("n0 -> out0;"));
}

}  // namespace
}  // namespace ingot::ir
