#include "backends/onednn/kernels/scatter.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Indices Of(const std::vector<int64_t>& values) {
  return {values.data(), true, static_cast<int64_t>(values.size())};
}

template <class T>
std::vector<T> Scattered(ScatterOp op, ir::DType dtype, std::vector<T> out,
                         const std::vector<int64_t>& index, const std::vector<T>& src) {
  const int64_t dims[] = {static_cast<int64_t>(index.size())}, one[] = {1};
  ScatterArgs args;
  args.op = op;
  args.dtype = dtype;
  args.dims = dims;
  args.src_strides = one;
  args.out_strides = one;
  args.size = static_cast<int64_t>(out.size());
  args.index = Of(index);
  args.src = src.data();
  args.out = out.data();
  EXPECT_TRUE(Scatter(args).ok());
  return out;
}

TEST(ScatterTest, LastOfSeveralWritesWins) {
  EXPECT_THAT(
      Scattered<float>(ScatterOp::kReplace, ir::DType::kFloat32, {0, 0, 0}, {2, 0, 2}, {1, 2, 3}),
      ElementsAre(2, 0, 3));
}

TEST(ScatterTest, Accumulates) {
  EXPECT_THAT(
      Scattered<int64_t>(ScatterOp::kAdd, ir::DType::kInt64, {10, 20}, {1, 1, 0}, {1, 2, 3}),
      ElementsAre(13, 23));
  EXPECT_THAT(
      Scattered<int32_t>(ScatterOp::kProd, ir::DType::kInt32, {10, 20}, {1, 1, 0}, {1, 2, 3}),
      ElementsAre(30, 40));
  EXPECT_THAT(Scattered<float>(ScatterOp::kMax, ir::DType::kFloat32, {1, 5}, {0, 1}, {2, 3}),
              ElementsAre(2, 5));
  EXPECT_THAT(Scattered<float>(ScatterOp::kMin, ir::DType::kFloat32, {1, 5}, {0, 1}, {2, 3}),
              ElementsAre(1, 3));
}

// 2 x 1 x 1 …: sizes of 1 take no place in the walk.
TEST(ScatterTest, TakesAnyNumberOfDimensionsOfSizeOneAndRefusesTooManyOthers) {
  std::vector<int64_t> dims(40, 1), strides(40, 1);
  dims[0] = 2;
  const std::vector<int64_t> index = {1, 1};
  const float src[] = {3, 4};
  float out[] = {1, 2};
  ScatterArgs args;
  args.op = ScatterOp::kAdd;
  args.dims = dims;
  args.src_strides = strides;
  args.out_strides = strides;
  args.size = 2;
  args.index = Of(index);
  args.src = src;
  args.out = out;
  ASSERT_TRUE(Scatter(args).ok());
  EXPECT_THAT(out, ElementsAre(1, 9));
  dims.assign(17, 2);
  strides.resize(17);
  args.dims = dims;
  args.src_strides = strides;
  args.out_strides = strides;
  EXPECT_EQ(Scatter(args).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GatherStrided(args).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(out, ElementsAre(1, 9));
}

TEST(ScatterTest, NanWinsExtremes) {
  const std::vector<float> out =
      Scattered<float>(ScatterOp::kMax, ir::DType::kFloat32, {1, NAN}, {0, 1}, {NAN, 3});
  EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1]));
}

TEST(ScatterTest, AlongAMiddleDimensionByASmallerIndex) {
  // out [2, 3, 2], index [1, 2, 1]
  std::vector<float> out(12, 0), src = {7, 8};
  const std::vector<int64_t> index = {2, 0};
  const int64_t dims[] = {1, 2, 1}, src_strides[] = {2, 1, 1}, out_strides[] = {6, 2, 1};
  ScatterArgs args;
  args.dims = dims;
  args.src_strides = src_strides;
  args.out_strides = out_strides;
  args.along = 1;
  args.size = 3;
  args.index = Of(index);
  args.src = src.data();
  args.out = out.data();
  ASSERT_TRUE(Scatter(args).ok());
  EXPECT_THAT(out, ElementsAre(8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0));
}

TEST(ScatterTest, RefusesAnIndexOutOfRange) {
  for (int64_t bad : {-1, 3}) {
    std::vector<float> out(3, 0), src = {1};
    const std::vector<int64_t> index = {bad};
    const int64_t one[] = {1};
    ScatterArgs args;
    args.dims = one;
    args.src_strides = one;
    args.out_strides = one;
    args.size = 3;
    args.index = Of(index);
    args.src = src.data();
    args.out = out.data();
    const absl::Status status = Scatter(args);
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(std::string(status.message()), HasSubstr("index " + std::to_string(bad)));
  }
}

TEST(GatherStridedTest, ByAnIndexSmallerInAnInnerDimension) {
  const std::vector<float> x = {0, 1, 2, 3, 4, 5};  // [2, 3]
  std::vector<float> out(4);
  const std::vector<int64_t> index = {1, 0, 0, 1};  // [2, 2] along 0
  const int64_t dims[] = {2, 2}, strides[] = {3, 1};
  ScatterArgs args;
  args.dims = dims;
  args.src_strides = strides;
  args.along = 0;
  args.size = 2;
  args.index = Of(index);
  args.src = x.data();
  args.out = out.data();
  ASSERT_TRUE(GatherStrided(args).ok());
  EXPECT_THAT(out, ElementsAre(3, 1, 0, 4));
}

TEST(IndexPutTest, TwoIndicesWithARowOfValues) {
  // out [2, 2, 3]; out[[0, 1], [-1, 0]] (+)= values [3]
  const std::vector<int64_t> first = {0, 1}, second = {-1, 0};
  const Indices indices[] = {Of(first), Of(second)};
  const int64_t dims[] = {2, 3}, out_strides[] = {0, 1}, values_strides[] = {0, 1},
                index_strides[] = {1, 0}, sizes[] = {2, 2}, strides[] = {6, 3};
  for (bool accumulate : {false, true}) {
    std::vector<double> out(12, 1), values = {5, 6, 7};
    IndexPutArgs args;
    args.accumulate = accumulate;
    args.dtype = ir::DType::kFloat64;
    args.dims = dims;
    args.out_strides = out_strides;
    args.values_strides = values_strides;
    args.index_strides = index_strides;
    args.sizes = sizes;
    args.strides = strides;
    args.indices = indices;
    args.values = values.data();
    args.out = out.data();
    ASSERT_TRUE(IndexPut(args).ok());
    const double base = accumulate ? 1 : 0;
    EXPECT_THAT(out, ElementsAre(1, 1, 1, 5 + base, 6 + base, 7 + base, 5 + base, 6 + base,
                                 7 + base, 1, 1, 1));
  }
}

TEST(ScatterReduceTest, MeansWithAndWithoutSelf) {
  const std::vector<int64_t> index = {0, 0, 2};
  const std::vector<float> src = {2, 4, 8};
  const int64_t dims[] = {3}, one[] = {1};
  for (bool include_self : {true, false}) {
    std::vector<float> out = {3, 5, 6};
    std::vector<int64_t> counts(3);
    ScatterReduceArgs args;
    args.scatter.op = ScatterOp::kAdd;
    args.scatter.dims = dims;
    args.scatter.src_strides = one;
    args.scatter.out_strides = one;
    args.scatter.size = 3;
    args.scatter.index = Of(index);
    args.scatter.src = src.data();
    args.scatter.out = out.data();
    args.include_self = include_self;
    args.mean = true;
    args.out_elements = 3;
    args.counts = counts.data();
    ASSERT_TRUE(ScatterReduce(args).ok());
    if (include_self) {
      EXPECT_THAT(out, ElementsAre(3, 5, 7));
    } else {
      EXPECT_THAT(out, ElementsAre(3, 5, 8));
    }
  }
}

TEST(ScatterTest, OneIndexForWholeSlices) {
  // out [2, 3]; slices 2 and 0 along the last dimension get columns of src [2, 2].
  std::vector<float> out(6, 0), src = {1, 2, 3, 4};
  const std::vector<int64_t> index = {2, 0};
  const int64_t dims[] = {2, 2}, src_strides[] = {2, 1}, out_strides[] = {3, 1},
                index_strides[] = {0, 1};
  ScatterArgs args;
  args.dims = dims;
  args.src_strides = src_strides;
  args.out_strides = out_strides;
  args.index_strides = index_strides;
  args.along = 1;
  args.size = 3;
  args.index = Of(index);
  args.src = src.data();
  args.out = out.data();
  ASSERT_TRUE(Scatter(args).ok());
  EXPECT_THAT(out, ElementsAre(2, 0, 1, 4, 0, 3));
}

TEST(MaskedScatterTest, TakesElementsInOrder) {
  const bool mask[] = {true, false, true};
  std::vector<float> out = {0, 0, 0}, src = {7, 8};
  ASSERT_TRUE(MaskedScatter(ir::DType::kFloat32, mask, 3, src.data(), 2, out.data()).ok());
  EXPECT_THAT(out, ElementsAre(7, 0, 8));
  EXPECT_EQ(MaskedScatter(ir::DType::kFloat32, mask, 3, src.data(), 1, out.data()).code(),
            absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace ingot::kernels
