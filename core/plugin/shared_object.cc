#include "core/plugin/shared_object.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace ingot::plugin {
namespace {

namespace fs = std::filesystem;

absl::Status NotLoadable(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("can't load ", path, ": ", why));
}

// Refuses what would make the dynamic linker map or read beyond the end of the file (SIGBUS).
absl::Status CheckSegments(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return NotLoadable(path, "the file can't be read");
  const auto size = static_cast<uint64_t>(file.tellg());
  const auto read = [&file, size](uint64_t offset, void* out, uint64_t bytes) {
    if (offset > size || bytes > size - offset) return false;
    file.seekg(static_cast<std::streamoff>(offset));
    return static_cast<bool>(
        file.read(static_cast<char*>(out), static_cast<std::streamsize>(bytes)));
  };
  Elf64_Ehdr header;
  if (!read(0, &header, sizeof(header)) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return NotLoadable(path, "not a 64-bit ELF shared object");
  }
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read(header.e_phoff + i * sizeof(segment), &segment, sizeof(segment)) ||
        segment.p_offset > size || segment.p_filesz > size - segment.p_offset) {
      return NotLoadable(path, "the file is truncated");
    }
  }
  return absl::OkStatus();
}

// Sorted, so that what is found first doesn't depend on the file system.
std::vector<fs::path> Subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

absl::StatusOr<ResolvedFile> ResolveFile(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
  struct stat info;
  if (resolved == nullptr || stat(resolved.get(), &info) != 0) {
    const int error = errno;
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(error)));
  }
  if (!S_ISREG(info.st_mode)) return NotLoadable(path, "not a regular file");
  return ResolvedFile{resolved.get(), {info.st_dev, info.st_ino}};
}

absl::StatusOr<SharedObject> SharedObject::Open(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(const ResolvedFile file, ResolveFile(path));
  INGOT_RETURN_IF_ERROR(CheckSegments(file.path));
  void* handle = dlopen(file.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return NotLoadable(file.path, why != nullptr ? why : "no reason given");
  }
  return SharedObject(file.path, handle);
}

absl::StatusOr<void*> SharedObject::Address(const char* symbol) const {
  void* address = dlsym(handle_, symbol);
  if (address == nullptr) return NotLoadable(path_, absl::StrCat("it doesn't export ", symbol));
  return address;
}

std::vector<std::string> ExecutableFolders(const std::string& under) {
  std::vector<std::string> folders;
  std::vector<fs::path> runfiles;
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back(executable.parent_path());
    runfiles.push_back(executable.string() + ".runfiles");
  }
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"}) {
    if (const char* folder = std::getenv(variable); folder != nullptr && *folder != '\0') {
      runfiles.emplace_back(folder);
    }
  }
  // What Bazel's Python launchers set instead: "<folder>_manifest", or "<folder>/MANIFEST".
  if (const char* file = std::getenv("RUNFILES_MANIFEST_FILE"); file != nullptr) {
    absl::string_view folder = file;
    if (absl::ConsumeSuffix(&folder, "_manifest") || absl::ConsumeSuffix(&folder, "/MANIFEST")) {
      runfiles.emplace_back(std::string(folder));
    }
  }
  for (const fs::path& root : runfiles) {
    for (const fs::path& workspace : Subfolders(root)) {
      for (const fs::path& folder : Subfolders(workspace / under)) {
        if (std::find(folders.begin(), folders.end(), folder) == folders.end()) {
          folders.push_back(folder);
        }
      }
    }
  }
  return folders;
}

}  // namespace ingot::plugin
