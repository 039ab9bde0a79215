#include "backends/onednn/kernels/copy.h"

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "backends/onednn/kernels/test_targets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

struct Case {
  const char* name;
  std::vector<int64_t> shape, src, dst;
};

const Case kCases[] = {
    {"dense", {4, 5}, {5, 1}, {5, 1}},
    {"nothing", {4, 0, 5}, {5, 5, 1}, {5, 5, 1}},
    {"rank 0", {}, {}, {}},
    {"transpose", {70, 130}, {1, 70}, {130, 1}},
    {"small transpose", {3, 5}, {1, 3}, {5, 1}},
    {"large transpose", {300, 517}, {1, 300}, {517, 1}},
    {"nchw to nhwc", {2, 7, 9, 11}, {693, 9, 1, 63}, {693, 99, 11, 1}},
    {"nhwc to nchw", {2, 11, 7, 9}, {693, 1, 99, 11}, {693, 63, 9, 1}},
    {"heads", {2, 12, 16, 8}, {1536, 8, 96, 1}, {1536, 128, 8, 1}},
    {"slice", {4, 5}, {20, 2}, {5, 1}},
    {"into the middle", {4, 5}, {5, 1}, {9, 1}},
    {"expand", {6, 5}, {0, 1}, {5, 1}},
    {"expand inner", {6, 50}, {1, 0}, {50, 1}},
    {"flip", {6, 5}, {-5, -1}, {5, 1}},
    {"permuted destination", {6, 40}, {40, 1}, {1, 6}},
    {"both strided", {6, 40}, {100, 2}, {1, 9}},
};

class CopyTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(CopyTest);

TEST_P(CopyTest, MovesEveryElementToItsPlaceAndNothingElse) {
  constexpr int64_t kBuffer = 200000;
  for (int size : {1, 2, 4, 8, 16}) {
    std::vector<uint8_t> source(kBuffer * size);
    for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i * 131 + i / 251);
    for (const Case& c : kCases) {
      int64_t start = 0, n = 1;
      for (size_t d = 0; d < c.shape.size(); ++d) {
        n *= c.shape[d];
        if (c.src[d] < 0) start -= c.src[d] * (c.shape[d] - 1);
      }
      std::vector<uint8_t> expected(kBuffer * size, 7);
      for (int64_t i = 0; i < n; ++i) {
        int64_t rest = i, from = start, to = 0;
        for (int d = static_cast<int>(c.shape.size()) - 1; d >= 0; --d) {
          from += rest % c.shape[d] * c.src[d];
          to += rest % c.shape[d] * c.dst[d];
          rest /= c.shape[d];
        }
        std::memcpy(&expected[to * size], &source[from * size], size);
      }
      const auto copy = StridedCopy::Make(c.shape, c.src, c.dst, size);
      ASSERT_TRUE(copy.ok()) << c.name;
      for (int threads : {1, 2}) {
        std::vector<uint8_t> destination(kBuffer * size, 7);
        copy->Run(source.data() + start * size, destination.data(), threads);
        ASSERT_TRUE(destination == expected) << c.name << " of " << size << " bytes";
      }
    }
  }
}

TEST(StridedCopyTest, RefusesOverlappingDestinationsAndUnknownSizes) {
  EXPECT_EQ(StridedCopy::Make({4}, {1}, {0}, 4).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(StridedCopy::Make({4}, {1}, {1}, 3).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(StridedCopy::Make({4}, {1, 1}, {1}, 4).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(StridedCopyTest, TakesAnyNumberOfDimensions) {
  std::vector<int64_t> shape(20, 1), from(20, 0), to(20, 7);
  shape[0] = 2, from[0] = 1, to[0] = 2;
  shape[19] = 2, from[19] = 2, to[19] = 1;
  absl::StatusOr<StridedCopy> copy = StridedCopy::Make(shape, from, to, 4);
  ASSERT_TRUE(copy.ok()) << copy.status();
  const int32_t source[] = {1, 2, 3, 4};
  int32_t turned[4] = {};
  copy->Run(source, turned, 1);
  EXPECT_THAT(turned, testing::ElementsAre(1, 3, 2, 4));
}

TEST(FillTest, WritesTheBoxOnly) {
  std::vector<int32_t> box(20, 0);
  const int32_t value = 9;
  Fill({2, 3}, {5, 1}, 4, &value, box.data() + 6, 1);
  EXPECT_THAT(box, ElementsAre(0, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 9, 9, 9, 0, 0, 0, 0, 0, 0));
  std::vector<uint8_t> bytes(6, 1);
  const uint8_t zero = 0;
  Fill({3}, {2}, 1, &zero, bytes.data(), 1);
  EXPECT_THAT(bytes, ElementsAre(0, 1, 0, 1, 0, 1));
  std::vector<double> large(1 << 18, 1.0);
  const double half = 0.5;
  Fill({1 << 10, 1 << 8}, {1 << 8, 1}, 8, &half, large.data(), 2);
  EXPECT_EQ(std::accumulate(large.begin(), large.end(), 0.0), large.size() * 0.5);
}

}  // namespace
}  // namespace ingot::kernels
