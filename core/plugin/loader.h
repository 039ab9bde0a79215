// Finds and loads backend plugins.
//
// A backend is named by a path (anything with a '/' or ending in ".so") or by a name NAME, which
// stands for `libingot_NAME.so` in the first of these folders that has it: the caller's `folders`,
// then the folders of the executable and of its runfiles. Nothing else is searched. Files are told
// apart by device and inode, loaded once with RTLD_NOW | RTLD_LOCAL and never unloaded. A plugin
// that cannot be used is an absl::Status with the reason (dlerror's text, wrong ABI major, no query
// symbol, refused), never a crash.
#ifndef INGOT_CORE_PLUGIN_LOADER_H_
#define INGOT_CORE_PLUGIN_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::plugin {

// A loaded plugin: its table, copied into a full-size zeroed one, so that absent entries are NULL.
class Plugin {
 public:
  const ingot_backend_api& api() const { return api_; }
  const std::string& path() const { return path_; }

 private:
  friend absl::StatusOr<std::shared_ptr<const Plugin>> LoadPlugin(const std::string& path);
  ingot_backend_api api_{};
  std::string path_;
};

// Loads the shared object at `path` (made absolute, symlinks resolved). Thread-safe.
// NotFound: no such file. FailedPrecondition: not a plugin, or of another ABI major; the text says
// which.
absl::StatusOr<std::shared_ptr<const Plugin>> LoadPlugin(const std::string& path);

// The file that `backend` (a name or path) stands for. NotFound lists the folders that were tried.
absl::StatusOr<std::string> FindPlugin(const std::string& backend,
                                       const std::vector<std::string>& folders);

// Folders searched after the caller's: that of the running executable and its Bazel runfiles'
// plugin folders.
std::vector<std::string> DefaultPluginFolders();

// All plugin files in `folders` and the default folders, sorted by name, first folder wins.
std::vector<std::string> ListPlugins(const std::vector<std::string>& folders);

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_LOADER_H_
