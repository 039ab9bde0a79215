#include "backends/onednn/kernels/special_functions.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void ExpectNear(double actual, double expected) {
  EXPECT_NEAR(actual, expected, 1e-13 * std::max(1.0, std::abs(expected)));
}

// Values: Abramowitz and Stegun, tables 6.1, 6.3, 9.8; mpmath for the digits beyond.
TEST(SpecialFunctionsTest, LogGamma) {
  ExpectNear(LogGamma(0.5), 0.57236494292470008707);
  ExpectNear(LogGamma(10), 12.801827480081469611);
  ExpectNear(LogGamma(-0.5), 1.2655121234846454);
  EXPECT_EQ(LogGamma(-3), kInfinity);
}

TEST(SpecialFunctionsTest, Digamma) {
  ExpectNear(Digamma(1), -0.57721566490153286061);
  ExpectNear(Digamma(0.25), -4.2274535333762654);
  ExpectNear(Digamma(20), 2.9705239922421490509);
  ExpectNear(Digamma(-0.5), 0.03648997397857652);
  EXPECT_EQ(Digamma(0.0), -kInfinity);
  EXPECT_EQ(Digamma(-0.0), kInfinity);
  EXPECT_TRUE(std::isnan(Digamma(-2)));
  EXPECT_EQ(Digamma(kInfinity), kInfinity);
}

TEST(SpecialFunctionsTest, ErfInverseUndoesErf) {
  for (const double x : {1e-8, 0.01, 0.3, 0.5, 1.0, 2.0, 3.5, 5.0}) {
    const double y = std::erf(x);
    if (y == 1) continue;
    // erf is flat for large x: only what a unit in the last place of y means can be asked for.
    const double slope = 2 / std::sqrt(M_PI) * std::exp(-x * x);
    EXPECT_NEAR(ErfInverse(y), x, 1e-14 * x + 2e-16 / slope);
    EXPECT_EQ(ErfInverse(-y), -ErfInverse(y));
  }
  EXPECT_EQ(ErfInverse(1), kInfinity);
  EXPECT_TRUE(std::isnan(ErfInverse(1.5)));
}

TEST(SpecialFunctionsTest, ModifiedBessel) {
  ExpectNear(BesselI0(0), 1);
  ExpectNear(BesselI0(1), 1.2660658777520083356);
  ExpectNear(BesselI0(-10), 2815.7166284662544715);
  ExpectNear(BesselI1(1), 0.56515910399248502721);
  ExpectNear(BesselI1(-2), -1.5906368546373290634);
  // Both formulas meet where one takes over.
  EXPECT_NEAR(BesselI0(40.000001) / BesselI0(39.999999) - 1, 2e-6 * 0.98742, 1e-11);  // I1 / I0
  EXPECT_TRUE(std::isnan(BesselI0(kInfinity)));
  EXPECT_TRUE(std::isnan(BesselI1(-kInfinity)));
  EXPECT_TRUE(std::isinf(BesselI0(800)));
}

}  // namespace
}  // namespace ingot::kernels
