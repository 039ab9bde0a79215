// The CLI's exit codes, and the one table that leads from a status to them.
//
//   return AtStage(Stage::kModel, module.status());      // where it happened …
//   return ExitCodeOf(status);                           // … decides what it means
//
// A status without a stage counts as Stage::kRun.
#ifndef INGOT_TOOLS_INGOT_EXIT_CODE_H_
#define INGOT_TOOLS_INGOT_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::tools {

// Part of the CLI's contract.
enum class ExitCode : int {
  kOk = 0,
  kMismatch = 1,     // verify: the backend's numbers are not the oracle's
  kUsage = 2,        // options, inputs given, names of backends
  kRefused = 3,      // the model: missing, corrupt, data-dependent, does not take these arguments
  kUnsupported = 4,  // ops that the backend does not take, while fallback is forbidden
  kRuntime = 5,
  kResource = 6,  // memory, disk, deadline
  kInterrupted = 130,
};

enum class Stage {
  kUsage,    // reading options and the files they name
  kBackend,  // finding and loading backends
  kModel,    // opening and recording the model
  kCompile,  // verifying and compiling its graph
  kRun,      // calls
  kOutput,   // writing files
};

// Notes where `status` came from, unless it carries a stage already. OK stays OK.
absl::Status AtStage(Stage stage, absl::Status status);

ExitCode ExitCodeOf(const absl::Status& status);

// verify's word for a case that ended with `code`: "ok", "mismatch", "refused", "unsupported",
// "error".
absl::string_view VerifyStatusName(ExitCode code);

// `status` as one line for people: no code, no payloads, no newlines.
std::string OneLine(const absl::Status& status);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_EXIT_CODE_H_
