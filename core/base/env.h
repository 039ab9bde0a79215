// The file system, as far as ingot uses it: everything that writes or reads files goes through an
// Env, so that tests can make any step fail.
//
//   std::shared_ptr<const ReadableMapping> file;
//   INGOT_ASSIGN_OR_RETURN(file, Env::Default().Map("model.ingot"));
//   INGOT_RETURN_IF_ERROR(WriteFileAtomically(Env::Default(), "model.ingot", [&](WritableFile& out)
//   {
//     return out.Append(bytes);
//   }));
//
// Errors name the path and carry the system's reason: NotFound, PermissionDenied, ResourceExhausted
// (no space), FailedPrecondition (a folder where a file is needed), else what absl::ErrnoToStatus
// gives. An Env is thread-safe, a WritableFile is not.
#ifndef INGOT_CORE_BASE_ENV_H_
#define INGOT_CORE_BASE_ENV_H_

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot {

// A file's bytes, as they were when it was mapped. The first byte is aligned to 64. Unmapped on
// destruction. A file that is cut short in place while it is mapped makes reads fault (SIGBUS):
// replace files by renaming.
class ReadableMapping {
 public:
  virtual ~ReadableMapping() = default;
  virtual absl::string_view bytes() const = 0;
  // Gives back the memory behind the whole pages of `range`, a part of bytes(): they are read from
  // the file again when someone looks at them. A hint.
  virtual void Evict(absl::string_view /*range*/) const {}
};

// A new file that is written from front to back. Destruction without Close abandons it.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
  // Returns once the bytes are on the device (fsync).
  virtual absl::Status Sync() = 0;
  // Call once, last.
  virtual absl::Status Close() = 0;
};

class Env {
 public:
  virtual ~Env() = default;

  // The operating system's files. Lives as long as the process.
  static Env& Default();

  virtual absl::StatusOr<std::shared_ptr<const ReadableMapping>> Map(const std::string& path) = 0;
  // Creates a file that must not exist yet (AlreadyExists), with mode 0644 as the umask allows.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // Puts `from` in the place of `to`, in one step.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // Makes creations and renames in this folder durable.
  virtual absl::Status FsyncDir(const std::string& path) = 0;
};

// Writes a file through `write` such that `path` holds, at every moment and after any failure,
// either what it held before or all of the new contents: a temporary file in the same folder,
// fsync, rename, fsync of the folder. On an error nothing of the new file remains, except when only
// the last step failed: then the new contents are in place, but a power cut might bring back the
// old ones.
absl::Status WriteFileAtomically(Env& env, const std::string& path,
                                 absl::FunctionRef<absl::Status(WritableFile&)> write);

}  // namespace ingot

#endif  // INGOT_CORE_BASE_ENV_H_
