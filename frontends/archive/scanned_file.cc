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
  FileDescriptor file(
      RetryInterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (file.get() < 0) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("no such file: ", path));
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be opened"));
  }
  struct stat info;
  if (fstat(file.get(), &info) != 0)
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read"));
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat("not a file: ", path));
  const auto size = static_cast<uint64_t>(info.st_size);
  INGOT_RETURN_IF_ERROR(Scan(file.get(), size), path);
  return ScannedFile(std::move(file), size);
}

std::string ScannedFile::descriptor_path() const {
  return absl::StrCat("/proc/self/fd/", file_.get());
}

uint64_t ScannedFile::Read(uint64_t offset, void* to, uint64_t size) const {
  uint64_t done = 0;
  while (done < size) {
    const ssize_t count = RetryInterrupted([&] {
      return pread(file_.get(), static_cast<char*>(to) + done, size - done,
                   static_cast<off_t>(offset + done));
    });
    if (count <= 0) break;
    done += static_cast<uint64_t>(count);
  }
  return done;
}

}  // namespace ingot::archive
