// A TorchScript file that was looked through, and is read through the same descriptor afterwards:
// what was scanned is what is read, whatever happens to the path in between.
//
//   INGOT_ASSIGN_OR_RETURN(ScannedFile file, ScannedFile::Open("model.pt"));
//   file.Read(offset, buffer, size);
//
// Its weights stay out of memory until they are read. Not thread-safe, except Read.
#ifndef INGOT_FRONTENDS_ARCHIVE_SCANNED_FILE_H_
#define INGOT_FRONTENDS_ARCHIVE_SCANNED_FILE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/file_descriptor.h"

namespace ingot::archive {

class ScannedFile {
 public:
  // NotFound, PermissionDenied …: it cannot be opened; InvalidArgument: a folder or device; the
  // errors of ScanTorchScript. Messages begin with the path.
  static absl::StatusOr<ScannedFile> Open(const std::string& path);
  uint64_t size() const { return size_; }
  // For readers that take only a path: opens this very file again, in this process, while this
  // lives.
  std::string descriptor_path() const;
  // How many bytes were read: fewer at the file's end, or if the device fails.
  uint64_t Read(uint64_t offset, void* to, uint64_t size) const;

 private:
  ScannedFile(FileDescriptor file, uint64_t size) : file_(std::move(file)), size_(size) {}

  FileDescriptor file_;
  uint64_t size_;
};

}  // namespace ingot::archive

#endif  // INGOT_FRONTENDS_ARCHIVE_SCANNED_FILE_H_
