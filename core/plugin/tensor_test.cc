#include "core/plugin/tensor.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace ingot::plugin {
namespace {

TEST(DTypeCodeTest, RoundTripsEveryDType) {
  for (int i = 0; i < ir::kNumDTypes; ++i) {
    const auto dtype = static_cast<ir::DType>(i);
    const DTypeCode code = ToDTypeCode(dtype);
    EXPECT_EQ(FromDTypeCode(code.code, code.bits), dtype);
    EXPECT_EQ(code.bits, 8 * ir::ElementSize(dtype)) << ir::DTypeName(dtype);
  }
}

TEST(DTypeCodeTest, HasDlpackCodes) {
  EXPECT_EQ(ToDTypeCode(ir::DType::kBool), (DTypeCode{6, 8}));
  EXPECT_EQ(ToDTypeCode(ir::DType::kBFloat16), (DTypeCode{4, 16}));
  EXPECT_EQ(ToDTypeCode(ir::DType::kFloat16), (DTypeCode{2, 16}));
  EXPECT_EQ(ToDTypeCode(ir::DType::kComplex128), (DTypeCode{5, 128}));
}

TEST(DTypeCodeTest, KnowsNoUnsignedWideIntegers) {
  EXPECT_EQ(FromDTypeCode(1, 32), std::nullopt);
  EXPECT_EQ(FromDTypeCode(3, 64), std::nullopt);
}

TEST(TensorTest, DescribesTheCallersMemory) {
  std::vector<float> data(6);
  const std::vector<int64_t> dims = {2, 3};
  const std::vector<int64_t> strides = {3, 1};
  ingot_tensor tensor = MakeTensor(data.data(), ir::DType::kFloat32, dims, strides);
  EXPECT_EQ(TensorDType(tensor), ir::DType::kFloat32);
  EXPECT_EQ(TensorDims(tensor), absl::MakeConstSpan(dims));
  EXPECT_EQ(TensorStrides(tensor), absl::MakeConstSpan(strides));
  EXPECT_EQ(TensorData<float>(tensor), data.data());
  tensor.byte_offset = 8;
  EXPECT_EQ(TensorData<float>(tensor), data.data() + 2);
}

TEST(TensorTest, HasNoDTypeForVectorElements) {
  ingot_tensor tensor = MakeTensor(nullptr, ir::DType::kFloat32, {}, {});
  tensor.dtype_lanes = 4;
  EXPECT_EQ(TensorDType(tensor), std::nullopt);
}

}  // namespace
}  // namespace ingot::plugin
