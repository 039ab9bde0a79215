// The same against the dlpack.h that LibTorch ships, and its codes of element types.

#include <ATen/dlpack.h>
#include <gtest/gtest.h>

#include <cstddef>

#include "core/plugin/abi/ingot_backend.h"
#include "core/plugin/tensor.h"

namespace ingot::plugin {
namespace {

static_assert(sizeof(ingot_tensor) == sizeof(DLTensor));
static_assert(offsetof(ingot_tensor, device_type) == offsetof(DLTensor, device));
static_assert(offsetof(ingot_tensor, ndim) == offsetof(DLTensor, ndim));
static_assert(offsetof(ingot_tensor, dtype_code) == offsetof(DLTensor, dtype));
static_assert(offsetof(ingot_tensor, shape) == offsetof(DLTensor, shape));
static_assert(offsetof(ingot_tensor, strides) == offsetof(DLTensor, strides));
static_assert(offsetof(ingot_tensor, byte_offset) == offsetof(DLTensor, byte_offset));

TEST(DlpackLibtorchTest, CodesAreTheSame) {
  EXPECT_EQ(ToDTypeCode(ir::DType::kBool).code, kDLBool);
  EXPECT_EQ(ToDTypeCode(ir::DType::kUInt8).code, kDLUInt);
  for (const ir::DType dtype :
       {ir::DType::kInt8, ir::DType::kInt16, ir::DType::kInt32, ir::DType::kInt64}) {
    EXPECT_EQ(ToDTypeCode(dtype).code, kDLInt);
  }
  for (const ir::DType dtype : {ir::DType::kFloat16, ir::DType::kFloat32, ir::DType::kFloat64}) {
    EXPECT_EQ(ToDTypeCode(dtype).code, kDLFloat);
  }
  EXPECT_EQ(ToDTypeCode(ir::DType::kBFloat16).code, kDLBfloat);
  EXPECT_EQ(ToDTypeCode(ir::DType::kComplex64).code, kDLComplex);
  EXPECT_EQ(ToDTypeCode(ir::DType::kComplex128).code, kDLComplex);
}

TEST(DlpackLibtorchTest, TheCpuIsTheSame) {
  EXPECT_EQ(MakeTensor(nullptr, ir::DType::kFloat32, {}, {}).device_type, kDLCPU);
}

}  // namespace
}  // namespace ingot::plugin
