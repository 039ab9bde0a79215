#include "core/base/status_macros.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "core/base/status_matchers.h"

namespace ingot {
namespace {

using ::testing::Eq;

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  INGOT_ASSIGN_OR_RETURN(int half, Half(value));
  INGOT_ASSIGN_OR_RETURN(half, Half(half), absl::StrCat("second half of ", value));
  return half;
}

absl::Status CheckQuarter(int value) {
  INGOT_RETURN_IF_ERROR(Quarter(value), "quarter");
  INGOT_RETURN_IF_ERROR(absl::OkStatus());
  return absl::OkStatus();
}

TEST(StatusMacrosTest, AssignsTheValueOfAnOkResult) {
  EXPECT_THAT(Quarter(8), IsOkAndHolds(Eq(2)));
}

TEST(StatusMacrosTest, ReturnsAnErrorUnchangedWithoutContext) {
  EXPECT_THAT(Quarter(3), StatusIs(absl::StatusCode::kInvalidArgument, Eq("odd")));
}

TEST(StatusMacrosTest, PutsTheContextBeforeTheMessage) {
  EXPECT_THAT(Quarter(6),
              StatusIs(absl::StatusCode::kInvalidArgument, Eq("second half of 6: odd")));
  EXPECT_THAT(CheckQuarter(3), StatusIs(absl::StatusCode::kInvalidArgument, Eq("quarter: odd")));
}

TEST(StatusMacrosTest, GoesOnAfterOkStatuses) { EXPECT_THAT(CheckQuarter(4), IsOk()); }

TEST(StatusMacrosTest, EvaluatesTheExpressionOnce) {
  int calls = 0;
  const auto count = [&calls]() -> absl::StatusOr<int> { return ++calls; };
  const auto run = [&]() -> absl::Status {
    INGOT_RETURN_IF_ERROR(count());
    INGOT_ASSIGN_OR_RETURN(const int value, count());
    return value == 2 ? absl::OkStatus() : absl::InternalError("evaluated again");
  };
  EXPECT_THAT(run(), IsOk());
  EXPECT_EQ(calls, 2);
}

TEST(StatusMacrosTest, EvaluatesTheContextOnlyOnError) {
  int contexts = 0;
  const auto context = [&contexts] {
    ++contexts;
    return "context";
  };
  const auto run = [&](const absl::Status& status) -> absl::Status {
    INGOT_RETURN_IF_ERROR(status, context());
    return absl::OkStatus();
  };
  EXPECT_THAT(run(absl::OkStatus()), IsOk());
  EXPECT_EQ(contexts, 0);
  EXPECT_THAT(run(absl::AbortedError("stop")),
              StatusIs(absl::StatusCode::kAborted, Eq("context: stop")));
  EXPECT_EQ(contexts, 1);
}

TEST(StatusMacrosTest, MovesMoveOnlyValues) {
  const auto run = []() -> absl::StatusOr<std::unique_ptr<int>> {
    INGOT_ASSIGN_OR_RETURN(std::unique_ptr<int> value,
                           absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(7)));
    return value;
  };
  absl::StatusOr<std::unique_ptr<int>> result = run();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(**result, 7);
}

TEST(StatusMacrosTest, TakesTypesWithCommasInParentheses) {
  const auto run = []() -> absl::StatusOr<size_t> {
    INGOT_ASSIGN_OR_RETURN((std::map<int, std::string> names),
                           (absl::StatusOr<std::map<int, std::string>>({{1, "one"}})));
    return names.size();
  };
  EXPECT_THAT(run(), IsOkAndHolds(1u));
}

TEST(AnnotateTest, KeepsCodeAndPayloads) {
  absl::Status status = absl::DataLossError("short file");
  status.SetPayload("ingot/offset", absl::Cord("12"));
  const absl::Status annotated = Annotate(status, "weights");
  EXPECT_THAT(annotated, StatusIs(absl::StatusCode::kDataLoss, Eq("weights: short file")));
  EXPECT_EQ(annotated.GetPayload("ingot/offset"), absl::Cord("12"));
}

TEST(AnnotateTest, LeavesOkAlone) { EXPECT_THAT(Annotate(absl::OkStatus(), "anything"), IsOk()); }

}  // namespace
}  // namespace ingot
