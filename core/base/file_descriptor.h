// A descriptor of the system that is closed by its owner, and calls on it that go on after a
// signal.
//
//   FileDescriptor file(RetryInterrupted([&] { return open(path, O_RDONLY | O_CLOEXEC); }));
//   if (!WriteAll(file.get(), bytes)) return absl::ErrnoToStatus(errno, "cannot write");
#ifndef INGOT_CORE_BASE_FILE_DESCRIPTOR_H_
#define INGOT_CORE_BASE_FILE_DESCRIPTOR_H_

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"

namespace ingot {

// Makes a call that returns a negative number and sets errno on failure, until no signal cut it
// short.
template <typename Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Not thread-safe. Negative: none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return fd_; }
  // The caller closes it.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Writes all of `bytes`. False: errno says why, and how much was written is not known.
bool WriteAll(int fd, absl::string_view bytes);

// Reads `size` bytes. False: that many did not come, because of the end or of an error.
bool ReadAll(int fd, void* to, size_t size);

}  // namespace ingot

#endif  // INGOT_CORE_BASE_FILE_DESCRIPTOR_H_
