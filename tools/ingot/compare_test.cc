#include "tools/ingot/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tools/ingot/elements.h"
#include "tools/ingot/literals.h"

namespace ingot::tools {
namespace {

using testing::HasSubstr;

Comparison CompareLiterals(absl::string_view actual, absl::string_view expected,
                           const Tolerances& tolerances = {}) {
  Random random(0);
  auto a = ParseLiteral(actual, random), e = ParseLiteral(expected, random);
  EXPECT_TRUE(a.ok() && e.ok());
  return Compare(a->view(), e->view(), tolerances);
}

struct Case {
  const char *actual, *expected;
  bool ok;
};

// What torch.testing.assert_close(actual, expected, equal_nan=True) says (torch 2.13).
TEST(CompareTest, AgreesWithAssertClose) {
  const Case cases[] = {{"f32=1.0000012", "f32=1", true},
                        {"f32=1.00002", "f32=1", false},
                        {"f32=0.0000099", "f32=0", true},
                        {"f32=0.000011", "f32=0", false},
                        {"f32=1000.001", "f32=1000", true},
                        {"f32=1000.002", "f32=1000", false},
                        {"f64=1.0000001", "f64=1", true},
                        {"f64=1.0000003", "f64=1", false},
                        {"f16=1.001", "f16=1", true},
                        {"f16=1.002", "f16=1", false},
                        {"bf16=1.0156", "bf16=1", true},
                        {"bf16=1.03", "bf16=1", false},
                        {"i64=3", "i64=3", true},
                        {"i64=3", "i64=4", false},
                        {"i64=9007199254740993", "i64=9007199254740992", false},
                        {"b8=true", "b8=false", false},
                        {"f32=nan", "f32=nan", true},
                        {"f32=nan", "f32=1", false},
                        {"f32=1", "f32=nan", false},
                        {"f32=inf", "f32=inf", true},
                        {"f32=-inf", "f32=inf", false},
                        {"f32=1e30", "f32=inf", false},
                        {"c64=1+2.00001j", "c64=1+2j", true},
                        {"c64=1+2.1j", "c64=1+2j", false},
                        {"2xf32=1,2", "1x2xf32=1,2", false},
                        {"f32=1", "f64=1", false}};
  for (const Case& c : cases) {
    EXPECT_EQ(CompareLiterals(c.actual, c.expected).ok, c.ok) << c.actual << " " << c.expected;
  }
}

TEST(CompareTest, GivenTolerancesCountForFloatsOnly) {
  EXPECT_TRUE(CompareLiterals("f32=1.4", "f32=1", {0.0, 0.5}).ok);
  EXPECT_TRUE(CompareLiterals("f32=1.4", "f32=1", {0.5, 0.0}).ok);
  EXPECT_FALSE(CompareLiterals("f32=1.000001", "f32=1", {0.0, 0.0}).ok);
  EXPECT_FALSE(CompareLiterals("i64=2", "i64=1", {10.0, 10.0}).ok);
}

TEST(CompareTest, ReportsErrorsAndTheWorstElement) {
  const Comparison c = CompareLiterals("2x2xf32=1,2,3,5", "2x2xf32=1,2.5,3,4");
  EXPECT_DOUBLE_EQ(c.max_abs_err, 1);
  EXPECT_DOUBLE_EQ(c.max_rel_err, 0.25);
  EXPECT_EQ(c.mismatches, 2);
  EXPECT_THAT(c.message, HasSubstr("2 of 4 elements differ"));
  EXPECT_THAT(c.message, HasSubstr("5 instead of 4 at [1,1]"));
  EXPECT_THAT(CompareLiterals("f32=nan", "f32=1").message, HasSubstr("nan instead of 1"));
  EXPECT_TRUE(std::isinf(CompareLiterals("f32=nan", "f32=1").max_abs_err));
}

TEST(CompareTest, AnArbiterSpeaksForFiniteElementsWithinTheSameTolerances) {
  Random random(0);
  const auto parse = [&](absl::string_view text) { return *ParseLiteral(text, random); };
  const runtime::HostTensor expected = parse("3xf32=1,1,inf");
  const runtime::HostTensor exact = parse("3xf64=1.00005,1,2");
  const ingot_tensor arbiter = exact.view();
  const Comparison near =
      Compare(parse("3xf32=1.00005,1,inf").view(), expected.view(), {}, &arbiter);
  EXPECT_TRUE(near.ok) << near.message;
  EXPECT_EQ(near.arbitrated, 1);
  EXPECT_FALSE(Compare(parse("3xf32=1.0001,1,inf").view(), expected.view(), {}, &arbiter).ok);
  EXPECT_FALSE(Compare(parse("3xf32=1,1,2").view(), expected.view(), {}, &arbiter).ok);
  // Where values of 1000 cancel, 1e-4 is rounding if LibTorch is off by as much; 1e-2 is not.
  const runtime::HostTensor cancelled = parse("2xf32=1000.0002,0.1"),
                            truth = parse("2xf64=1000,0.1");
  const ingot_tensor judge = truth.view();
  EXPECT_TRUE(Compare(parse("2xf32=1000,0.1001").view(), cancelled.view(), {}, &judge).ok);
  EXPECT_FALSE(Compare(parse("2xf32=1000,0.11").view(), cancelled.view(), {}, &judge).ok);
}

TEST(CompareTest, EmptyTensorsAreEqual) { EXPECT_TRUE(CompareLiterals("0xf32=", "0xf32=").ok); }

TEST(MaxAbsErrorTest, ComparesAcrossDTypes) {
  Random random(0);
  auto a = ParseLiteral("2xf32=1,2", random), e = ParseLiteral("2xf64=1,2.25", random);
  EXPECT_EQ(MaxAbsError(a->view(), e->view()), 0.25);
  EXPECT_EQ(MaxMagnitude(e->view()), 2.25);
}

}  // namespace
}  // namespace ingot::tools
