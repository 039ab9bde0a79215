#include "tests/conformance/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ingot::conformance {
namespace {

using ir::DType;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

HostTensor One(DType dtype, double value) {
  HostTensor tensor({dtype, {1}});
  tensor.SetDouble(0, value);
  return tensor;
}

TEST(DifferenceTest, AllowsWhatAssertCloseAllows) {
  EXPECT_THAT(Difference(One(DType::kFloat32, 1 + 1e-6), One(DType::kFloat32, 1)), IsEmpty());
  EXPECT_THAT(Difference(One(DType::kFloat32, 1 + 2e-5), One(DType::kFloat32, 1)),
              HasSubstr("element 0 is"));
  EXPECT_THAT(Difference(One(DType::kFloat32, 1 + 2e-5), One(DType::kFloat32, 1), {4, 0}),
              IsEmpty());
  EXPECT_THAT(Difference(One(DType::kBFloat16, 1.0078125), One(DType::kBFloat16, 1)), IsEmpty());
  EXPECT_THAT(Difference(One(DType::kInt8, 3), One(DType::kInt8, 4)), Not(IsEmpty()));
}

TEST(DifferenceTest, NanEqualsNanAndInfinitiesTheirOwnSign) {
  const double inf = std::numeric_limits<double>::infinity();
  for (DType dtype : {DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64}) {
    EXPECT_THAT(Difference(One(dtype, std::nan("")), One(dtype, std::nan(""))), IsEmpty());
    EXPECT_THAT(Difference(One(dtype, inf), One(dtype, inf)), IsEmpty());
    EXPECT_THAT(Difference(One(dtype, -inf), One(dtype, inf)), Not(IsEmpty()));
    EXPECT_THAT(Difference(One(dtype, std::nan("")), One(dtype, 0)), Not(IsEmpty()));
    EXPECT_THAT(Difference(One(dtype, inf), One(dtype, 1e4)), Not(IsEmpty()));
  }
}

TEST(DifferenceTest, ComplexNumbersHaveTwoParts) {
  HostTensor a({DType::kComplex64, {1}}), b({DType::kComplex64, {1}});
  EXPECT_THAT(Difference(a, b), IsEmpty());
  a.SetDouble(1, 0.5);
  EXPECT_THAT(Difference(a, b), HasSubstr("element 1 is 0.5"));
}

TEST(DifferenceTest, TypesMustBeEqual) {
  EXPECT_THAT(Difference(One(DType::kFloat32, 1), One(DType::kFloat64, 1)), HasSubstr("type"));
}

TEST(HostTensorTest, TheGuardNoticesWritesBehindTheEnd) {
  HostTensor tensor = One(DType::kFloat32, 1);
  EXPECT_TRUE(tensor.GuardIntact());
  static_cast<float*>(tensor.data())[1] = 0;
  EXPECT_FALSE(tensor.GuardIntact());
}

TEST(HostTensorTest, HalvesReadWhatWasWritten) {
  for (double value : {0.0, 1.0, -2.5, 0.0001, 1024.0}) {
    EXPECT_NEAR(One(DType::kFloat16, value).Double(0), value, std::abs(value) / 1024);
    EXPECT_NEAR(One(DType::kBFloat16, value).Double(0), value, std::abs(value) / 128);
  }
}

}  // namespace
}  // namespace ingot::conformance
