#include "backends/onednn/kernels/scan.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

ScanArgs Over(const std::vector<float>& x, std::vector<float>& y) {
  y.resize(x.size());
  ScanArgs args;
  args.n = static_cast<int64_t>(x.size());
  args.x = x.data();
  args.y = y.data();
  return args;
}

TEST(ScanTest, Products) {
  std::vector<float> y;
  CumProd(Over({2, 3, -1, 0.5}, y), 1);
  EXPECT_THAT(y, ElementsAre(2, 6, -6, -3));
}

TEST(ScanTest, AlongAnOuterDimensionOfIntegers) {
  const std::vector<int64_t> x = {1, 2, 3, 4, 5, 6};  // [3, 2]
  std::vector<int64_t> y(6);
  ScanArgs args;
  args.dtype = ir::DType::kInt64;
  args.n = 3;
  args.inner = 2;
  args.x = x.data();
  args.y = y.data();
  CumProd(args, 2);
  EXPECT_THAT(y, ElementsAre(1, 2, 3, 8, 15, 48));
}

TEST(ScanTest, LogSums) {
  std::vector<float> y;
  CumLogSumExp(Over({-kInfinity, 0, 0, kInfinity, 1}, y), 1);
  EXPECT_EQ(y[0], -kInfinity);
  EXPECT_EQ(y[1], 0);
  EXPECT_FLOAT_EQ(y[2], std::log(2.0f));
  EXPECT_EQ(y[4], kInfinity);
}

TEST(ScanTest, ExtremesTakeTheLastOfEqualsAndKeepNan) {
  std::vector<float> y;
  std::vector<int64_t> at(5);
  CumExtreme(Over({1, 3, 3, 2, 4}, y), true, at.data(), 1);
  EXPECT_THAT(y, ElementsAre(1, 3, 3, 3, 4));
  EXPECT_THAT(at, ElementsAre(0, 1, 2, 2, 4));
  CumExtreme(Over({1, NAN, 0, NAN, -1}, y), false, at.data(), 1);
  EXPECT_TRUE(std::isnan(y[1]) && std::isnan(y[4]));
  EXPECT_THAT(at, ElementsAre(0, 1, 1, 3, 3));
}

}  // namespace
}  // namespace ingot::kernels
