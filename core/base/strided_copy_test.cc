#include "core/base/strided_copy.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using testing::ElementsAre;

TEST(StridedCopyTest, TransposesAndBroadcasts) {
  const std::vector<float> src = {1, 2, 3, 4, 5, 6};
  std::vector<float> dst(6);
  StridedCopy({3, 2}, 4, src.data(), {1, 3}, dst.data(), {2, 1});
  EXPECT_THAT(dst, ElementsAre(1, 4, 2, 5, 3, 6));
  StridedCopy({2, 3}, 4, src.data(), {0, 1}, dst.data(), {3, 1});
  EXPECT_THAT(dst, ElementsAre(1, 2, 3, 1, 2, 3));
}

TEST(StridedCopyTest, ScalarsAndEmptyTensors) {
  const int64_t one = 7;
  int64_t out = 0;
  StridedCopy({}, 8, &one, {}, &out, {});
  EXPECT_EQ(out, 7);
  StridedCopy({2, 0}, 8, nullptr, {0, 1}, nullptr, {0, 1});
}

TEST(StridedCopyTest, MemoryNeedNotBeAligned) {
  std::vector<char> src(1 + 6 * 4), dst(3 + 6 * 4), back(6 * 4);
  std::iota(src.begin(), src.end(), 0);
  StridedCopy({2, 3}, 4, src.data() + 1, {1, 2}, dst.data() + 3, {3, 1});
  StridedCopy({2, 3}, 4, dst.data() + 3, {3, 1}, back.data(), {1, 2});
  EXPECT_TRUE(std::equal(back.begin(), back.end(), src.begin() + 1));
}

TEST(StridedCopyTest, EveryElementSizeMakesTheSameMoves) {
  for (size_t size : {1, 2, 4, 8, 16}) {
    std::vector<uint8_t> src(24 * size), dst(24 * size), back(24 * size);
    std::iota(src.begin(), src.end(), 0);
    StridedCopy({2, 3, 4}, size, src.data(), {12, 4, 1}, dst.data(), {1, 2, 6});
    StridedCopy({2, 3, 4}, size, dst.data(), {1, 2, 6}, back.data(), {12, 4, 1});
    EXPECT_EQ(back, src) << size;
    EXPECT_NE(dst, src) << size;
  }
}

TEST(IsRowMajorTest, IgnoresStridesOfSizesZeroAndOne) {
  const int64_t odd[] = {99, 3, 1};
  EXPECT_TRUE(IsRowMajor({1, 2, 3}, odd));
  EXPECT_FALSE(IsRowMajor({2, 2, 3}, odd));
  EXPECT_TRUE(IsRowMajor({2, 0, 3}, odd));
  EXPECT_TRUE(IsRowMajor({}, nullptr));
}

}  // namespace
}  // namespace ingot
