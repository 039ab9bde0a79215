#include "core/passes/canonicalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

// One node over %0 (an argument of type `in`) with output type `out`, and what becomes of it: ""
// when it is replaced by its operand, `same` when it stays.
struct Case {
  const char* in;
  const char* out;
  const char* node;
  const char* becomes;
};

constexpr const char* kSame = "same";

void PrintTo(const Case& c, std::ostream* os) { *os << c.node; }

class CanonicalizeTest : public testing::TestWithParam<Case> {};

TEST_P(CanonicalizeTest, OneNode) {
  const Case& c = GetParam();
  ir::Recording r = MakeRecording(absl::StrCat(
      "%0 : ", c.in, " = argument 0\n %8 : f64[] = scalar 0\n %9 : i64[] = seed\n %1 : ", c.out,
      " = ", c.node, "\n result 0 = %1\n returns T0"));
  const bool stays = c.becomes == kSame;
  const std::string before = Nodes(r);
  EXPECT_EQ(Change(Canonicalize, r), !stays);
  const std::string after = stays             ? before
                            : *c.becomes == 0 ? ""
                                              : absl::StrCat("%3 = ", c.becomes, "\n");
  EXPECT_EQ(Nodes(r), after);
  // What is canonical stays so.
  EXPECT_FALSE(Change(Canonicalize, r));
}

INSTANTIATE_TEST_SUITE_P(
    Identities, CanonicalizeTest,
    testing::Values(Case{"f32[2,3]", "f32[2,3]", "aten::clone(%0, None)", ""},
                    Case{"f32[2,3]", "f32[2,3]", "aten::contiguous(%0, 0)", ""},
                    Case{"f32[2,3]", "f32[2,3]", "aten::detach(%0)", ""},
                    Case{"f32[2,3]", "f32[2,3]", "aten::alias(%0)", ""},
                    Case{"f32[2,3]", "f32[2,3]",
                         "aten::_to_copy(%0, f32, None, None, None, false, None)", ""},
                    Case{"f32[2,3]", "f64[2,3]",
                         "aten::_to_copy(%0, f64, None, None, None, false, None)", kSame},
                    Case{"f32[2,3]", "f32[2,3]", "aten::dropout(%0, 0.5, false, %9)", ""},
                    Case{"f32[2,3]", "f32[2,3]", "aten::dropout(%0, 0.5, true, %9)", kSame},
                    Case{"f32[2,3]", "f32[2,3]", "aten::relu(%0)", kSame},
                    Case{"f32[2,3]", "f32[2,3]", "my::clone(%0)", kSame}));

INSTANTIATE_TEST_SUITE_P(
    Numbers, CanonicalizeTest,
    testing::Values(Case{"f32[2]", "f32[2]", "aten::mul.Scalar(%0, 1)", ""},
                    Case{"f32[2]", "f32[2]", "aten::mul.Scalar(%0, 1.0)", ""},
                    Case{"f32[2]", "f32[2]", "aten::mul.Scalar(%0, 2.0)", kSame},
                    Case{"f32[2]", "f32[2]", "aten::mul.Scalar(%0, %8)", kSame},
                    Case{"b8[2]", "i64[2]", "aten::mul.Scalar(%0, 1)", kSame},
                    Case{"i64[2]", "f32[2]", "aten::mul.Scalar(%0, 1.0)", kSame},
                    Case{"c64[2]", "c64[2]", "aten::mul.Scalar(%0, 1)", kSame},
                    Case{"f32[2]", "f32[2]", "aten::div.Scalar(%0, 1)", ""},
                    Case{"i64[2]", "f32[2]", "aten::div.Scalar(%0, 1)", kSame},
                    Case{"f32[2]", "f32[2]", "aten::sub.Scalar(%0, 0, 1)", ""},
                    Case{"f32[2]", "f32[2]", "aten::sub.Scalar(%0, 0.0, 1)", ""},
                    Case{"f32[2]", "f32[2]", "aten::sub.Scalar(%0, -0.0, 1)", kSame},
                    Case{"f32[2]", "f32[2]", "aten::sub.Scalar(%0, 0, -1)", kSame},
                    Case{"f32[2]", "f32[2]", "aten::add.Scalar(%0, 0, 1)", kSame}));

INSTANTIATE_TEST_SUITE_P(
    Reshapes, CanonicalizeTest,
    testing::Values(
        Case{"f32[2,3]", "f32[6]", "aten::view(%0, [-1])", "aten::reshape(%0, [6])"},
        Case{"f32[2,3]", "f32[6]", "aten::reshape(%0, [-1])", "aten::reshape(%0, [6])"},
        Case{"f32[2,3]", "f32[6]", "aten::reshape(%0, [6])", kSame},
        Case{"f32[2,3]", "f32[2,3]", "aten::view(%0, [2, -1])", ""},
        Case{"f32[2,3]", "f32[6]", "aten::_unsafe_view(%0, [6])", "aten::reshape(%0, [6])"},
        Case{"f32[2,3]", "f32[5]", "aten::_unsafe_view(%0, [5])", kSame},
        Case{"f32[2,3,4]", "f32[2,12]", "aten::flatten.using_ints(%0, 1, -1)",
             "aten::reshape(%0, [2, 12])"},
        Case{"f32[2,3]", "f32[2,1,3]", "aten::unsqueeze(%0, -2)", "aten::reshape(%0, [2, 1, 3])"},
        Case{"f32[1,3,1]", "f32[3]", "aten::squeeze(%0)", "aten::reshape(%0, [3])"},
        Case{"f32[1,3]", "f32[3]", "aten::squeeze.dim(%0, 0)", "aten::reshape(%0, [3])"},
        Case{"f32[1,3]", "f32[1,3]", "aten::squeeze.dim(%0, 1)", ""},
        Case{"f32[1]", "f32[]", "aten::view(%0, int[])", "aten::reshape(%0, int[])"}));

INSTANTIATE_TEST_SUITE_P(
    Permutes, CanonicalizeTest,
    testing::Values(Case{"f32[2,3]", "f32[3,2]", "aten::t(%0)", "aten::permute(%0, [1, 0])"},
                    Case{"f32[3]", "f32[3]", "aten::t(%0)", ""},
                    Case{"f32[2,3,4]", "f32[2,4,3]", "aten::transpose.int(%0, -1, -2)",
                         "aten::permute(%0, [0, 2, 1])"},
                    Case{"f32[2,3,4]", "f32[4,2,3]", "aten::permute(%0, [-1, 0, 1])",
                         "aten::permute(%0, [2, 0, 1])"},
                    Case{"f32[2,3,4]", "f32[4,2,3]", "aten::permute(%0, [2, 0, 1])", kSame},
                    Case{"f32[2,3]", "f32[2,3]", "aten::permute(%0, [0, 1])", ""},
                    Case{"f32[2,1,4]", "f32[1,2,4]", "aten::transpose.int(%0, 0, 1)",
                         "aten::reshape(%0, [1, 2, 4])"},
                    Case{"f32[2,3,4]", "f32[3,4,2]", "aten::movedim.int(%0, 0, -1)",
                         "aten::permute(%0, [1, 2, 0])"},
                    Case{"f32[]", "f32[]", "aten::movedim.int(%0, -1, 0)", ""},
                    Case{"f32[2,3,4,5]", "f32[5,3,4,2]",
                         "aten::movedim.intlist(%0, [0, 3], [3, 0])",
                         "aten::permute(%0, [3, 1, 2, 0])"}));

INSTANTIATE_TEST_SUITE_P(
    Bounds, CanonicalizeTest,
    testing::Values(
        Case{"f32[2,3]", "f32[2,3]", "aten::expand(%0, [-1, 3], false)", ""},
        Case{"f32[2,1]", "f32[2,3]", "aten::expand(%0, [-1, 3], false)",
             "aten::expand(%0, [2, 3], false)"},
        Case{"f32[2,3]", "f32[2,3]", "aten::slice.Tensor(%0, 0, 0, 9223372036854775807, 1)", ""},
        Case{"f32[2,3]", "f32[2,3]", "aten::slice.Tensor(%0, 1, None, None, 1)", ""},
        Case{"f32[2,3]", "f32[2,1]", "aten::slice.Tensor(%0, -1, -2, -1, 1)",
             "aten::slice.Tensor(%0, 1, 1, 2, 1)"},
        Case{"f32[2,3]", "f32[2,2]", "aten::slice.Tensor(%0, 1, None, 100, 2)",
             "aten::slice.Tensor(%0, 1, 0, 3, 2)"},
        Case{"f32[2,3]", "f32[2,0]", "aten::slice.Tensor(%0, 1, 2, 1, 1)",
             "aten::slice.Tensor(%0, 1, 2, 2, 1)"},
        Case{"f32[2,3]", "f32[2]", "aten::select.int(%0, -1, -1)", "aten::select.int(%0, 1, 2)"},
        Case{"f32[1,3]", "f32[3]", "aten::select.int(%0, 0, 0)", "aten::reshape(%0, [3])"},
        Case{"f32[2,3]", "f32[2,3]", "aten::softmax.int(%0, -1, None)",
             "aten::softmax.int(%0, 1, None)"},
        Case{"f32[2,3]", "f32[2,3]", "aten::_softmax(%0, 1, false)",
             "aten::softmax.int(%0, 1, None)"},
        Case{"f32[2,3]", "f32[2,6]", "aten::cat([%0, %0], -1)", "aten::cat([%0, %0], 1)"},
        Case{"f32[2,3]", "f32[2,3,2]", "aten::stack([%0, %0], -1)", "aten::stack([%0, %0], 2)"},
        Case{"f32[2,3]", "f32[2]", "aten::mean.dim(%0, [-1], false, None)",
             "aten::mean.dim(%0, [1], false, None)"},
        Case{"f32[2,3]", "f32[2,3]", "my::softmax(%0, -1)", kSame}));

TEST(CanonicalizeChainTest, MergesViewsOfViews) {
  ir::Recording r = MakeRecording(R"(
    %0 : f32[2,3,4] = argument 0
    %1 : f32[6,4] = aten::view(%0, [6, 4])
    %2 : f32[24] = aten::flatten.using_ints(%1, 0, -1)
    %3 : f32[4,2,3] = aten::permute(%0, [2, 0, 1])
    %4 : f32[4,3,2] = aten::transpose.int(%3, 1, 2)
    %5 : f32[2,3,4] = aten::permute(%3, [1, 2, 0])
    %6 : f32[2,3,4] = aten::reshape(%2, [2, 3, 4])
    %7 : f32[2,3,4] = aten::add.Tensor(%5, %6, 1)
    result 0 = %2
    result 1 = %4
    result 2 = %7
    returns (T0, T1, T2))");
  EXPECT_TRUE(Change(Canonicalize, r));
  EXPECT_EQ(Nodes(r),
            "%1 = aten::reshape(%0, [6, 4])\n%2 = aten::reshape(%0, [24])\n"
            "%3 = aten::permute(%0, [2, 0, 1])\n%4 = aten::permute(%0, [2, 1, 0])\n"
            "%5 = aten::add.Tensor(%0, %0, 1)\n");
}

// A node over %0 and the constant of rank 0 %1.
struct NumberCase {
  const char* type;
  ir::Constant number;
  const char* out;
  const char* node;
  const char* becomes;
};

TEST(CanonicalizeNumberTest, ConstantsOfRankZeroBecomeNumbersWhenPromotionIsTheSame) {
  const NumberCase cases[] = {
      {"f32[2]", Doubles({}, {0.5}), "f32[2]", "aten::mul.Tensor(%0, %1)",
       "aten::mul.Scalar(%0, 0.5)"},
      {"f32[2]", Doubles({}, {0.5}), "f32[2]", "aten::mul.Tensor(%1, %0)",
       "aten::mul.Scalar(%0, 0.5)"},
      {"f32[2]", Floats({}, {0.1f}), "f32[2]", "aten::add.Tensor(%0, %1, 2)",
       "aten::add.Scalar(%0, 0.10000000149011612, 2)"},
      {"f32[2]", Int64s({}, {3}), "f32[2]", "aten::sub.Tensor(%1, %0, 1)",
       "aten::rsub.Scalar(%0, 3, 1)"},
      {"f32[2]", Int64s({}, {3}), "f32[2]", "aten::sub.Tensor(%1, %0, 2)", kSame},
      {"f32[2]", Int64s({}, {3}), "f32[2]", "aten::div.Tensor(%0, %1)", "aten::div.Scalar(%0, 3)"},
      {"f32[2]", Int64s({}, {3}), "f32[2]", "aten::div.Tensor(%1, %0)", kSame},
      {"i64[2]", Int64s({}, {3}), "i64[2]", "aten::remainder.Tensor(%0, %1)",
       "aten::remainder.Scalar(%0, 3)"},
      {"i64[2]", Int64s({}, {3}), "i64[2]", "aten::remainder.Tensor(%1, %0)", kSame},
      {"i64[2]", Int64s({}, {3}), "i64[2]", "aten::floor_divide(%0, %1)",
       "aten::floor_divide.Scalar(%0, 3)"},
      {"i64[2]", Int64s({}, {3}), "i64[2]", "aten::div.Tensor_mode(%0, %1, \"trunc\")",
       "aten::div.Scalar_mode(%0, 3, \"trunc\")"},
      {"i64[2]", Int64s({}, {3}), "b8[2]", "aten::lt.Tensor(%1, %0)", "aten::gt.Scalar(%0, 3)"},
      {"bf16[2]", Doubles({}, {0.1}), "bf16[2]", "aten::mul.Tensor(%0, %1)",
       "aten::mul.Scalar(%0, 0.1)"},
      {"bf16[2]", Doubles({}, {0.1}), "bf16[2]", "aten::mul.Tensor(%1, %0)", kSame},
      {"i64[2]", Doubles({}, {3}), "f64[2]", "aten::mul.Tensor(%0, %1)", kSame},
      {"f32[]", Doubles({}, {3}), "f64[]", "aten::mul.Tensor(%0, %1)", kSame},
      {"f32[2]", Doubles({1}, {3}), "f64[2]", "aten::mul.Tensor(%0, %1)", kSame},
  };
  for (const NumberCase& c : cases) {
    const std::string constant = ir::ToString(c.number.type);
    ir::Recording r = MakeRecording(absl::StrCat("%0 : ", c.type, " = argument 0 %1 : ", constant,
                                                 " = constant 0 sha256:$0 %2 : ", c.out, " = ",
                                                 c.node, " result 0 = %2 returns T0"),
                                    {c.number});
    const bool stays = c.becomes == kSame;
    EXPECT_EQ(Change(Canonicalize, r), !stays) << c.node;
    EXPECT_EQ(Nodes(r), absl::StrCat("%2 = ", stays ? c.node : c.becomes, "\n"));
  }
}

}  // namespace
}  // namespace ingot::passes
