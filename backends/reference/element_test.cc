#include "backends/reference/element.h"

#include <gtest/gtest.h>

namespace ingot::reference {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Codes from IEEE 754-2019, binary16.
TEST(Float16Test, KnownCodes) {
  const struct {
    float value;
    uint16_t bits;
  } kCases[] = {{0.0f, 0x0000},         {-0.0f, 0x8000},          {1.0f, 0x3c00},
                {-2.0f, 0xc000},        {65504.0f, 0x7bff},       {kInf, 0x7c00},
                {-kInf, 0xfc00},        {0x1p-14f, 0x0400},       {0x1p-24f, 0x0001},
                {0x1.ff8p-15f, 0x03ff}, {0.333251953125f, 0x3555}};
  for (const auto& c : kCases) {
    EXPECT_EQ(ToFloat16(c.value).bits, c.bits) << c.value;
    EXPECT_EQ(std::bit_cast<uint32_t>(ToFloat(Float16{c.bits})), std::bit_cast<uint32_t>(c.value))
        << c.value;
  }
}

TEST(Float16Test, EveryCodeSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = ToFloat(Float16{static_cast<uint16_t>(bits)});
    if (std::isnan(value)) continue;
    EXPECT_EQ(ToFloat16(value).bits, bits);
  }
}

TEST(Float16Test, RoundsToNearestEven) {
  EXPECT_EQ(ToFloat16(1.0f + 0x1p-11f).bits, 0x3c00);             // tie: down to even
  EXPECT_EQ(ToFloat16(1.0f + 3 * 0x1p-11f).bits, 0x3c02);         // tie: up to even
  EXPECT_EQ(ToFloat16(1.0f + 0x1p-11f + 0x1p-20f).bits, 0x3c01);  // above the tie
  EXPECT_EQ(ToFloat16(65519.0f).bits, 0x7bff);
  EXPECT_EQ(ToFloat16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(ToFloat16(0x1p-25f).bits, 0x0000);
  EXPECT_EQ(ToFloat16(0x1.8p-24f).bits, 0x0002);
  EXPECT_TRUE(std::isnan(ToFloat(ToFloat16(std::nanf("")))));
}

TEST(BFloat16Test, RoundsToNearestEven) {
  EXPECT_EQ(ToBFloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(ToBFloat16(1.0f + 0x1p-8f).bits, 0x3f80);
  EXPECT_EQ(ToBFloat16(1.0f + 3 * 0x1p-8f).bits, 0x3f82);
  EXPECT_EQ(ToBFloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_TRUE(std::isnan(ToFloat(ToBFloat16(std::nanf("")))));
  EXPECT_EQ(ToFloat(BFloat16{0xc040}), -3.0f);
}

TEST(ConvertTest, FloatsToIntegersTruncateAndNeverTrap) {
  EXPECT_EQ(Convert<int32_t>(-1.9f), -1);
  EXPECT_EQ(Convert<uint8_t>(300.7), 44);
  EXPECT_EQ(Convert<int64_t>(1e300), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Convert<int64_t>(std::nan("")), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Convert<bool>(0.5f), true);
  EXPECT_EQ(Convert<bool>(ToFloat16(0.0f)), false);
  EXPECT_EQ(Convert<uint8_t>(int64_t{-1}), 255);
}

TEST(ArithmeticTest, IntegersWrap) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Plus(kMax, int64_t{1}), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Minus(int64_t{0}, std::numeric_limits<int64_t>::min()),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Times(kMax, int64_t{2}), -2);
}

}  // namespace
}  // namespace ingot::reference
