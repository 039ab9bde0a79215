#include "backends/onednn/kernels/softmax.h"

#include <cmath>
#include <limits>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// So that a row has terms that vanish beside others.
constexpr Normal kWide = {.deviation = 4};

// log_softmax of `n` values in double.
std::vector<double> Exact(const std::vector<double>& v) {
  double max = -kInf, sum = 0;
  for (double value : v) max = std::max(max, value);
  for (double value : v) sum += std::exp(value - max);
  std::vector<double> y;
  for (double value : v) y.push_back(value - max - std::log(sum));
  return y;
}

void ExpectClose(float value, double log_exact, bool log) {
  if (log) {
    ASSERT_NEAR(value, log_exact, 4e-7 * std::abs(log_exact) + 1e-6);
  } else {
    const double exact = std::exp(log_exact);
    ASSERT_NEAR(value, exact, (8e-7 + 1.2e-7 * std::abs(log_exact)) * exact + 1e-37);
  }
}

class SoftmaxTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(SoftmaxTest);

TEST_P(SoftmaxTest, RowsOfAnyLengthAlsoInPlace) {
  for (int64_t n : {1, 2, 10, 16, 17, 63, 64, 65, 128, 1000}) {
    for (bool log : {false, true}) {
      const int64_t rows = n == 1000 ? 200 : 7;  // the longest fork
      const std::vector<float> x = Random(rows * n, 1, kWide);
      std::vector<float> y = x;
      SoftmaxArgs args;
      args.rows = rows;
      args.n = n;
      args.x = y.data();
      args.y = y.data();
      args.log = log;
      Softmax(args, 2);
      for (int64_t r = 0; r < rows; ++r) {
        const std::vector<double> exact = Exact({x.begin() + r * n, x.begin() + (r + 1) * n});
        for (int64_t i = 0; i < n; ++i) ExpectClose(y[r * n + i], exact[i], log);
      }
    }
  }
}

TEST_P(SoftmaxTest, AlongAMiddleDimension) {
  for (int64_t inner : {1, 5, 16, 50, 5000}) {
    for (bool log : {false, true}) {
      const int64_t outer = 3, n = 9;
      const std::vector<float> x = Random(outer * n * inner, 4, kWide);
      std::vector<float> y = x;
      StridedSoftmax({outer, n, inner, y.data(), y.data(), log}, 2);
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t c = 0; c < inner; ++c) {
          std::vector<double> v;
          for (int64_t i = 0; i < n; ++i) v.push_back(x[(o * n + i) * inner + c]);
          const std::vector<double> exact = Exact(v);
          for (int64_t i = 0; i < n; ++i) {
            ExpectClose(y[(o * n + i) * inner + c], exact[i], log);
          }
        }
      }
    }
  }
}

TEST_P(SoftmaxTest, InfinitiesAndNanAsInPyTorch) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (int64_t n : {3, 40}) {
    for (float bad : {kNaN, kInf, -kInf}) {
      // One bad value among good ones, then a whole row of it.
      for (int64_t count : {int64_t{1}, n}) {
        std::vector<float> x(n, 0.5f), y(n);
        for (int64_t i = 0; i < count; ++i) x[n - 1 - i] = bad;
        SoftmaxArgs args;
        args.n = n;
        args.x = x.data();
        args.y = y.data();
        Softmax(args, 1);
        const bool defined = bad == -kInf && count == 1;
        for (int64_t i = 0; i + 1 < n; ++i) EXPECT_EQ(std::isnan(y[i]), !defined) << bad;
        if (defined) {
          EXPECT_EQ(y[n - 1], 0);
          EXPECT_FLOAT_EQ(y[0], 1.0f / (n - 1));
        } else {
          EXPECT_TRUE(std::isnan(y[n - 1])) << bad;
        }
      }
    }
  }
}

TEST(SoftmaxF64Test, RowsAndColumns) {
  const double x[] = {0, std::log(3.0), 0, 0};
  double y[4];
  SoftmaxF64(2, 2, 1, x, y, /*log=*/false, 2);
  EXPECT_DOUBLE_EQ(y[0], 0.25);
  EXPECT_DOUBLE_EQ(y[1], 0.75);
  EXPECT_DOUBLE_EQ(y[3], 0.5);
  SoftmaxF64(1, 2, 2, x, y, /*log=*/true, 2);
  EXPECT_DOUBLE_EQ(y[0], std::log(0.5));
  EXPECT_DOUBLE_EQ(y[1], std::log(0.75));
}

}  // namespace
}  // namespace ingot::kernels
