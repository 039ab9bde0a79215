#include "backends/onednn/kernels/search.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

std::vector<int64_t> Searched(const std::vector<float>& sorted, const std::vector<float>& values,
                              bool right, const std::vector<int64_t>& order = {}) {
  std::vector<int64_t> out(values.size());
  SearchArgs args;
  args.right = right;
  args.count = static_cast<int64_t>(values.size());
  args.length = static_cast<int64_t>(sorted.size());
  args.shared = true;
  args.sorted = sorted.data();
  args.order = order.empty() ? nullptr : order.data();
  args.values = values.data();
  args.out = out.data();
  EXPECT_TRUE(SearchSorted(args, 2).ok());
  return out;
}

TEST(SearchSortedTest, CountsElementsBelowOrNotAbove) {
  EXPECT_THAT(Searched({1, 3, 3, 5}, {0, 3, 4, 9, NAN}, false), ElementsAre(0, 1, 3, 4, 4));
  EXPECT_THAT(Searched({1, 3, 3, 5}, {0, 3, 4, 9, NAN}, true), ElementsAre(0, 3, 3, 4, 4));
  EXPECT_THAT(Searched({}, {1}, false), ElementsAre(0));
}

TEST(SearchSortedTest, ThroughASorter) {
  EXPECT_THAT(Searched({5, 1, 3}, {2, 6}, false, {1, 2, 0}), ElementsAre(1, 3));
}

TEST(SearchSortedTest, RefusesAPlaceOutsideOfTheRow) {
  const float sorted[] = {1, 2}, value[] = {1};
  const int64_t order[] = {0, 2};
  int64_t out[1];
  SearchArgs args;
  args.count = 1;
  args.length = 2;
  args.shared = true;
  args.sorted = sorted;
  args.order = order;
  args.values = value;
  args.out = out;
  EXPECT_EQ(SearchSorted(args, 1).code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace ingot::kernels
