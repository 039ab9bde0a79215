#include "frontends/pt2/json.h"

#include <string>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(JsonTest, KeepsKindsAndExactNumbers) {
  const auto json =
      ParseJson(R"({"i": -9007199254740993, "d": 1e-5, "s": "a\u00e9", "b": true, "n": null,
                    "l": [1, 2.0, {}]})");
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(*json->Find("i")->As<int64_t>(), -9007199254740993);
  EXPECT_EQ(*json->Find("d")->As<double>(), 1e-5);
  EXPECT_EQ(*json->Find("s")->As<std::string>(), "a\xc3\xa9");
  EXPECT_TRUE(*json->Find("b")->As<bool>());
  EXPECT_TRUE(json->Find("n")->IsNull());
  EXPECT_EQ(json->Find("l")->As<Json::Array>()->size(), 3u);
  EXPECT_EQ(json->Find("missing"), nullptr);
}

TEST(JsonTest, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "{\"a\":}", "[1,]", "NaN", "\"\xff\"", "{} {}", "'a'"}) {
    EXPECT_THAT(ParseJson(text), StatusIs(Code::kInvalidArgument, HasSubstr("byte"))) << text;
  }
}

TEST(JsonTest, RefusesRepeatedKeysInSmallAndLargeObjects) {
  EXPECT_THAT(ParseJson(R"({"a": 1, "a": 2})"),
              StatusIs(Code::kInvalidArgument, HasSubstr("\"a\" twice")));
  std::string text = "{";
  for (int i = 0; i < 100; ++i) text += "\"k" + std::to_string(i) + "\": 0, ";
  EXPECT_THAT(ParseJson(text + "\"z\": 0}"), IsOk());
  EXPECT_THAT(ParseJson(text + "\"k7\": 0}"),
              StatusIs(Code::kInvalidArgument, HasSubstr("\"k7\" twice")));
}

TEST(JsonTest, RefusesDeepNesting) {
  EXPECT_THAT(ParseJson(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')), IsOk());
  EXPECT_THAT(ParseJson(std::string(1000000, '[')),
              StatusIs(Code::kInvalidArgument, HasSubstr("deeper")));
}

}  // namespace
}  // namespace ingot::pt2
