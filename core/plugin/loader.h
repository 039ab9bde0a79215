// Finds and loads backend plugins.
//
//   INGOT_ASSIGN_OR_RETURN(const std::string path, FindPlugin("onednn", options.plugin_folders));
//   INGOT_ASSIGN_OR_RETURN(auto plugin, LoadPlugin(path));
//
// A backend is named by a path (anything with a '/' or ending in ".so") or by a name NAME, which
// stands for `libingot_NAME.so` in the first of these folders that has it: the caller's `folders`,
// then the folders of the executable and of its Bazel runfiles. Nothing else is searched. Files are
// told apart by device and inode, loaded once and never unloaded. A plugin that cannot be used is
// an absl::Status with the reason (dlerror's text, wrong ABI major, no query symbol, refused),
// never a crash. All functions are thread-safe.
#ifndef INGOT_CORE_PLUGIN_LOADER_H_
#define INGOT_CORE_PLUGIN_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::plugin {

// A loaded plugin: its table, copied into a full-size zeroed one. All entries but get_extension are
// there: a plugin that lacks one of them is not loaded.
class Plugin {
 public:
  const ingot_backend_api& api() const { return api_; }
  const std::string& path() const { return path_; }

 private:
  friend absl::StatusOr<std::shared_ptr<const Plugin>> LoadPlugin(const std::string& path);
  ingot_backend_api api_{};
  std::string path_;
};

// Loads the shared object at `path` (made absolute, symlinks resolved).
// NotFound: no such file. FailedPrecondition: not a plugin, or of another ABI major, or it refused;
// the text says which.
absl::StatusOr<std::shared_ptr<const Plugin>> LoadPlugin(const std::string& path);

// The file that `backend` (a name or path) stands for. NotFound lists the folders that were tried
// and the backends that are there.
absl::StatusOr<std::string> FindPlugin(const std::string& backend,
                                       const std::vector<std::string>& folders);

// Folders searched after the caller's: that of the running executable, then backends/* of its
// Bazel runfiles.
std::vector<std::string> DefaultPluginFolders();

// All files called libingot_NAME.so in `folders` and the default folders, sorted by NAME; the first
// folder that has a NAME wins. Frontends (libingot_frontend_*.so) are left out.
std::vector<std::string> ListPlugins(const std::vector<std::string>& folders);

// NAME of "…/libingot_NAME.so"; empty if the file isn't called so, or is a frontend.
std::string BackendNameOfFile(const std::string& path);

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_LOADER_H_
