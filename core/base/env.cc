#include "core/base/env.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/file_descriptor.h"
#include "core/base/status_macros.h"

namespace ingot {
namespace {

absl::Status SystemError(int error, absl::string_view action, absl::string_view path) {
  return absl::ErrnoToStatus(error, absl::StrCat("cannot ", action, " ", path));
}

class PosixMapping : public ReadableMapping {
 public:
  PosixMapping(void* data, size_t size) : data_(data), size_(size) {}
  ~PosixMapping() override {
    if (data_ != nullptr) munmap(data_, size_);
  }
  absl::string_view bytes() const override {
    return absl::string_view(static_cast<const char*>(data_), size_);
  }
  void Evict(absl::string_view range) const override {
    // The pages are clean, so that nothing is lost.
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto first = reinterpret_cast<uintptr_t>(range.data());
    const uintptr_t from = (first + page - 1) / page * page;
    const uintptr_t to = (first + range.size()) / page * page;
    if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
  }

 private:
  void* data_;  // nullptr for an empty file, which cannot be mapped
  size_t size_;
};

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  absl::Status Append(absl::string_view bytes) override {
    return WriteAll(fd_.get(), bytes) ? absl::OkStatus() : SystemError(errno, "write to", path_);
  }

  absl::Status Sync() override {
    const int result = RetryInterrupted([&] { return fsync(fd_.get()); });
    return result == 0 ? absl::OkStatus() : SystemError(errno, "sync", path_);
  }

  absl::Status Close() override {
    // After close the descriptor is gone, whatever close returned: it must not be closed again.
    if (close(fd_.Release()) != 0) return SystemError(errno, "close", path_);
    return absl::OkStatus();
  }

 private:
  FileDescriptor fd_;
  const std::string path_;
};

class PosixEnv : public Env {
 public:
  absl::StatusOr<std::shared_ptr<const ReadableMapping>> Map(const std::string& path) override {
    const FileDescriptor fd(
        RetryInterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (fd.get() < 0) return SystemError(errno, "open", path);
    struct stat info;
    if (fstat(fd.get(), &info) != 0) return SystemError(errno, "look at", path);
    if (!S_ISREG(info.st_mode)) {
      return absl::FailedPreconditionError(absl::StrCat(path, " is not a file"));
    }
    const size_t size = static_cast<size_t>(info.st_size);
    if (size == 0) return std::make_shared<PosixMapping>(nullptr, 0);
    void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (data == MAP_FAILED) return SystemError(errno, "map", path);
    return std::make_shared<PosixMapping>(data, size);
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    const int fd = RetryInterrupted(
        [&] { return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644); });
    if (fd < 0) return SystemError(errno, "create", path);
    return std::make_unique<PosixWritableFile>(fd, path);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return SystemError(errno, "write", to);
  }

  absl::Status Remove(const std::string& path) override {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : SystemError(errno, "remove", path);
  }

  absl::Status FsyncDir(const std::string& path) override {
    const FileDescriptor fd(
        RetryInterrupted([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return SystemError(errno, "open", path);
    const int result = RetryInterrupted([&] { return fsync(fd.get()); });
    // Some file systems cannot sync a folder and say so; there is nothing else to do on them.
    if (result == 0 || errno == EINVAL || errno == EROFS) return absl::OkStatus();
    return SystemError(errno, "sync", path);
  }
};

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Unique among the processes of this machine and the threads of this one. A name that a killed
// process has left behind is passed over by the caller.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  return absl::StrCat(path, ".tmp.", getpid(), ".", counter.fetch_add(1));
}

absl::StatusOr<std::unique_ptr<WritableFile>> CreateTemporary(Env& env, const std::string& path,
                                                              std::string& name) {
  constexpr int kAttempts = 100;
  for (int i = 0;; ++i) {
    name = TemporaryName(path);
    absl::StatusOr<std::unique_ptr<WritableFile>> file = env.Create(name);
    if (file.ok() || !absl::IsAlreadyExists(file.status()) || i == kAttempts) return file;
  }
}

}  // namespace

Env& Env::Default() {
  static Env* const env = new PosixEnv();
  return *env;
}

absl::Status WriteFileAtomically(Env& env, const std::string& path,
                                 absl::FunctionRef<absl::Status(WritableFile&)> write) {
  std::string temporary;
  INGOT_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, CreateTemporary(env, path, temporary));
  absl::Status status = write(*file);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  file.reset();
  if (status.ok()) status = env.Rename(temporary, path);
  if (!status.ok()) {
    // The first error is the one to tell; a leftover would be harmless.
    env.Remove(temporary).IgnoreError();
    return status;
  }
  return env.FsyncDir(FolderOf(path));
}

}  // namespace ingot
