#include "frontends/archive/scanned_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "frontends/archive/torchscript_scan.h"

namespace ingot::archive {
namespace {

absl::Status Scan(int descriptor, uint64_t size) {
  if (size == 0) return ScanTorchScript("");
  void* const bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED) return absl::ErrnoToStatus(errno, "cannot be mapped");
  const absl::Status status = ScanTorchScript({static_cast<const char*>(bytes), size});
  munmap(bytes, size);
  return status;
}

}  // namespace

absl::StatusOr<ScannedFile> ScannedFile::Open(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe would wait for its other end.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("no such file: ", path));
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be opened"));
  }
  ScannedFile file(descriptor, 0);
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read"));
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat("not a file: ", path));
  file.size_ = static_cast<uint64_t>(info.st_size);
  INGOT_RETURN_IF_ERROR(Scan(descriptor, file.size_), path);
  return file;
}

ScannedFile::ScannedFile(ScannedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

ScannedFile::~ScannedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

uint64_t ScannedFile::Read(uint64_t offset, void* to, uint64_t size) const {
  uint64_t done = 0;
  while (done < size) {
    const ssize_t count = pread(descriptor_, static_cast<char*>(to) + done, size - done,
                                static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<uint64_t>(count);
  }
  return done;
}

}  // namespace ingot::archive
