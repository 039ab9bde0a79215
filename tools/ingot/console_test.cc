#include "tools/ingot/console.h"

#include <gtest/gtest.h>

#include <limits>

namespace ingot::tools {
namespace {

TEST(JsonTextTest, KeepsTheOrderOfFieldsAndStaysValid) {
  const Json json = {
      {"model", "a"}, {"backend", "b"}, {"x", std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(JsonText(json), R"({"model":"a","backend":"b","x":null})");
  EXPECT_EQ(JsonText({{"bad", "\xff"}}), "{\"bad\":\"\xef\xbf\xbd\"}");
}

TEST(RoundedTest, KeepsTheDigitsAskedFor) {
  EXPECT_EQ(Rounded(1.23456), 1.235);
  EXPECT_EQ(Rounded(1234.56, 0), 1235);
}

TEST(ProgressTest, EndsWithoutATerminal) { const Progress progress("testing"); }

}  // namespace
}  // namespace ingot::tools
