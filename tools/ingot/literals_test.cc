#include "tools/ingot/literals.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/status_matchers.h"
#include "tools/ingot/elements.h"

namespace ingot::tools {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

absl::StatusOr<runtime::HostTensor> Parse(absl::string_view literal) {
  Random random(0);
  return ParseLiteral(literal, random);
}

TEST(ParseLiteral, ReadsValuesInRowMajorOrder) {
  auto tensor = Parse("2x3xf32=1,-2,3e2,.5,inf,-1e-3");
  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->type(), (ir::TensorType{ir::DType::kFloat32, {2, 3}}));
  EXPECT_EQ(ElementsAsDouble(tensor->view()),
            (std::vector<double>{1, -2, 300, .5, INFINITY, -1e-3f}));
}

TEST(ParseLiteral, ReadsEveryKindOfNumber) {
  const std::pair<absl::string_view, std::complex<double>> cases[] = {
      {"f32=2.5", 2.5},     {"b8=true", 1},
      {"1xb8=0", 0},        {"i64=-9223372036854775808", -0x1p63},
      {"u8=255", 255},      {"i8=-128", -128},
      {"c64=1+2j", {1, 2}}, {"c128=-1e-3-2j", {-1e-3, -2}},
      {"c64=2j", {0, 2}},   {"c64=3", 3},
      {"bf16=1.5", 1.5},    {"f16=0.5", .5},
      {"1x1xf64= 4 ", 4}};
  for (const auto& [literal, value] : cases) {
    auto tensor = Parse(literal);
    ASSERT_THAT(tensor, IsOk()) << literal;
    EXPECT_EQ(ElementsAsComplex(tensor->view())[0], value) << literal;
  }
}

TEST(ParseLiteral, WithoutValuesIsSeededRandom) {
  auto one = Parse("64x64xf32"), same = Parse("64x64xf32");
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(RowMajorBytes(one->view()), RowMajorBytes(same->view()));
  double sum = 0, squares = 0;
  for (const double x : ElementsAsDouble(one->view())) sum += x, squares += x * x;
  EXPECT_NEAR(sum / 4096, 0, 0.08);
  EXPECT_NEAR(squares / 4096, 1, 0.12);
  auto indices = Parse("100xi64");
  ASSERT_THAT(indices, IsOk());
  for (const int64_t i : ElementsAsInt(indices->view())) EXPECT_TRUE(i == 0 || i == 1);
  EXPECT_THAT(Parse("0x3xf32="), IsOk());
}

TEST(ParseLiteral, ErrorsSayWhereAndWhat) {
  const std::pair<absl::string_view, absl::string_view> cases[] = {
      {"", "column 1: \"\" is not an element type"},
      {"2x3", "column 3: \"3\" is not an element type"},
      {"2x3xfloat", "column 5: \"float\" is not an element type"},
      {"2xax3xf32", "column 3: \"a\" is not a size"},
      {"-1xf32", "column 1: \"-1\" is not a size"},
      {"xf32", "column 1: \"\" is not a size"},
      {"9999999999x9999999999xf32", "too large"},
      {"99999999999999999999xf32", "is not a size"},
      {"2xf32=1", "column 7: 1 values; f32[2] has 2"},
      {"2xf32=", "column 7: 0 values"},
      {"2xf32=1,two", "column 9: \"two\" is not a value of f32"},
      {"2xf32=1,0x10", "is not a value of f32"},
      {"2xi64=1,2.5", "column 9: \"2.5\" is not a value of i64"},
      {"u8=256", "is not a value of u8"},
      {"b8=2", "is not a value of b8"},
      {"c64=1+j2", "is not a value of c64"}};
  for (const auto& [literal, message] : cases) {
    EXPECT_THAT(Parse(literal),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(std::string(message))))
        << literal;
  }
}

}  // namespace
}  // namespace ingot::tools
