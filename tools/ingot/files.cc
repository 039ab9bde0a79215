#include "tools/ingot/files.h"

#include <sys/stat.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "tools/ingot/interrupt.h"

namespace ingot::tools {
namespace {

class InterruptSafe : public Env {
 public:
  absl::StatusOr<std::shared_ptr<const ReadableMapping>> Map(const std::string& path) override {
    return Env::Default().Map(path);
  }
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    RemoveOnInterrupt(path);
    auto file = Env::Default().Create(path);
    if (!file.ok()) Forget(path);
    return file;
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    const absl::Status status = Env::Default().Rename(from, to);
    if (status.ok()) Forget(from);
    return status;
  }
  absl::Status Remove(const std::string& path) override {
    const absl::Status status = Env::Default().Remove(path);
    Forget(path);
    return status;
  }
  absl::Status FsyncDir(const std::string& path) override { return Env::Default().FsyncDir(path); }
};

}  // namespace

Env& InterruptSafeEnv() {
  static InterruptSafe& env = *new InterruptSafe();
  return env;
}

absl::Status WriteFile(const std::string& path, absl::string_view bytes) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": exists and is not a regular file"));
  }
  return WriteFileAtomically(InterruptSafeEnv(), path,
                             [bytes](WritableFile& file) { return file.Append(bytes); });
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(const std::shared_ptr<const ReadableMapping> file,
                         Env::Default().Map(path));
  return std::string(file->bytes());
}

}  // namespace ingot::tools
