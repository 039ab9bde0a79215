#include "core/passes/patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// Nodes over the argument %x, the last of which defines %y.
ir::Recording Pointwise(absl::string_view nodes) {
  return MakeRecording(absl::StrCat("%x : f32[2,3] = argument 0\n",
                                    absl::StrReplaceAll(nodes, {{" = ", " : f32[2,3] = "}}),
                                    "\nresult 0 = %y returns T0"));
}

struct Chain {
  const char* name;
  const char* nodes;
  const char* becomes;
};

void PrintTo(const Chain& c, std::ostream* os) { *os << c.name; }

class ActivationTest : public testing::TestWithParam<Chain> {};

TEST_P(ActivationTest, BecomesOneOp) {
  ir::Recording r = Pointwise(GetParam().nodes);
  EXPECT_TRUE(Change(MatchActivations, r));
  EXPECT_THAT(Nodes(r), EndsWith(absl::StrCat(" = ", GetParam().becomes, "\n")));
  EXPECT_FALSE(Change(MatchActivations, r));
}

INSTANTIATE_TEST_SUITE_P(
    Chains, ActivationTest,
    testing::Values(
        Chain{"silu", "%a = aten::sigmoid(%x) %y = aten::mul.Tensor(%x, %a)", "aten::silu(%0)"},
        Chain{"silu swapped", "%a = aten::sigmoid(%x) %y = aten::mul.Tensor(%a, %x)",
              "aten::silu(%0)"},
        // 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))), as transformers' NewGELU
        // has it.
        Chain{"new gelu",
              "%a = aten::mul.Scalar(%x, 0.5) %b = aten::pow.Tensor_Scalar(%x, 3.0)"
              "%c = aten::mul.Scalar(%b, 0.044715) %d = aten::add.Tensor(%x, %c, 1)"
              "%e = aten::mul.Scalar(%d, 0.7978845608028654) %f = aten::tanh(%e)"
              "%g = aten::add.Scalar(%f, 1.0, 1) %y = aten::mul.Tensor(%a, %g)",
              "aten::gelu(%0, \"tanh\")"},
        // 0.5 * x * (1 + tanh(0.7978845608 * x * (1 + 0.044715 * x * x))), its FastGELU.
        Chain{"fast gelu",
              "%a = aten::mul.Scalar(%x, 0.044715) %b = aten::mul.Tensor(%a, %x)"
              "%c = aten::add.Scalar(%b, 1.0, 1) %d = aten::mul.Scalar(%x, 0.7978845608)"
              "%e = aten::mul.Tensor(%d, %c) %f = aten::tanh(%e)"
              "%g = aten::add.Scalar(%f, 1.0, 1) %h = aten::mul.Scalar(%x, 0.5)"
              "%y = aten::mul.Tensor(%h, %g)",
              "aten::gelu(%0, \"tanh\")"},
        // x * 0.5 * (1 + erf(x / sqrt(2)))
        Chain{"erf gelu",
              "%a = aten::mul.Scalar(%x, 0.5) %b = aten::div.Scalar(%x, 1.4142135623730951)"
              "%c = aten::erf(%b) %d = aten::add.Scalar(%c, 1, 1) %y = aten::mul.Tensor(%a, %d)",
              "aten::gelu(%0, \"none\")"},
        Chain{"erf gelu, halved last",
              "%b = aten::mul.Scalar(%x, 0.7071067811865476) %c = aten::erf(%b)"
              "%d = aten::add.Scalar(%c, 1, 1) %e = aten::mul.Tensor(%d, %x)"
              "%y = aten::mul.Scalar(%e, 0.5)",
              "aten::gelu(%0, \"none\")"},
        Chain{"erf gelu, halved inside",
              "%b = aten::mul.Scalar(%x, 0.7071067811865476) %c = aten::erf(%b)"
              "%d = aten::mul.Scalar(%c, 0.5) %e = aten::add.Scalar(%d, 0.5, 1)"
              "%y = aten::mul.Tensor(%x, %e)",
              "aten::gelu(%0, \"none\")"}));

struct Near {
  const char* name;
  const char* nodes;
};

void PrintTo(const Near& c, std::ostream* os) { *os << c.name; }

class NotAnActivationTest : public testing::TestWithParam<Near> {};

TEST_P(NotAnActivationTest, Stays) {
  ir::Recording r = Pointwise(GetParam().nodes);
  EXPECT_FALSE(Change(MatchActivations, r)) << Nodes(r);
}

INSTANTIATE_TEST_SUITE_P(
    Chains, NotAnActivationTest,
    testing::Values(
        Near{"sigmoid of another value",
             "%b = aten::neg(%x) %a = aten::sigmoid(%b) %y = aten::mul.Tensor(%x, %a)"},
        Near{"sigmoid used elsewhere",
             "%a = aten::sigmoid(%x) %b = aten::mul.Tensor(%x, %a) %y = aten::add.Tensor(%b, %a, "
             "1)"},
        Near{"wrong inner factor",
             "%a = aten::mul.Scalar(%x, 0.5) %b = aten::div.Scalar(%x, 1.4143)"
             "%c = aten::erf(%b) %d = aten::add.Scalar(%c, 1, 1) %y = aten::mul.Tensor(%a, %d)"},
        Near{"wrong outer factor",
             "%a = aten::mul.Scalar(%x, 0.6) %b = aten::div.Scalar(%x, 1.4142135623730951)"
             "%c = aten::erf(%b) %d = aten::add.Scalar(%c, 1, 1) %y = aten::mul.Tensor(%a, %d)"},
        Near{"wrong summand",
             "%a = aten::mul.Scalar(%x, 0.5) %b = aten::div.Scalar(%x, 1.4142135623730951)"
             "%c = aten::erf(%b) %d = aten::add.Scalar(%c, 2, 1) %y = aten::mul.Tensor(%a, %d)"},
        Near{"wrong cubic factor",
             "%a = aten::mul.Scalar(%x, 0.5) %b = aten::pow.Tensor_Scalar(%x, 3.0)"
             "%c = aten::mul.Scalar(%b, 0.0447) %d = aten::add.Tensor(%x, %c, 1)"
             "%e = aten::mul.Scalar(%d, 0.7978845608028654) %f = aten::tanh(%e)"
             "%g = aten::add.Scalar(%f, 1.0, 1) %y = aten::mul.Tensor(%a, %g)"},
        Near{"square for cube",
             "%a = aten::mul.Scalar(%x, 0.5) %b = aten::pow.Tensor_Scalar(%x, 2.0)"
             "%c = aten::mul.Scalar(%b, 0.044715) %d = aten::add.Tensor(%x, %c, 1)"
             "%e = aten::mul.Scalar(%d, 0.7978845608028654) %f = aten::tanh(%e)"
             "%g = aten::add.Scalar(%f, 1.0, 1) %y = aten::mul.Tensor(%a, %g)"},
        Near{"erf of another value",
             "%z = aten::neg(%x) %a = aten::mul.Scalar(%x, 0.5)"
             "%b = aten::div.Scalar(%z, 1.4142135623730951) %c = aten::erf(%b)"
             "%d = aten::add.Scalar(%c, 1, 1) %y = aten::mul.Tensor(%a, %d)"},
        Near{"erf used elsewhere",
             "%a = aten::mul.Scalar(%x, 0.5) %b = aten::div.Scalar(%x, 1.4142135623730951)"
             "%c = aten::erf(%b) %d = aten::add.Scalar(%c, 1, 1) %e = aten::mul.Tensor(%a, %d)"
             "%y = aten::add.Tensor(%e, %c, 1)"}));

TEST(ActivationDTypeTest, AChangeOfDTypeOnTheWayStays) {
  ir::Recording r = MakeRecording(R"(
    %x : f32[2] = argument 0
    %a : f64[2] = aten::_to_copy(%x, f64, None, None, None, false, None)
    %b : f64[2] = aten::sigmoid(%a)
    %y : f64[2] = aten::mul.Tensor(%x, %b)
    result 0 = %y
    returns T0)");
  EXPECT_FALSE(Change(MatchActivations, r));
}

constexpr char kAttention[] = R"(
  %q : f32[2,4,8,16] = argument 0
  %k : f32[2,4,8,16] = argument 1
  %v : f32[2,4,8,16] = argument 2
  %m : f32[2,1,1,8] = argument 3
  %c : f32[8,8] = constant 0 sha256:$0
  %t : f32[2,4,16,8] = aten::permute(%k, [0, 1, 3, 2])
  %s : f32[2,4,8,8] = aten::matmul(%q, %t)
  %w : f32[2,4,8,8] = aten::div.Scalar(%s, 4.0)
  %i : f32[2,1,1,8] = aten::rsub.Scalar(%m, 1.0, 1)
  %n : f32[2,1,1,8] = aten::mul.Scalar(%i, -3.4028234663852886e+38)
  %a : f32[2,4,8,8] = aten::add.Tensor(%w, %n, 1)
  %p : f32[2,4,8,8] = aten::softmax.int(%a, 3, None)
  %o : f32[2,4,8,16] = aten::matmul(%p, %v)
  result 0 = %o
  returns T0)";

// A causal mask of 8 x 8; with `broken`, its first row is -inf throughout.
ir::Constant CausalMask(bool broken = false) {
  ir::Constant c;
  auto data = std::make_shared<std::vector<float>>(64, 0.0f);
  for (int i = 0; i < 8; ++i) {
    for (int j = i + (broken ? 0 : 1); j < 8; ++j) {
      (*data)[i * 8 + j] = -std::numeric_limits<float>::infinity();
    }
  }
  c.type = {ir::DType::kFloat32, {8, 8}};
  c.data = data->data();
  c.digest = ir::Sha256(c.data, 256);
  c.owner = data;
  return c;
}

ir::Recording Attention(
    std::initializer_list<std::pair<absl::string_view, absl::string_view>> changes,
    bool broken_mask = false) {
  return MakeRecording(absl::StrReplaceAll(kAttention, changes), {CausalMask(broken_mask)});
}

TEST(AttentionTest, BecomesOneOp) {
  ir::Recording r = Attention({});
  EXPECT_TRUE(Change(MatchAttention, r));
  EXPECT_THAT(Nodes(r), EndsWith("%13 = aten::scaled_dot_product_attention(%0, %12, %2, %9, 0.0, "
                                 "false, 0.25, false)\n"));
  EXPECT_THAT(Nodes(r), HasSubstr("%12 = aten::permute(%5, [0, 1, 3, 2])\n"));
  EXPECT_FALSE(Change(MatchAttention, r));
}

TEST(AttentionTest, TakesItsVariants) {
  ir::Recording swapped = Attention({{"add.Tensor(%w, %n, 1)", "add.Tensor(%n, %w, 1)"}});
  EXPECT_TRUE(Change(MatchAttention, swapped));
  ir::Recording unmasked = Attention({{"softmax.int(%a", "softmax.int(%w"},
                                      {"%a : f32[2,4,8,8] = aten::add.Tensor(%w, %n, 1)", ""}});
  EXPECT_TRUE(Change(MatchAttention, unmasked));
  EXPECT_THAT(Nodes(unmasked), HasSubstr("None, 0.0, false, 0.25, false)"));
  ir::Recording unscaled = Attention(
      {{"%w : f32[2,4,8,8] = aten::div.Scalar(%s, 4.0)", ""}, {"add.Tensor(%w", "add.Tensor(%s"}});
  EXPECT_TRUE(Change(MatchAttention, unscaled));
  EXPECT_THAT(Nodes(unscaled), HasSubstr("0.0, false, 1.0, false)"));
  ir::Recording causal = Attention({{"add.Tensor(%w, %n, 1)", "add.Tensor(%w, %c, 1)"}});
  EXPECT_TRUE(Change(MatchAttention, causal));
}

struct Declined {
  const char* what;
  const char* from;
  const char* to;
};

TEST(AttentionTest, DeclinesWhatIsNotAttention) {
  const Declined cases[] = {
      {"softmax along another dimension", "softmax.int(%a, 3", "softmax.int(%a, 2"},
      {"a mask with a factor", "add.Tensor(%w, %n, 1)", "add.Tensor(%w, %n, 2)"},
      {"a mask from the caller", "add.Tensor(%w, %n, 1)", "add.Tensor(%w, %m, 1)"},
      {"an infinite mask", "-3.4028234663852886e+38", "-inf"},
      {"a key that is not transposed", "%t : f32[2,4,16,8] = aten::permute(%k, [0, 1, 3, 2])",
       "%t : f32[2,4,16,8] = aten::reshape(%k, [2, 4, 16, 8])"},
      {"scores used elsewhere", "result 0 = %o\n  returns T0",
       "result 0 = %o\n result 1 = %w\n returns (T0, T1)"},
      {"weights used elsewhere", "result 0 = %o\n  returns T0",
       "result 0 = %o\n result 1 = %p\n returns (T0, T1)"},
      {"a scale that is data", "div.Scalar(%s, 4.0)", "add.Scalar(%s, 4.0, 1)"},
      {"batches that broadcast", "%k : f32[2,4,8,16]", "%k : f32[1,4,8,16]"},
  };
  for (const Declined& c : cases) {
    std::string text = absl::StrReplaceAll(kAttention, {{c.from, c.to}});
    ASSERT_NE(text, kAttention) << c.what;
    if (absl::string_view(c.to) == "%k : f32[1,4,8,16]") {
      text = absl::StrReplaceAll(text, {{"%t : f32[2,", "%t : f32[1,"}});
    }
    ir::Recording r = MakeRecording(text, {CausalMask()});
    EXPECT_FALSE(Change(MatchAttention, r)) << c.what << "\n" << Nodes(r);
  }
  ir::Recording dead_row = Attention({{"add.Tensor(%w, %n, 1)", "add.Tensor(%w, %c, 1)"}}, true);
  EXPECT_FALSE(Change(MatchAttention, dead_row));
  ir::Recording half =
      Attention({{": f32", ": bf16"}, {"%c : f32", "%c : f32"}, {"%c, 1", "%c, 1"}});
  EXPECT_FALSE(Change(MatchAttention, half));
}

}  // namespace
}  // namespace ingot::passes
