#include "core/base/status_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ingot {
namespace {

using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Status kOk = absl::OkStatus();
const absl::Status kNotFound = absl::NotFoundError("no file a.ingot");
const absl::StatusOr<int> kSeven = 7;
const absl::StatusOr<int> kNoNumber = absl::NotFoundError("no number");

// The text with which a failing EXPECT_THAT would explain itself.
template <typename Value, typename Matcher>
std::string Explain(const Value& value, const Matcher& matcher) {
  testing::StringMatchResultListener listener;
  testing::ExplainMatchResult(matcher, value, &listener);
  return listener.str();
}

TEST(IsOkTest, TakesStatusAndStatusOr) {
  EXPECT_THAT(kOk, IsOk());
  EXPECT_THAT(kSeven, IsOk());
  EXPECT_THAT(kNotFound, Not(IsOk()));
  EXPECT_THAT(kNoNumber, Not(IsOk()));
}

TEST(IsOkTest, ExplainsAMismatchByTheStatus) {
  EXPECT_THAT(Explain(kNotFound, IsOk()), HasSubstr("no file a.ingot"));
}

TEST(IsOkAndHoldsTest, TakesValuesAndMatchers) {
  EXPECT_THAT(kSeven, IsOkAndHolds(7));
  EXPECT_THAT(kSeven, IsOkAndHolds(Gt(6)));
  EXPECT_THAT(kSeven, Not(IsOkAndHolds(8)));
  EXPECT_THAT(kNoNumber, Not(IsOkAndHolds(7)));
}

TEST(IsOkAndHoldsTest, ExplainsAnErrorByTheStatus) {
  EXPECT_THAT(Explain(kNoNumber, testing::Matcher<const absl::StatusOr<int>&>(IsOkAndHolds(7))),
              HasSubstr("no number"));
}

TEST(StatusIsTest, ComparesTheCodeAndTheMessage) {
  EXPECT_THAT(kNotFound, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(kNotFound, StatusIs(absl::StatusCode::kNotFound, HasSubstr("a.ingot")));
  EXPECT_THAT(kNotFound, Not(StatusIs(absl::StatusCode::kInternal)));
  EXPECT_THAT(kNotFound, Not(StatusIs(absl::StatusCode::kNotFound, HasSubstr("b.ingot"))));
  EXPECT_THAT(kNoNumber, StatusIs(absl::StatusCode::kNotFound, "no number"));
  EXPECT_THAT(kSeven, StatusIs(absl::StatusCode::kOk));
}

}  // namespace
}  // namespace ingot
