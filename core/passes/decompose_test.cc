#include "core/passes/decompose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

// That the numbers are eager's is tests/conformance/decompositions_test.cc's to show.

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DecomposeTest, PreluIsAChoice) {
  ir::Recording r = MakeRecording(
      "%x : f32[2,3] = argument 0 %w : f32[1,3] = argument 1\n"
      "%y : f32[2,3] = aten::_prelu_kernel(%x, %w)\n"
      "result 0 = %y returns T0");
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_EQ(Nodes(r),
            "%2 = aten::gt.Scalar(%0, 0)\n%3 = aten::mul.Tensor(%0, %1)\n"
            "%4 = aten::where.self(%2, %0, %3)\n");
  EXPECT_FALSE(Change(Decompose, r));
}

// As exported programs have it.
TEST(DecomposeTest, PreluByChannel) {
  ir::Recording r = MakeRecording(
      "%x : f32[2,3,4] = argument 0 %w : f32[3] = argument 1\n"
      "%y : f32[2,3,4] = aten::prelu(%x, %w)\n"
      "result 0 = %y returns T0");
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_THAT(Nodes(r), HasSubstr("aten::reshape(%1, [1, 3, 1])"));
}

TEST(DecomposeTest, PreluOfANumber) {
  ir::Recording r = MakeRecording(
      "%x : f32[] = argument 0 %w : f32[1] = argument 1\n"
      "%y : f32[] = aten::prelu(%x, %w)\n"
      "result 0 = %y returns T0");
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_THAT(Nodes(r), HasSubstr("aten::reshape(%1, int[])"));
}

// One row of six channels in training, with `inputs` beside the row.
ir::Recording BatchNorm(absl::string_view dtype, absl::string_view inputs,
                        absl::string_view running, absl::string_view results) {
  return MakeRecording(absl::StrCat("%x : ", dtype, "[1,6,4] = argument 0", inputs,
                                    "\n%y, %m, %s : ", dtype, "[1,6,4], ", dtype, "[6], ", dtype,
                                    "[6] = aten::native_batch_norm(%x, None, None, ", running,
                                    ", true, 0.1, 1e-05)\n", results));
}
constexpr char kNoStatistics[] = "None, None";
constexpr char kResult[] = "result 0 = %y returns T0";

TEST(DecomposeTest, BatchNormOfOneRowIsAGroupNorm) {
  ir::Recording r = BatchNorm("f32", "", kNoStatistics, kResult);
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_EQ(Nodes(r), "%1 = aten::group_norm(%0, 6, None, None, 1e-05, false)\n");
}

TEST(DecomposeTest, StatisticsThatAreUsedKeepTheNode) {
  ir::Recording r =
      BatchNorm("f32", "", kNoStatistics, "result 0 = %y result 1 = %m returns (T0, T1)");
  EXPECT_FALSE(Change(Decompose, r));
}

TEST(DecomposeTest, RunningStatisticsKeepTheNode) {
  ir::Recording r =
      BatchNorm("f32", " %a : f32[6] = argument 1 %b : f32[6] = argument 2", "%a, %b", kResult);
  EXPECT_FALSE(Change(Decompose, r));
}

// Four rows of a table in two bags that begin at constant offsets.
ir::Recording Bags(std::initializer_list<int64_t> offsets) {
  return MakeRecording(
      "%w : f32[9,3] = argument 0 %i : i64[4] = argument 1\n"
      "%o : i64[2] = constant 0 sha256:$0\n"
      "%y, %b, %s, %m : f32[2,3], i64[0], i64[2], i64[2] = "
      "aten::_embedding_bag(%w, %i, %o, false, 0, false, None, false, -1)\n"
      "result 0 = %y returns T0",
      {Int64s({2}, offsets)});
}

TEST(DecomposeTest, BagsOfOneSizeAreReduced) {
  ir::Recording r = Bags({0, 2});
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_THAT(Nodes(r), HasSubstr("aten::sum.dim_IntList("));
  EXPECT_THAT(Nodes(r), Not(HasSubstr("aten::index_add")));
}

TEST(DecomposeTest, OtherBagsAreAddedUp) {
  ir::Recording r = Bags({0, 3});
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_THAT(Nodes(r), HasSubstr("aten::index_add("));
}

TEST(DecomposeTest, APaddingRowKeepsTheBags) {
  ir::Recording r = MakeRecording(
      "%w : f32[9,3] = argument 0 %i : i64[4] = argument 1 %o : i64[2] = argument 2\n"
      "%y, %b, %s, %m : f32[2,3], i64[0], i64[2], i64[2] = "
      "aten::_embedding_bag(%w, %i, %o, false, 0, false, None, false, 0)\n"
      "result 0 = %y returns T0");
  EXPECT_FALSE(Change(Decompose, r));
}

// As exported programs have them: without a padding row, or with one that counts from the end.
TEST(DecomposeTest, ExportedBags) {
  for (const auto& [padding, changes] : {std::pair("None", true), std::pair("-1", false)}) {
    ir::Recording r = MakeRecording(absl::StrCat(
        "%w : f32[9,3] = argument 0 %i : i64[4] = argument 1 %o : i64[2] = argument 2\n"
        "%y, %b, %s, %m : f32[2,3], i64[0], i64[2], i64[2] = "
        "aten::embedding_bag.padding_idx(%w, %i, %o, false, 0, false, None, false, ",
        padding, ")\nresult 0 = %y returns T0"));
    EXPECT_EQ(Change(Decompose, r), changes) << padding;
  }
}

TEST(DecomposeTest, AttentionOfRankFiveIsOfRankFour) {
  ir::Recording r = MakeRecording(
      "%q : f32[2,3,2,5,4] = argument 0\n"
      "%y : f32[2,3,2,5,4] = "
      "aten::scaled_dot_product_attention(%q, %q, %q, None, 0.0, false, None, false)\n"
      "result 0 = %y returns T0");
  EXPECT_TRUE(Change(Decompose, r));
  EXPECT_THAT(Nodes(r), HasSubstr("aten::reshape(%0, [6, 2, 5, 4])"));
  EXPECT_FALSE(Change(Decompose, r));
}

TEST(DecomposeTest, HalfPrecisionKeepsTheFusedLayer) {
  ir::Recording r = BatchNorm("bf16", "", kNoStatistics, kResult);
  EXPECT_FALSE(Change(Decompose, r));
}

}  // namespace
}  // namespace ingot::passes
