#include "backends/onednn/kernels/resample.h"

#include <limits>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

std::vector<float> Resampled(const std::vector<ResampleAxis>& axes, const std::vector<float>& x) {
  int64_t in = 1, out = 1;
  for (const ResampleAxis& axis : axes) {
    in *= axis.in;
    out *= axis.out;
  }
  ResampleArgs args;
  args.planes = static_cast<int64_t>(x.size()) / in;
  std::vector<float> y(args.planes * out);
  args.axes = axes;
  args.x = x.data();
  args.y = y.data();
  Resample(args, 2);
  return y;
}

TEST(ResampleTest, Nearest) {
  EXPECT_THAT(Resampled({NearestAxis(2, 4, false, {})}, {1, 2}), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(Resampled({NearestAxis(3, 2, false, {})}, {1, 2, 3}), ElementsAre(1, 2));
  EXPECT_THAT(Resampled({NearestAxis(3, 2, true, {})}, {1, 2, 3}), ElementsAre(1, 3));
}

TEST(ResampleTest, Linear) {
  EXPECT_THAT(Resampled({LinearAxis(2, 4, {})}, {0, 4}), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(Resampled({LinearAxis(2, 3, {0, true})}, {0, 4}), ElementsAre(0, 2, 4));
  // The caller's scale wins over the sizes.
  EXPECT_THAT(Resampled({LinearAxis(4, 2, {0.25})}, {0, 1, 2, 3}), ElementsAre(1.5, 3));
}

TEST(ResampleTest, BilinearOfTwoPlanes) {
  const std::vector<ResampleAxis> axes = {LinearAxis(2, 3, {0, true}), LinearAxis(2, 3, {0, true})};
  EXPECT_THAT(Resampled(axes, {0, 2, 4, 6, 1, 1, 1, 1}),
              ElementsAre(0, 1, 2, 2, 3, 4, 4, 5, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1));
}

// An image is a volume of depth 1, whose general path adds up in the same order.
TEST(ResampleTest, ImagesAreAsVolumesOfDepthOne) {
  std::vector<float> x(2 * 5 * 7);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * i % 23) - 7.5f;
  x[11] = std::numeric_limits<float>::infinity();
  x[40] = std::numeric_limits<float>::quiet_NaN();
  const ResampleAxis one = NearestAxis(1, 1, false, {});
  for (const std::vector<ResampleAxis>& axes :
       {std::vector<ResampleAxis>{NearestAxis(5, 9, false, {}), NearestAxis(7, 4, false, {})},
        {LinearAxis(5, 9, {}), LinearAxis(7, 13, {})},
        {CubicAxis(5, 9, {}), CubicAxis(7, 13, {0, true})}}) {
    EXPECT_THAT(Resampled(axes, x),
                Pointwise(testing::NanSensitiveFloatEq(), Resampled({one, axes[0], axes[1]}, x)));
  }
}

TEST(ResampleTest, CubicKeepsLinesInside) {
  const std::vector<float> y = Resampled({CubicAxis(8, 8, {})}, {0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_THAT(y, Pointwise(FloatNear(1e-6f), {0.f, 1.f, 2.f, 3.f, 4.f, 5.f, 6.f, 7.f}));
}

TEST(ResampleTest, AntialiasWeightsSumToOne) {
  for (bool cubic : {false, true}) {
    const ResampleAxis axis = AntialiasAxis(13, 5, cubic, {});
    for (int64_t o = 0; o < 5; ++o) {
      const auto begin = axis.weight.begin() + o * axis.taps;
      EXPECT_NEAR(std::accumulate(begin, begin + axis.counts[o], 0.0), 1.0, 1e-6);
    }
  }
}

}  // namespace
}  // namespace ingot::kernels
