#include "tools/ingot/exit_code.h"

#include <gtest/gtest.h>

#include "core/base/status_macros.h"

namespace ingot::tools {
namespace {

using absl::StatusCode;

TEST(ExitCodeTest, FollowsTheContract) {
  const struct {
    Stage stage;
    StatusCode code;
    ExitCode exit;
  } cases[] = {
      {Stage::kUsage, StatusCode::kNotFound, ExitCode::kUsage},
      {Stage::kUsage, StatusCode::kDataLoss, ExitCode::kUsage},
      {Stage::kBackend, StatusCode::kNotFound, ExitCode::kUsage},
      {Stage::kBackend, StatusCode::kFailedPrecondition, ExitCode::kRuntime},
      {Stage::kModel, StatusCode::kNotFound, ExitCode::kRefused},
      {Stage::kModel, StatusCode::kDataLoss, ExitCode::kRefused},
      {Stage::kModel, StatusCode::kInvalidArgument, ExitCode::kRefused},
      {Stage::kModel, StatusCode::kFailedPrecondition, ExitCode::kRefused},
      {Stage::kModel, StatusCode::kUnimplemented, ExitCode::kRefused},
      {Stage::kModel, StatusCode::kUnavailable, ExitCode::kRuntime},
      {Stage::kCompile, StatusCode::kUnimplemented, ExitCode::kUnsupported},
      {Stage::kCompile, StatusCode::kInternal, ExitCode::kRuntime},
      {Stage::kRun, StatusCode::kInvalidArgument, ExitCode::kRefused},
      {Stage::kRun, StatusCode::kDeadlineExceeded, ExitCode::kResource},
      {Stage::kCompile, StatusCode::kResourceExhausted, ExitCode::kResource},
      {Stage::kOutput, StatusCode::kNotFound, ExitCode::kUsage},
      {Stage::kOutput, StatusCode::kUnknown, ExitCode::kRuntime},
      {Stage::kRun, StatusCode::kCancelled, ExitCode::kInterrupted},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ExitCodeOf(AtStage(c.stage, absl::Status(c.code, "x"))), c.exit)
        << static_cast<int>(c.stage) << " " << absl::StatusCodeToString(c.code);
  }
  EXPECT_EQ(ExitCodeOf(AtStage(Stage::kUsage, absl::OkStatus())), ExitCode::kOk);
}

TEST(ExitCodeTest, TheFirstStageCountsAndSurvivesAnnotation) {
  const absl::Status status =
      AtStage(Stage::kRun, Annotate(AtStage(Stage::kUsage, absl::InternalError("x")), "context"));
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUsage);
}

TEST(OneLineTest, HasNoNewlines) {
  EXPECT_EQ(OneLine(absl::InternalError("a\nb\r\nc\n")), "a b c");
  EXPECT_EQ(OneLine(absl::InternalError("")), "INTERNAL");
}

}  // namespace
}  // namespace ingot::tools
