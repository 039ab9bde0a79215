// Files as the CLI reads and writes them.
//
//   INGOT_RETURN_IF_ERROR(WriteFile("out.npz", bytes));
//
// Written files appear whole or not at all, also when the process is interrupted (interrupt.h).
// Thread-safe.
#ifndef INGOT_TOOLS_INGOT_FILES_H_
#define INGOT_TOOLS_INGOT_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/env.h"

namespace ingot::tools {

// The system's files, with everything that is being written removed on an interrupt.
Env& InterruptSafeEnv();

// Replaces the file. InvalidArgument if `path` is there and is no regular file; others as Env.
absl::Status WriteFile(const std::string& path, absl::string_view bytes);

absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_FILES_H_
