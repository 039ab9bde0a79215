#include "backends/onednn/kernels/row_dots.h"

#include <cmath>
#include <limits>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

class RowDotsTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(RowDotsTest);

TEST_P(RowDotsTest, AreSumsOfProductsThroughBiasAndStages) {
  for (const int64_t n : {1, 3, 64, 65, 131, 5000}) {
    for (const int64_t k : {0, 1, 7, 16, 33, 100, 257}) {
      SCOPED_TRACE(testing::Message() << n << " x " << k);
      const int64_t stride = k + 3;
      const std::vector<float> x = Random(k, 1), w = Random(n * stride, 2), bias = Random(n, 3),
                               addend = Random(n, 4);
      const EpilogueStage stages[] = {{EpilogueOp::kAdd, 0, 0, addend.data(), n, 1},
                                      {EpilogueOp::kRelu}};
      for (const bool plain : {true, false}) {
        std::vector<float> y(n, 42), one_thread(n, 42);
        RowDotsArgs a;
        a.x = x.data();
        a.w = w.data();
        a.w_stride = stride;
        a.n = n;
        a.k = k;
        if (!plain) {
          a.bias = bias.data();
          a.stages = stages;
        }
        a.y = y.data();
        RowDots(a, 2);
        a.y = one_thread.data();
        RowDots(a, 1);
        EXPECT_EQ(y, one_thread);
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t i = 0; i < k; ++i) sum += double{x[i]} * w[j * stride + i];
          if (!plain) sum = std::max(sum + bias[j] + addend[j], 0.0);
          ASSERT_NEAR(y[j], sum, 1e-4) << j;
        }
      }
    }
  }
}

TEST_P(RowDotsTest, NanAndInfinityReachTheirOwnSums) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1, 2}, w = {std::nanf(""), 0, inf, 1, 3, 4};
  std::vector<float> y(3);
  RowDots({.x = x.data(), .w = w.data(), .w_stride = 2, .n = 3, .k = 2, .y = y.data()}, 1);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], inf);
  EXPECT_EQ(y[2], 11);
}

}  // namespace
}  // namespace ingot::kernels
