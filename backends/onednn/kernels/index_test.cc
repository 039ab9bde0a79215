#include "backends/onednn/kernels/index.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

template <class T>
Indices Of(const std::vector<T>& values) {
  return {values.data(), sizeof(T) == 8, static_cast<int64_t>(values.size())};
}

TEST(TakeTest, RowsOfAnEmbeddingTable) {
  for (int64_t width : {1, 2, 3, 96}) {
    for (int64_t count : {0, 1, 5, 3000}) {
      const int64_t size = 11;
      std::vector<float> table(size * width);
      for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i);
      std::vector<int64_t> wide(count);
      std::vector<int32_t> narrow(count);
      for (int64_t i = 0; i < count; ++i) narrow[i] = static_cast<int32_t>(wide[i] = i * 7 % size);
      for (bool is_i64 : {true, false}) {
        std::vector<float> out(count * width);
        TakeArgs args;
        args.x = table.data();
        args.size = size;
        args.inner_bytes = width * 4;
        args.indices = is_i64 ? Of(wide) : Of(narrow);
        args.out = out.data();
        ASSERT_TRUE(Take(args, 2).ok());
        for (int64_t i = 0; i < count * width; ++i) {
          ASSERT_EQ(out[i], wide[i / width] * width + i % width);
        }
      }
    }
  }
}

TEST(TakeTest, AlongAMiddleDimension) {
  const std::vector<int16_t> x = {0, 1, 2, 10, 11, 12};  // [2, 3]
  const std::vector<int64_t> index = {2, 0};
  std::vector<int16_t> out(4);
  TakeArgs args{x.data(), 2, 3, 2, Of(index), false, out.data()};
  ASSERT_TRUE(Take(args, 1).ok());
  EXPECT_THAT(out, ElementsAre(2, 0, 12, 10));
}

TEST(TakeTest, NamesTheFirstBadIndex) {
  const std::vector<float> table(4 * 2);
  for (int64_t bad : {int64_t{4}, int64_t{-1}, int64_t{1} << 40, -(int64_t{1} << 40)}) {
    const std::vector<int64_t> index = {3, bad, 77};
    std::vector<float> out(6);
    TakeArgs args{table.data(), 1, 4, 8, Of(index), false, out.data()};
    const absl::Status status = Take(args, 1);
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(bad) + " at position 1"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("size 4"));
  }
}

TEST(TakeTest, NegativeIndicesCountFromTheEndOnlyWhenAllowed) {
  const std::vector<int32_t> x = {5, 6, 7};
  const std::vector<int64_t> index = {-1, -3};
  std::vector<int32_t> out(2);
  TakeArgs args{x.data(), 1, 3, 4, Of(index), true, out.data()};
  ASSERT_TRUE(Take(args, 1).ok());
  EXPECT_THAT(out, ElementsAre(7, 5));
  const std::vector<int64_t> below = {-4};
  args.indices = Of(below);
  EXPECT_FALSE(Take(args, 1).ok());
}

TEST(GatherTest, PicksElementByElement) {
  // x [2, 3, 2], index [2, 2, 2] along the middle.
  const std::vector<float> x = {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15};
  const std::vector<int64_t> index = {2, 0, 1, 1, 0, 2, 2, 2};
  std::vector<float> out(8);
  GatherArgs args{x.data(), 3, 2, 4, 2, 2, 2, Of(index), out.data()};
  ASSERT_TRUE(Gather(args, 1).ok());
  EXPECT_THAT(out, ElementsAre(4, 1, 2, 3, 10, 15, 14, 15));
  const std::vector<int64_t> bad = {0, 0, 0, 3, 0, 0, 0, 0};
  args.index = Of(bad);
  EXPECT_EQ(Gather(args, 1).code(), absl::StatusCode::kOutOfRange);
}

TEST(MultiIndexTest, SeveralAdjacentDimensions) {
  // x [2, 3, 4, 2] indexed along its two middle dimensions.
  std::vector<int64_t> x(48);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int64_t>(i);
  const std::vector<int64_t> first = {0, 2, -1}, second = {3, 1, -4};
  const int64_t sizes[] = {3, 4};
  const Indices indices[] = {Of(first), Of(second)};
  std::vector<int64_t> out(12), expected;
  for (int64_t o = 0; o < 2; ++o) {
    for (int64_t row : {0 * 4 + 3, 2 * 4 + 1, 2 * 4 + 0}) {
      for (int64_t i = 0; i < 2; ++i) expected.push_back((o * 12 + row) * 2 + i);
    }
  }
  MultiIndexArgs args{x.data(), 2, sizes, 16, indices, out.data()};
  ASSERT_TRUE(MultiIndex(args, 1).ok());
  EXPECT_THAT(out, ElementsAreArray(expected));

  const std::vector<int64_t> bad = {0, 4, 0};
  const Indices with_bad[] = {Of(first), Of(bad)};
  args.indices = with_bad;
  const absl::Status status = MultiIndex(args, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), HasSubstr("index 4 at position 1"));
}

}  // namespace
}  // namespace ingot::kernels
