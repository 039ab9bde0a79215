#include "tools/ingot/exit_code.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace ingot::tools {
namespace {

constexpr absl::string_view kStageUrl = "ingot/cli/stage";

struct Row {
  std::optional<Stage> stage;            // any
  std::optional<absl::StatusCode> code;  // any
  ExitCode exit;
};

// The first row that matches counts.
constexpr Row kRows[] = {
    {std::nullopt, absl::StatusCode::kOk, ExitCode::kOk},
    {std::nullopt, absl::StatusCode::kCancelled, ExitCode::kInterrupted},
    {std::nullopt, absl::StatusCode::kResourceExhausted, ExitCode::kResource},
    {std::nullopt, absl::StatusCode::kDeadlineExceeded, ExitCode::kResource},
    {Stage::kUsage, std::nullopt, ExitCode::kUsage},
    // A name or option that no backend answers to, as opposed to a plugin that is broken.
    {Stage::kBackend, absl::StatusCode::kNotFound, ExitCode::kUsage},
    {Stage::kBackend, absl::StatusCode::kInvalidArgument, ExitCode::kUsage},
    {Stage::kBackend, std::nullopt, ExitCode::kRuntime},
    {Stage::kModel, absl::StatusCode::kInternal, ExitCode::kRuntime},
    // LibTorch's own frontend could not be loaded: nothing is wrong with the model.
    {Stage::kModel, absl::StatusCode::kUnavailable, ExitCode::kRuntime},
    {Stage::kModel, std::nullopt, ExitCode::kRefused},
    {Stage::kCompile, absl::StatusCode::kUnimplemented, ExitCode::kUnsupported},
    {Stage::kCompile, absl::StatusCode::kInvalidArgument, ExitCode::kRefused},
    // Arguments that do not fit the signature.
    {Stage::kRun, absl::StatusCode::kInvalidArgument, ExitCode::kRefused},
    {Stage::kRun, absl::StatusCode::kFailedPrecondition, ExitCode::kRefused},
    {Stage::kRun, absl::StatusCode::kUnimplemented, ExitCode::kUnsupported},
    {Stage::kOutput, absl::StatusCode::kNotFound, ExitCode::kUsage},
    {Stage::kOutput, absl::StatusCode::kInvalidArgument, ExitCode::kUsage},
    {Stage::kOutput, absl::StatusCode::kPermissionDenied, ExitCode::kUsage},
    {std::nullopt, std::nullopt, ExitCode::kRuntime},
};

Stage StageOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kStageUrl);
  int stage = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &stage)) return Stage::kRun;
  return static_cast<Stage>(stage);
}

}  // namespace

absl::Status AtStage(Stage stage, absl::Status status) {
  if (!status.ok() && !status.GetPayload(kStageUrl)) {
    status.SetPayload(kStageUrl, absl::Cord(absl::StrCat(static_cast<int>(stage))));
  }
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  const Stage stage = StageOf(status);
  for (const Row& row : kRows) {
    if (row.stage.value_or(stage) == stage && row.code.value_or(status.code()) == status.code()) {
      return row.exit;
    }
  }
  return ExitCode::kRuntime;
}

absl::string_view VerifyStatusName(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return "ok";
    case ExitCode::kMismatch:
      return "mismatch";
    case ExitCode::kRefused:
      return "refused";
    case ExitCode::kUnsupported:
      return "unsupported";
    default:
      return "error";
  }
}

std::string OneLine(const absl::Status& status) {
  std::string text(status.message());
  if (text.empty()) text = absl::StatusCodeToString(status.code());
  absl::StripAsciiWhitespace(&text);
  return absl::StrReplaceAll(text, {{"\r\n", " "}, {"\n", " "}, {"\r", " "}});
}

}  // namespace ingot::tools
