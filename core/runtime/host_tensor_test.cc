#include "core/runtime/host_tensor.h"

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(HostTensorTest, IsZeroFilledAndRowMajorByDefault) {
  absl::StatusOr<HostTensor> t = HostTensor::Create({ir::DType::kFloat32, {2, 3}});
  ASSERT_THAT(t, IsOk());
  EXPECT_THAT(t->strides(), ElementsAre(3, 1));
  EXPECT_EQ(t->data<float>()[5], 0.0f);
  const ingot_tensor view = t->view();
  EXPECT_EQ(view.ndim, 2);
  EXPECT_EQ(view.shape[1], 3);
}

TEST(HostTensorTest, CopyMakesAStridedTensorRowMajor) {
  absl::StatusOr<HostTensor> t = HostTensor::Create({ir::DType::kInt64, {2, 2}}, {1, 2});
  ASSERT_THAT(t, IsOk());
  for (int i = 0; i < 4; ++i) t->data<int64_t>()[i] = i;
  absl::StatusOr<HostTensor> copy = HostTensor::Copy(t->view());
  ASSERT_THAT(copy, IsOk());
  EXPECT_THAT(std::vector<int64_t>(copy->data<int64_t>(), copy->data<int64_t>() + 4),
              ElementsAre(0, 2, 1, 3));
}

TEST(HostTensorTest, BadSizesAndStridesAreRefused) {
  struct Case {
    ir::TensorType type;
    ir::Dims strides;
    const char* message;
  };
  const Case cases[] = {
      {{ir::DType::kFloat32, {-1}}, {}, "must not be negative"},
      {{ir::DType::kFloat32, {2}}, {-1}, "must not be negative"},
      {{ir::DType::kFloat32, {2, 3}}, {1}, "needs 2 strides, not 1"},
      {{ir::DType::kFloat32, {int64_t{1} << 40, int64_t{1} << 40}}, {}, "too large"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(HostTensor::Create(c.type, c.strides),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

TEST(HostTensorTest, EmptyTensorsHaveNoMemory) {
  absl::StatusOr<HostTensor> t = HostTensor::Create({ir::DType::kFloat32, {0, 3}});
  ASSERT_THAT(t, IsOk());
  EXPECT_EQ(t->view().data, nullptr);
}

}  // namespace
}  // namespace ingot::runtime
