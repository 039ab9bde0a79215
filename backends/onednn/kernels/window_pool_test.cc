#include "backends/onednn/kernels/window_pool.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

const std::vector<PoolTaps> kOne = {{}};

WindowPoolArgs Rows(const std::vector<float>& x, int64_t planes,
                    const std::vector<PoolTaps>& windows, std::vector<float>& y) {
  WindowPoolArgs args;
  args.planes = planes;
  args.in[2] = static_cast<int64_t>(x.size()) / planes;
  args.windows[0] = args.windows[1] = &kOne;
  args.windows[2] = &windows;
  args.x = x.data();
  y.resize(planes * windows.size());
  args.y = y.data();
  return args;
}

TEST(WindowPoolTest, AveragesDivideByTheExtentOrTheDivisor) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<PoolTaps> windows = {{0, 2, 1, 3}, {2, 4, 1, 2}};
  std::vector<float> y;
  AveragePool(Rows(x, 1, windows, y), 0, 1);
  EXPECT_THAT(y, ElementsAre(1, 3.5));
  AveragePool(Rows(x, 1, windows, y), 7, 1);
  EXPECT_THAT(y, ElementsAre(3.f / 7, 1));
}

TEST(WindowPoolTest, MaximaSayWhere) {
  const std::vector<float> x = {1, 5, 5, 2, NAN, 3, 0, NAN};  // two planes
  const std::vector<PoolTaps> windows = {{0, 4, 1, 4}, {0, 4, 2, 4}};
  std::vector<float> y;
  std::vector<int64_t> at(4);
  MaxPoolWithIndices(Rows(x, 2, windows, y), at.data(), 2);
  EXPECT_EQ(y[0], 5);
  EXPECT_EQ(y[1], 5);
  EXPECT_TRUE(std::isnan(y[2]) && std::isnan(y[3]));
  EXPECT_THAT(at, ElementsAre(1, 2, 3, 0));
}

TEST(WindowPoolTest, TheMaximumOfNothingButPaddingIsLeast) {
  const std::vector<float> x = {1, 5, 5, 2};
  const std::vector<PoolTaps> windows = {{1, 1, 2, 0}};
  std::vector<float> y;
  std::vector<int64_t> at(1);
  MaxPoolWithIndices(Rows(x, 1, windows, y), at.data(), 1);
  EXPECT_EQ(y[0], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(at[0], 1);
}

TEST(WindowPoolTest, InThreeDimensions) {
  std::vector<float> x(8);
  for (int i = 0; i < 8; ++i) x[i] = static_cast<float>(i);
  const std::vector<PoolTaps> all = {{0, 2, 1, 2}};
  std::vector<float> y(1);
  std::vector<int64_t> at(1);
  WindowPoolArgs args;
  args.planes = 1;
  for (int d = 0; d < 3; ++d) {
    args.in[d] = 2;
    args.windows[d] = &all;
  }
  args.x = x.data();
  args.y = y.data();
  AveragePool(args, 0, 1);
  EXPECT_EQ(y[0], 3.5f);
  MaxPoolWithIndices(args, at.data(), 1);
  EXPECT_EQ(y[0], 7);
  EXPECT_EQ(at[0], 7);
}

}  // namespace
}  // namespace ingot::kernels
