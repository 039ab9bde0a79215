// Whether a TorchScript source is fit for a parser that recurses: LibTorch's own, which ends the
// process on a source that is nested too deeply.
//
//   INGOT_RETURN_IF_ERROR(CheckScriptSource(text));
//
// Text without control characters; brackets, indentation and chains of operators, calls and
// branches within limits far beyond what LibTorch writes: InvalidArgument, with the line's number.
// PermissionDenied: a plain call of an operator that opens files (`torch.from_file`, `torch.save`);
// that is a lock on the front door only, the sandbox is the wall. Thread-safe.
#ifndef INGOT_FRONTENDS_ARCHIVE_SCRIPT_SOURCE_H_
#define INGOT_FRONTENDS_ARCHIVE_SCRIPT_SOURCE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::archive {

inline constexpr int kMaxScriptDepth = 200;     // brackets, or steps of indentation
inline constexpr int kMaxScriptChain = 1000;    // operators and calls between two commas
inline constexpr int kMaxScriptBranches = 500;  // `elif`s in a source

absl::Status CheckScriptSource(absl::string_view text);

}  // namespace ingot::archive

#endif  // INGOT_FRONTENDS_ARCHIVE_SCRIPT_SOURCE_H_
