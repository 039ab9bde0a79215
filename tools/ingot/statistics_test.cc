#include "tools/ingot/statistics.h"

#include <gtest/gtest.h>

namespace ingot::tools {
namespace {

// Expectations from numpy.percentile (1.26).
TEST(PercentileTest, InterpolatesBetweenRanks) {
  const std::vector<double> values = {5, 1, 4, 2, 3, 10};
  EXPECT_DOUBLE_EQ(Percentile(values, 0), 1);
  EXPECT_DOUBLE_EQ(Percentile(values, 50), 3.5);
  EXPECT_DOUBLE_EQ(Percentile(values, 90), 7.5);
  EXPECT_DOUBLE_EQ(Percentile(values, 99), 9.75);
  EXPECT_DOUBLE_EQ(Percentile(values, 100), 10);
}

TEST(PercentileTest, OneValueIsEveryPercentile) {
  EXPECT_DOUBLE_EQ(Percentile({7}, 0), 7);
  EXPECT_DOUBLE_EQ(Percentile({7}, 99), 7);
}

}  // namespace
}  // namespace ingot::tools
