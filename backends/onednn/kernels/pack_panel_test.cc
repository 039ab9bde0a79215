#include "backends/onednn/kernels/pack_panel.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

class PackPanelTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(PackPanelTest);

TEST_P(PackPanelTest, TakesElementsByAnyStrides) {
  struct {
    int64_t k_stride, n_stride;
  } const layouts[] = {{1, 41}, {19, 1}, {2, 83}, {0, 1}, {1, 0}};
  const int64_t panel = 32;
  for (const int64_t columns : {1, 13, 16, 32}) {
    for (const int64_t k : {1, 4, 37}) {
      for (const auto& [k_stride, n_stride] : layouts) {
        const std::vector<float> w = Random(k * k_stride + columns * n_stride, 1);
        std::vector<float> to(k * panel, 42);
        PackPanel(w.data(), k_stride, n_stride, k, columns, to.data(), panel);
        for (int64_t i = 0; i < k * panel; ++i) {
          const int64_t row = i / panel, c = i % panel;
          EXPECT_EQ(to[i], c < columns ? w[row * k_stride + c * n_stride] : 42);
        }
      }
    }
  }
}

float Half(float pair, int which) {
  uint32_t bits;
  std::memcpy(&bits, &pair, sizeof(bits));
  bits = which == 0 ? bits << 16 : bits & 0xffff0000u;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

TEST_P(PackPanelTest, RoundsPairsToBf16) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // Of 8 bits of precision: between 1 and 1 + 2^-7 lies 1 + 2^-8, which goes to the even one.
  const float cases[][2] = {{1, 1},
                            {1 + 0x1p-8f, 1},
                            {1 + 3 * 0x1p-8f, 1 + 4 * 0x1p-8f},
                            {1 + 0x1p-8f + 0x1p-20f, 1 + 0x1p-7f},
                            {-0x1.fffffep127f, -kInfinity},
                            {kInfinity, kInfinity},
                            {0x1p-149f, 0},
                            {-0.0f, 0}};
  for (const auto& [value, rounded] : cases) {
    const float w[] = {value, 3, 5, value};  // two columns of two elements
    float to[2];
    PackPanelBf16Pairs(w, 1, 2, 1, 2, to, 2);
    EXPECT_EQ(Half(to[0], 0), rounded) << value;
    EXPECT_EQ(Half(to[0], 1), 3);
    EXPECT_EQ(Half(to[1], 0), 5);
    EXPECT_EQ(Half(to[1], 1), rounded) << value;
  }
}

TEST_P(PackPanelTest, NanStaysNan) {
  // Its set bits are all in the half that is cut off.
  const uint32_t bits = 0x7f800001;
  float nan;
  std::memcpy(&nan, &bits, sizeof(nan));
  const float w[] = {nan, nan};
  float to;
  PackPanelBf16Pairs(w, 1, 1, 1, 1, &to, 1);
  EXPECT_TRUE(std::isnan(Half(to, 0)));
  EXPECT_TRUE(std::isnan(Half(to, 1)));
}

}  // namespace
}  // namespace ingot::kernels
