#include "backends/reference/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace ingot::reference {
namespace {

using ir::DType;
using testing::ElementsAre;

TEST(RunTest, LoadsAndStoresWithStrideAndConversion) {
  const std::vector<int32_t> data = {0, 1, 2, 3, 4, 5};
  const ir::Dims dims = {6};
  float row[3];
  LoadRun(ConstTensor{DType::kInt32, dims, data.data()}, 1, 2, 3, row);
  EXPECT_THAT(row, ElementsAre(1.0f, 3.0f, 5.0f));
  std::vector<uint8_t> out(6, 9);
  StoreRun(row, 3, Tensor{DType::kUInt8, dims, out.data()}, 0, 2);
  EXPECT_THAT(out, ElementsAre(1, 9, 3, 9, 5, 9));
}

TEST(RunTest, LongRunsComeInPartsInOrder) {
  std::vector<double> data(1000);
  std::iota(data.begin(), data.end(), 0.0);
  const ir::Dims dims = {1000};
  double next = 0;
  ForEachRun<double>(ConstTensor{DType::kFloat64, dims, data.data()}, 0, 1, 1000,
                     [&](const double* values, int64_t n) {
                       for (int64_t i = 0; i < n; ++i) EXPECT_EQ(values[i], next++);
                     });
  EXPECT_EQ(next, 1000);
}

TEST(LayoutTest, BroadcastRepeatsByStrideZero) {
  EXPECT_EQ(BroadcastLayout({3, 1}, {2, 3, 4}).strides, (ir::Dims{0, 1, 0}));
  EXPECT_EQ(BroadcastLayout({}, {2}).strides, (ir::Dims{0}));
}

TEST(LayoutTest, AxisSplitsSizes) {
  const Axis axis = AxisOf({2, 3, 4, 5}, -3);
  EXPECT_EQ(axis.outer, 2);
  EXPECT_EQ(axis.size, 3);
  EXPECT_EQ(axis.inner, 20);
  EXPECT_EQ(AxisOf({}, -1).size, 1);
}

TEST(CopyElementsTest, TransposesBitsUnchanged) {
  const std::vector<uint32_t> data = {0x7fc00001, 1, 2, 3, 4, 0xffc12345};  // NaNs with payloads
  std::vector<uint32_t> out(6);
  const ir::Dims in_dims = {2, 3}, out_dims = {3, 2};
  CopyElements({DType::kFloat32, in_dims, data.data()}, {{1, 3}, 0},
               {DType::kFloat32, out_dims, out.data()}, DenseLayout(out_dims), out_dims);
  EXPECT_THAT(out, ElementsAre(0x7fc00001, 3, 1, 4, 2, 0xffc12345));
}

TEST(CopyElementsTest, ConvertsBetweenDTypes) {
  const std::vector<double> data = {0.5, 0.0, -1.0};
  const ir::Dims dims = {3};
  bool flags[3];
  CopyDense({DType::kFloat64, dims, data.data()}, {DType::kBool, dims, flags});
  EXPECT_THAT(flags, ElementsAre(true, false, true));
}

TEST(CopyElementsTest, EmptyTensorsNeedNoData) {
  const ir::Dims dims = {0, 3};
  CopyDense({DType::kFloat32, dims, nullptr}, {DType::kFloat32, dims, nullptr});
  CopyElements({DType::kFloat32, dims, nullptr}, DenseLayout(dims),
               {DType::kFloat64, dims, nullptr}, DenseLayout(dims), dims);
}

}  // namespace
}  // namespace ingot::reference
