// Looks through a TorchScript archive (`.pt`) before LibTorch sees it.
//
//   INGOT_RETURN_IF_ERROR(ScanTorchScript(bytes), path);
//
// LibTorch's own reader trusts its files: sizes that lead outside of a record, memory tables of any
// length, values that hold themselves, sources nested until the stack ends. This looks at all that
// it will read, and runs nothing: the zip archive (zip_view.h), that records are in one folder and
// the needed ones are there, how much the compressed ones grow, every pickle (pickle.h) with an
// allow-list of globals, every source (script_source.h). Weights are not read: only where they lie.
// Memory stays within a small multiple of what it reads, and within kMaxUnpackedBytes.
//
// Errors, in one line that names the record: DataLoss (no archive, truncated, damaged, malformed),
// PermissionDenied (a global that is not on the list, a source that opens files),
// FailedPrecondition (another kind or version of file), Unimplemented (an archive or pickle of
// parts that nobody writes), ResourceExhausted (too much of it). Thread-safe.
#ifndef INGOT_FRONTENDS_ARCHIVE_TORCHSCRIPT_SCAN_H_
#define INGOT_FRONTENDS_ARCHIVE_TORCHSCRIPT_SCAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::archive {

// Of all compressed records together, and of each pickle and source.
inline constexpr uint64_t kMaxUnpackedBytes = uint64_t{256} << 20;

absl::Status ScanTorchScript(absl::string_view bytes);

// Names of the globals that may occur besides the file's own classes, for docs.
std::vector<std::string> TorchScriptGlobals();

}  // namespace ingot::archive

#endif  // INGOT_FRONTENDS_ARCHIVE_TORCHSCRIPT_SCAN_H_
