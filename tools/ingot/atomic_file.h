// Writes files that appear whole or not at all.
//
//   INGOT_RETURN_IF_ERROR(WriteFileAtomically("out.npz", bytes));
//
// The bytes go to a temporary file in the same folder, which is then renamed; after an error or an
// interrupt the old contents of `path`, if any, are still there and no other file is.
#ifndef INGOT_TOOLS_INGOT_ATOMIC_FILE_H_
#define INGOT_TOOLS_INGOT_ATOMIC_FILE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::tools {

// NotFound: no such folder. PermissionDenied, ResourceExhausted (disk full), Unknown: with the
// path and the system's text.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes);

// As above, with `write` making the file at the path that it is given.
absl::Status WriteFileAtomically(const std::string& path,
                                 const std::function<absl::Status(const std::string&)>& write);

// NotFound, PermissionDenied, InvalidArgument (a folder), Unknown; `path` is in the text.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_ATOMIC_FILE_H_
