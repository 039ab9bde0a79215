#include "backends/onednn/kernels/max_pool.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// PyTorch's rule: out = floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
void SetOut(MaxPoolArgs& a) {
  for (int d = 0; d < 3; ++d) {
    a.out[d] =
        (a.in[d] + 2 * a.padding[d] - a.dilation[d] * (a.kernel[d] - 1) - 1) / a.stride[d] + 1;
  }
}

// By the definition, one output after the other.
std::vector<float> Expected(const MaxPoolArgs& a) {
  std::vector<float> y;
  for (int64_t o = 0; o < a.outer; ++o) {
    for (int64_t od = 0; od < a.out[0]; ++od) {
      for (int64_t oh = 0; oh < a.out[1]; ++oh) {
        for (int64_t ow = 0; ow < a.out[2]; ++ow) {
          for (int64_t i = 0; i < a.inner; ++i) {
            float most = -std::numeric_limits<float>::infinity();
            for (int64_t t = 0; t < a.kernel[0] * a.kernel[1] * a.kernel[2]; ++t) {
              const int64_t at[3] = {
                  od * a.stride[0] - a.padding[0] + t / (a.kernel[1] * a.kernel[2]) * a.dilation[0],
                  oh * a.stride[1] - a.padding[1] + t / a.kernel[2] % a.kernel[1] * a.dilation[1],
                  ow * a.stride[2] - a.padding[2] + t % a.kernel[2] * a.dilation[2]};
              bool inside = true;
              for (int d = 0; d < 3; ++d) inside &= at[d] >= 0 && at[d] < a.in[d];
              if (!inside) continue;
              const float x =
                  a.x[(((o * a.in[0] + at[0]) * a.in[1] + at[1]) * a.in[2] + at[2]) * a.inner + i];
              if (std::isnan(x) || x > most) most = x;
              if (std::isnan(most)) break;
            }
            y.push_back(most);
          }
        }
      }
    }
  }
  return y;
}

class MaxPoolTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(MaxPoolTest);

TEST_P(MaxPoolTest, IsTheGreatestOfEachWindowAndNanWhereOneIs) {
  struct Case {
    int64_t outer, inner, in[3], kernel[3], stride[3], padding[3], dilation[3];
  };
  const Case cases[] = {
      {2, 64, {1, 12, 12}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, {1, 1, 1}},
      {2, 19, {1, 9, 7}, {1, 2, 3}, {1, 1, 2}, {0, 1, 1}, {1, 2, 1}},
      {3, 16, {5, 6, 7}, {3, 2, 2}, {2, 2, 1}, {1, 0, 1}, {1, 1, 2}},
      {4, 1, {1, 11, 37}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, {1, 1, 1}},
      {1, 1, {1, 4, 1300}, {1, 2, 5}, {1, 1, 3}, {0, 0, 2}, {1, 1, 2}},
      {1, 1, {1, 2, 1300}, {1, 1, 600}, {1, 1, 100}, {0, 0, 300}, {1, 1, 1}},
      {2, 1, {4, 5, 6}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, {2, 2, 2}},
  };
  for (const Case& c : cases) {
    MaxPoolArgs a;
    a.outer = c.outer;
    a.inner = c.inner;
    for (int d = 0; d < 3; ++d) {
      a.in[d] = c.in[d];
      a.kernel[d] = c.kernel[d];
      a.stride[d] = c.stride[d];
      a.padding[d] = c.padding[d];
      a.dilation[d] = c.dilation[d];
    }
    SetOut(a);
    std::vector<float> x(a.outer * a.in[0] * a.in[1] * a.in[2] * a.inner);
    std::mt19937 generator(5);
    std::normal_distribution<float> normal(0, 1);
    for (float& value : x) value = generator() % 40 == 0 ? kNan : normal(generator);
    a.x = x.data();
    const std::vector<float> expected = Expected(a);
    for (int threads : {1, 2}) {
      std::vector<float> y(expected.size(), 42);
      a.y = y.data();
      MaxPool(a, threads);
      for (size_t i = 0; i < y.size(); ++i) {
        if (std::isnan(expected[i])) {
          ASSERT_TRUE(std::isnan(y[i])) << c.inner << " at " << i;
        } else {
          ASSERT_EQ(y[i], expected[i]) << c.inner << " at " << i;
        }
      }
    }
  }
}

TEST_P(MaxPoolTest, AWindowOfPaddingOnlyGivesMinusInfinity) {
  const std::vector<float> x(20, 1.0f);
  float y = 0;
  MaxPoolArgs args;
  args.in[2] = 20;
  args.kernel[2] = 2;
  args.padding[2] = 1;
  args.dilation[2] = 21;
  args.x = x.data();
  args.y = &y;
  MaxPool(args, 1);
  EXPECT_EQ(y, -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace ingot::kernels
