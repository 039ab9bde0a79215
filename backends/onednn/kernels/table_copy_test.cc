#include "backends/onednn/kernels/table_copy.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

TEST(TableCopyTest, MirrorsRowsOfTwoPlanes) {
  const std::vector<int16_t> x = {1, 2, 3, 4};
  std::vector<int16_t> y(6);
  const std::vector<int64_t> offsets[] = {{1, 0, 1}};
  TableCopy({2, 2, 2, offsets, x.data(), y.data()}, 2);
  EXPECT_THAT(y, ElementsAre(2, 1, 2, 4, 3, 4));
}

TEST(TableCopyTest, InTwoDimensions) {
  const std::vector<double> x = {1, 2, 3, 4};
  std::vector<double> y(6);
  const std::vector<int64_t> offsets[] = {{0, 2, 2}, {0, 1}};
  TableCopy({8, 1, 4, offsets, x.data(), y.data()}, 1);
  EXPECT_THAT(y, ElementsAre(1, 2, 3, 4, 3, 4));
}

}  // namespace
}  // namespace ingot::kernels
