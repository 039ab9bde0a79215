#include "tools/ingot/elements.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/runtime/host_tensor.h"

namespace ingot::tools {
namespace {

using runtime::HostTensor;

// Bit patterns from IEEE 754-2019, table 3.5 (binary16), and NumPy's float16.
TEST(HalfTest, ConvertsThePublishedPatterns) {
  const std::pair<uint16_t, float> cases[] = {
      {0x0000, 0.0f},     {0x3c00, 1.0f},         {0xc000, -2.0f},    {0x7bff, 65504.0f},
      {0x0400, 0x1p-14f}, {0x03ff, 0x1.ff8p-15f}, {0x0001, 0x1p-24f}, {0x3555, 0.33325195f},
      {0x7c00, INFINITY}, {0xfc00, -INFINITY}};
  for (const auto& [bits, value] : cases) {
    EXPECT_EQ(HalfToFloat(bits), value) << std::hex << bits;
    EXPECT_EQ(FloatToHalf(value), bits) << value;
  }
  EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(NAN))));
}

TEST(HalfTest, RoundsToNearestEven) {
  EXPECT_EQ(FloatToHalf(2049.0f), FloatToHalf(2048.0f));
  EXPECT_EQ(FloatToHalf(2051.0f), FloatToHalf(2052.0f));
  EXPECT_EQ(FloatToHalf(65519.0f), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(FloatToHalf(0x1p-25f), 0x0000);
  EXPECT_EQ(FloatToHalf(0x1.8p-25f), 0x0001);
}

TEST(HalfTest, EveryPatternRoundTrips) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(FloatToHalf(value), bits);
  }
}

TEST(BFloat16Test, RoundsToNearestEven) {
  EXPECT_EQ(FloatToBFloat16(1.0f), 0x3f80);
  EXPECT_EQ(FloatToBFloat16(257.0f), FloatToBFloat16(256.0f));
  EXPECT_EQ(FloatToBFloat16(259.0f), FloatToBFloat16(260.0f));
  EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(NAN))));
}

std::vector<ir::DType> AllDTypes() {
  std::vector<ir::DType> all;
  for (int i = 0; i < ir::kNumDTypes; ++i) all.push_back(static_cast<ir::DType>(i));
  return all;
}

class ElementsTest : public testing::TestWithParam<ir::DType> {};

TEST_P(ElementsTest, StoreAndLoadAgree) {
  auto tensor = HostTensor::Create({GetParam(), {2, 2}});
  ASSERT_TRUE(tensor.ok());
  const bool is_bool = GetParam() == ir::DType::kBool;
  for (int64_t i = 0; i < 4; ++i) StoreElement(tensor->view(), i, is_bool ? i % 2 : i);
  const std::vector<double> expected =
      is_bool ? std::vector<double>{0, 1, 0, 1} : std::vector<double>{0, 1, 2, 3};
  EXPECT_EQ(ElementsAsDouble(tensor->view()), expected);
  StoreElement(tensor->view(), 0, std::complex<double>(1, 0));
  EXPECT_EQ(ElementsAsInt(tensor->view())[0], 1);
}

INSTANTIATE_TEST_SUITE_P(DTypes, ElementsTest, testing::ValuesIn(AllDTypes()),
                         [](const auto& info) { return std::string(ir::DTypeName(info.param)); });

TEST(ElementsText, ShowsNestingAndNumbers) {
  auto tensor = HostTensor::Create({ir::DType::kFloat32, {2, 2}});
  ASSERT_TRUE(tensor.ok());
  tensor->data<float>()[3] = 0.5f;
  EXPECT_EQ(ElementsText(tensor->view()), "[[0, 0], [0, 0.5]]");
  auto scalar = HostTensor::Create({ir::DType::kBool, {}});
  ASSERT_TRUE(scalar.ok());
  EXPECT_EQ(ElementsText(scalar->view()), "false");
  auto empty = HostTensor::Create({ir::DType::kInt64, {2, 0}});
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(ElementsText(empty->view()), "[[], []]");
}

TEST(ElementsText, AbridgesWhatIsLong) {
  auto tensor = HostTensor::Create({ir::DType::kInt64, {8}});
  ASSERT_TRUE(tensor.ok());
  for (int64_t i = 0; i < 8; ++i) tensor->data<int64_t>()[i] = i;
  EXPECT_EQ(ElementsText(tensor->view(), 7), "[0, 1, 2, ..., 5, 6, 7]");
}

TEST(RowMajorBytes, FollowsStrides) {
  auto tensor = HostTensor::Create({ir::DType::kUInt8, {2, 2}}, {1, 2});
  ASSERT_TRUE(tensor.ok());
  for (uint8_t i = 0; i < 4; ++i) tensor->data<uint8_t>()[i] = i;
  EXPECT_EQ(RowMajorBytes(tensor->view()), std::string("\0\2\1\3", 4));
}

}  // namespace
}  // namespace ingot::tools
