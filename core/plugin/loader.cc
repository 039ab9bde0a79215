#include "core/plugin/loader.h"

#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/plugin/abi_util.h"
#include "core/plugin/shared_object.h"

namespace ingot::plugin {
namespace {

namespace fs = std::filesystem;

void LogToStderr(void*, int32_t severity, const char* text) {
  static constexpr const char* kNames[] = {"info", "warning", "error"};
  const char* name = severity >= 0 && severity < 3 ? kNames[severity] : "log";
  std::fprintf(stderr, "ingot: %s: %s\n", name, text != nullptr ? text : "");
}

constexpr ingot_host_api kHost = {
    .struct_size = sizeof(ingot_host_api),
    .abi_major = INGOT_BACKEND_ABI_MAJOR,
    .abi_minor = INGOT_BACKEND_ABI_MINOR,
    .ctx = nullptr,
    .log = &LogToStderr,
};

absl::Status Refused(const std::string& path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("can't use the plugin ", path, ": ", why));
}

// The first of the entries that no host can do without, and the plugin lacks; null if none.
const char* MissingEntry(const ingot_backend_api& api) {
  const std::pair<bool, const char*> entries[] = {
      {api.create != nullptr, "create"},
      {api.destroy != nullptr, "destroy"},
      {api.info != nullptr, "info"},
      {api.query_graph != nullptr, "query_graph"},
      {api.compile != nullptr, "compile"},
      {api.destroy_executable != nullptr, "destroy_executable"},
      {api.executable_info != nullptr, "executable_info"},
      {api.execute != nullptr, "execute"},
  };
  for (const auto& [present, name] : entries) {
    if (!present) return name;
  }
  return nullptr;
}

absl::StatusOr<ingot_backend_api> QueryApi(const SharedObject& object) {
  INGOT_ASSIGN_OR_RETURN(const auto query,
                         object.Function<ingot_backend_query_fn>(INGOT_BACKEND_QUERY_SYMBOL));
  ErrorText error;
  const ingot_backend_api* theirs = nullptr;
  CallPlugin(&error, [&] {
    theirs = query(INGOT_BACKEND_ABI_MAJOR, &kHost, error.buffer());
    return INGOT_OK;
  });
  if (theirs == nullptr) {
    const std::string why = error.text();
    return Refused(object.path(), why.empty() ? "it refused without a reason" : why);
  }
  const ingot_backend_api api = ReadStruct(theirs);
  if (api.struct_size < offsetof(ingot_backend_api, create)) {
    return Refused(object.path(), absl::StrCat("its table has only ", api.struct_size, " bytes"));
  }
  if (api.abi_major != INGOT_BACKEND_ABI_MAJOR) {
    return Refused(object.path(), absl::StrCat("it is of ABI major ", api.abi_major, ", this is ",
                                               INGOT_BACKEND_ABI_MAJOR));
  }
  if (const char* missing = MissingEntry(api); missing != nullptr) {
    return Refused(object.path(), absl::StrCat("it lacks the entry ", missing));
  }
  return api;
}

struct Registry {
  std::mutex mutex;  // guards `plugins`
  std::map<FileIdentity, std::shared_ptr<const Plugin>> plugins;
};

// Never destroyed: plugins outlive all static destructors.
Registry& GlobalRegistry() {
  static Registry& registry = *new Registry;
  return registry;
}

std::vector<std::string> SearchedFolders(const std::vector<std::string>& folders) {
  std::vector<std::string> all = folders;
  for (std::string& folder : DefaultPluginFolders()) all.push_back(std::move(folder));
  return all;
}

bool IsFile(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Plugin>> LoadPlugin(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(const ResolvedFile file, ResolveFile(path));
  Registry& registry = GlobalRegistry();
  // Held while loading, so that a file is loaded, and its query called, by one thread.
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto it = registry.plugins.find(file.identity);
  if (it != registry.plugins.end()) return it->second;
  INGOT_ASSIGN_OR_RETURN(const SharedObject object, SharedObject::Open(file.path));
  auto plugin = std::make_shared<Plugin>();
  INGOT_ASSIGN_OR_RETURN(plugin->api_, QueryApi(object));
  plugin->path_ = file.path;
  registry.plugins.emplace(file.identity, plugin);
  return plugin;
}

std::string BackendNameOfFile(const std::string& path) {
  const std::string file = fs::path(path).filename();
  absl::string_view name = file;
  if (!absl::ConsumePrefix(&name, "libingot_") || !absl::ConsumeSuffix(&name, ".so")) return "";
  if (absl::StartsWith(name, "frontend_")) return "";
  return std::string(name);
}

absl::StatusOr<std::string> FindPlugin(const std::string& backend,
                                       const std::vector<std::string>& folders) {
  if (backend.empty()) return absl::InvalidArgumentError("a backend's name is empty");
  if (absl::StrContains(backend, '/') || absl::EndsWith(backend, ".so")) {
    INGOT_ASSIGN_OR_RETURN(ResolvedFile file, ResolveFile(backend));
    return std::move(file.path);
  }
  const std::vector<std::string> searched = SearchedFolders(folders);
  const std::string file = absl::StrCat("libingot_", backend, ".so");
  for (const std::string& folder : searched) {
    const fs::path path = fs::path(folder) / file;
    if (IsFile(path)) return path.string();
  }
  std::vector<std::string> known;
  for (const std::string& path : ListPlugins(folders)) known.push_back(BackendNameOfFile(path));
  return absl::NotFoundError(absl::StrCat(
      "no backend \"", backend, "\": no ", file, " in ", absl::StrJoin(searched, ", "),
      "; backends found there: ", known.empty() ? "none" : absl::StrJoin(known, ", ")));
}

std::vector<std::string> DefaultPluginFolders() { return ExecutableFolders("backends"); }

std::vector<std::string> ListPlugins(const std::vector<std::string>& folders) {
  std::map<std::string, std::string> by_name;
  for (const std::string& folder : SearchedFolders(folders)) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      const std::string name = BackendNameOfFile(it->path());
      if (!name.empty() && IsFile(it->path())) by_name.emplace(name, it->path());
    }
  }
  std::vector<std::string> paths;
  for (auto& [name, path] : by_name) paths.push_back(std::move(path));
  return paths;
}

}  // namespace ingot::plugin
