#include "backends/onednn/kernels/grid_sample.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

std::vector<float> Sampled(const std::vector<float>& x, int64_t height, int64_t width,
                           const std::vector<float>& grid, GridInterpolation interpolation,
                           GridPadding padding) {
  std::vector<float> y(grid.size() / 2);
  GridSampleArgs args;
  args.interpolation = interpolation;
  args.padding = padding;
  args.align_corners = true;
  args.in[1] = height;
  args.in[2] = width;
  args.points = static_cast<int64_t>(y.size());
  args.x = x.data();
  args.grid = grid.data();
  args.y = y.data();
  GridSample(args, 2);
  return y;
}

TEST(GridSampleTest, CornersAndTheMiddle) {
  const std::vector<float> x = {0, 2, 4, 6}, grid = {-1, -1, 1, -1, 0, 0, 1, 1};
  EXPECT_THAT(Sampled(x, 2, 2, grid, GridInterpolation::kLinear, GridPadding::kZeros),
              ElementsAre(0, 2, 3, 6));
  EXPECT_THAT(Sampled(x, 2, 2, {-0.9, 0.9}, GridInterpolation::kNearest, GridPadding::kZeros),
              ElementsAre(4));
}

TEST(GridSampleTest, Paddings) {
  const std::vector<float> x = {1, 2, 3}, grid = {3, 0};  // two pixels to the right of the last
  EXPECT_THAT(Sampled(x, 1, 3, grid, GridInterpolation::kNearest, GridPadding::kZeros),
              ElementsAre(0));
  EXPECT_THAT(Sampled(x, 1, 3, grid, GridInterpolation::kNearest, GridPadding::kBorder),
              ElementsAre(3));
  EXPECT_THAT(Sampled(x, 1, 3, grid, GridInterpolation::kNearest, GridPadding::kReflection),
              ElementsAre(1));
}

TEST(GridSampleTest, CubicMeetsThePixels) {
  const std::vector<float> x = {1, 5, 3, 2, 8, 4, 0, 7, 6}, grid = {0, 0, -1, 1};
  EXPECT_THAT(Sampled(x, 3, 3, grid, GridInterpolation::kCubic, GridPadding::kBorder),
              ElementsAre(8, 0));
}

}  // namespace
}  // namespace ingot::kernels
