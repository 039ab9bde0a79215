// Opens shared objects that may be anything: missing, truncated, not ELF, lacking the symbol.
//
//   INGOT_ASSIGN_OR_RETURN(const SharedObject object, SharedObject::Open(path));
//   INGOT_ASSIGN_OR_RETURN(auto query,
//   object.Function<ingot_backend_query_fn>("ingot_backend_query"));
//
// Opened with RTLD_NOW | RTLD_LOCAL and never closed: libraries such as LibTorch don't survive it.
// The dynamic linker would crash on a truncated file, so the file's segments are checked first.
// Thread-safe.
#ifndef INGOT_CORE_PLUGIN_SHARED_OBJECT_H_
#define INGOT_CORE_PLUGIN_SHARED_OBJECT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ingot::plugin {

// What tells files apart, whatever their names: device and inode.
using FileIdentity = std::pair<uint64_t, uint64_t>;

class SharedObject {
 public:
  // NotFound: no such file. FailedPrecondition: not loadable; the text has dlerror's.
  static absl::StatusOr<SharedObject> Open(const std::string& path);

  // Absolute, symlinks resolved.
  const std::string& path() const { return path_; }

  // FailedPrecondition if it has no such symbol.
  template <typename F>
  absl::StatusOr<F> Function(const char* symbol) const {
    absl::StatusOr<void*> address = Address(symbol);
    if (!address.ok()) return address.status();
    return reinterpret_cast<F>(*address);
  }

 private:
  SharedObject(std::string path, void* handle) : path_(std::move(path)), handle_(handle) {}
  absl::StatusOr<void*> Address(const char* symbol) const;

  std::string path_;
  void* handle_;
};

// `path` made absolute, symlinks resolved, and its identity. NotFound, or FailedPrecondition if it
// is not a regular file.
struct ResolvedFile {
  std::string path;
  FileIdentity identity;
};
absl::StatusOr<ResolvedFile> ResolveFile(const std::string& path);

// Folder of the running executable, then the folders `under`/* of its Bazel runfiles (found beside
// the executable, or named by RUNFILES_DIR, TEST_SRCDIR or RUNFILES_MANIFEST_FILE, which Bazel
// sets). Only folders that exist.
std::vector<std::string> ExecutableFolders(const std::string& under);

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_SHARED_OBJECT_H_
