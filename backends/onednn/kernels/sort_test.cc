#include "backends/onednn/kernels/sort.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

struct Sorted {
  std::vector<float> values;
  std::vector<int64_t> indices;
};

Sorted Ordered(const std::vector<float>& x, int64_t outer, int64_t n, int64_t inner,
               bool descending, int64_t k = -1, bool sorted = true) {
  constexpr int kThreads = 2;
  const int64_t keep = k < 0 ? n : k;
  Sorted result{std::vector<float>(outer * keep * inner),
                std::vector<int64_t>(outer * keep * inner)};
  std::vector<double> scratch(SortScratchBytes(ir::DType::kFloat32, n, kThreads) / 8);
  SortArgs args;
  args.outer = outer;
  args.n = n;
  args.inner = inner;
  args.descending = descending;
  args.x = x.data();
  args.scratch = scratch.data();
  args.values = result.values.data();
  args.indices = result.indices.data();
  k < 0 ? Sort(args, kThreads) : TopK(args, k, sorted, kThreads);
  return result;
}

TEST(SortTest, IsStableAndTakesNanForTheGreatest) {
  const std::vector<float> x = {2, NAN, 1, 2, -std::numeric_limits<float>::infinity()};
  EXPECT_THAT(Ordered(x, 1, 5, 1, false).indices, ElementsAre(4, 2, 0, 3, 1));
  EXPECT_THAT(Ordered(x, 1, 5, 1, true).indices, ElementsAre(1, 0, 3, 2, 4));
}

TEST(SortTest, AlongAnOuterDimension) {
  const Sorted sorted = Ordered({3, 1, 2, 5}, 1, 2, 2, false);
  EXPECT_THAT(sorted.values, ElementsAre(2, 1, 3, 5));
  EXPECT_THAT(sorted.indices, ElementsAre(1, 0, 0, 1));
}

TEST(SortTest, LongRowsOnTwoThreads) {
  std::vector<float> x(8 * 4096);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 4099);
  const Sorted sorted = Ordered(x, 8, 4096, 1, false);
  for (int64_t row = 0; row < 8; ++row) {
    const auto begin = sorted.values.begin() + row * 4096;
    EXPECT_TRUE(std::is_sorted(begin, begin + 4096));
  }
}

TEST(TopKTest, PartialAndFullSelection) {
  std::vector<float> x(1000);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1000);
  for (int64_t k : {0, 1, 5, 500, 1000}) {
    for (bool largest : {false, true}) {
      const Sorted top = Ordered(x, 1, 1000, 1, largest, k);
      for (int64_t i = 0; i < k; ++i) {
        EXPECT_EQ(top.values[i], static_cast<float>(largest ? 999 - i : i));
        EXPECT_EQ(x[top.indices[i]], top.values[i]);
      }
    }
  }
}

TEST(TopKTest, UnsortedHasTheSameElements) {
  Sorted top = Ordered({5, 1, 4, 2, 3}, 1, 5, 1, true, 3, false);
  std::sort(top.values.begin(), top.values.end());
  EXPECT_THAT(top.values, ElementsAre(3, 4, 5));
}

TEST(MedianTest, LowerMedianAndNan) {
  std::vector<double> scratch(SortScratchBytes(ir::DType::kFloat32, 5, 1) / 8);
  const auto median = [&](const std::vector<float>& x, bool ignore_nan) {
    float value = 0;
    int64_t index = -1;
    SortArgs args;
    args.n = static_cast<int64_t>(x.size());
    args.x = x.data();
    args.scratch = scratch.data();
    args.values = &value;
    args.indices = &index;
    Median(args, ignore_nan, 1);
    return std::pair(value, index);
  };
  EXPECT_EQ(median({3, 1, 2, 4}, false), std::pair(2.0f, int64_t{2}));
  EXPECT_EQ(median({3, NAN, 2, NAN}, true), std::pair(2.0f, int64_t{2}));
  EXPECT_TRUE(std::isnan(median({3, NAN, 2, NAN}, false).first));
  EXPECT_EQ(median({3, NAN, 2, NAN}, false).second, 1);
  EXPECT_TRUE(std::isnan(median({NAN, NAN}, true).first));
  EXPECT_TRUE(std::isnan(median({}, false).first));
}

}  // namespace
}  // namespace ingot::kernels
