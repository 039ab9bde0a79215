#include "backends/onednn/kernels/depthwise.h"

#include <cmath>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

struct Case {
  int64_t images, channels, in[2], kernel[2], stride[2], begin[2], end[2], dilation[2];
};

class DepthwiseTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(DepthwiseTest);

TEST_P(DepthwiseTest, IsTheSumOverTheTapsInsideOfTheImage) {
  const Case cases[] = {
      {1, 32, {7, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {2, 19, {8, 13}, {3, 5}, {2, 2}, {0, 1}, {1, 2}, {1, 1}},
      {1, 70, {9, 9}, {7, 7}, {1, 1}, {3, 3}, {3, 3}, {1, 1}},
      {1, 16, {10, 12}, {3, 3}, {1, 2}, {2, 2}, {2, 2}, {2, 2}},
      {3, 1, {4, 5}, {2, 2}, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {1, 40, {2, 3}, {5, 5}, {1, 1}, {2, 2}, {2, 2}, {1, 1}},
  };
  for (const Case& c : cases) {
    DepthwiseArgs a;
    a.images = c.images;
    a.channels = c.channels;
    for (int d = 0; d < 2; ++d) {
      a.in[d] = c.in[d];
      a.kernel[d] = c.kernel[d];
      a.stride[d] = c.stride[d];
      a.padding[d] = c.begin[d];
      a.dilation[d] = c.dilation[d];
      a.out[d] =
          (c.in[d] + c.begin[d] + c.end[d] - c.dilation[d] * (c.kernel[d] - 1) - 1) / c.stride[d] +
          1;
    }
    const int64_t taps = c.kernel[0] * c.kernel[1], pixels = c.images * a.out[0] * a.out[1];
    const std::vector<float> x = Random(c.images * c.in[0] * c.in[1] * c.channels, 1),
                             w = Random(c.channels * taps, 2), b = Random(c.channels, 3),
                             addend = Random(pixels * c.channels, 4);
    std::vector<float> packed(w.size());
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t ch = 0; ch < c.channels; ++ch) packed[t * c.channels + ch] = w[ch * taps + t];
    }
    const EpilogueStage stages[] = {{EpilogueOp::kAdd, 0, 0, addend.data(), c.channels, 1},
                                    {EpilogueOp::kClamp, -1, 2}};
    a.x = x.data();
    a.weights = packed.data();
    a.bias = b.data();
    a.stages = stages;
    for (int threads : {1, 2}) {
      std::vector<float> y(pixels * c.channels, 42);
      a.y = y.data();
      Depthwise(a, threads);
      for (int64_t p = 0; p < pixels; ++p) {
        const int64_t n = p / (a.out[0] * a.out[1]), oh = p / a.out[1] % a.out[0],
                      ow = p % a.out[1];
        for (int64_t ch = 0; ch < c.channels; ++ch) {
          double sum = b[ch];
          for (int64_t t = 0; t < taps; ++t) {
            const int64_t ih = oh * a.stride[0] - a.padding[0] + t / a.kernel[1] * a.dilation[0],
                          iw = ow * a.stride[1] - a.padding[1] + t % a.kernel[1] * a.dilation[1];
            if (ih < 0 || iw < 0 || ih >= a.in[0] || iw >= a.in[1]) continue;
            sum +=
                double{x[((n * a.in[0] + ih) * a.in[1] + iw) * c.channels + ch]} * w[ch * taps + t];
          }
          sum = std::min(std::max(sum + addend[p * c.channels + ch], -1.0), 2.0);
          ASSERT_NEAR(y[p * c.channels + ch], sum, 2e-5) << c.channels << " " << p << " " << ch;
        }
      }
    }
  }
}

}  // namespace
}  // namespace ingot::kernels
