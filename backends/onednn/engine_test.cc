#include "backends/onednn/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"

namespace ingot::onednn {
namespace {

using testing::HasSubstr;

TEST(MemoryDescTest, ALayoutThatOneDnnRefusesIsPresentAndNotValid) {
  // Elements [0, 8] and [1, 0] share a place.
  const MemoryDesc windows = MemoryDesc::Strided(ir::DType::kFloat32, {4, 9}, {8, 1});
  EXPECT_TRUE(windows.present());
  EXPECT_FALSE(windows.valid());
}

TEST(AttributesTest, ARefusedOperandOfAPostOpIsAnError) {
  Attributes attributes;
  attributes.AppendBinary(dnnl_binary_add,
                          MemoryDesc::Strided(ir::DType::kFloat32, {4, 9}, {8, 1}));
  EXPECT_THAT(attributes.Get(), StatusIs(absl::StatusCode::kInternal, HasSubstr("layout")));
}

TEST(AttributesTest, PostOpsAreCounted) {
  Attributes attributes;
  attributes.AppendBinary(dnnl_binary_add, MemoryDesc::RowMajor(ir::DType::kFloat32, {4, 8}));
  attributes.AppendEltwise(dnnl_eltwise_tanh, 0, 0);
  EXPECT_EQ(attributes.size(), 2);
  EXPECT_THAT(attributes.Get(), IsOk());
}

}  // namespace
}  // namespace ingot::onednn
