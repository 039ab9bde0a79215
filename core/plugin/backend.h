// The host's view of a backend: RAII wrappers over the C ABI (abi/ingot_backend.h).
//
// A Backend is an instance created from a loaded plugin (loader.h); an Executable is what it
// compiled. Both are immutable and thread-safe; Executable::Execute may run concurrently, each call
// with its own workspace. An Executable keeps its Backend alive, a Backend its Plugin; plugins are
// never unloaded.
#ifndef INGOT_CORE_PLUGIN_BACKEND_H_
#define INGOT_CORE_PLUGIN_BACKEND_H_

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ir/graph.h"
#include "core/ir/recording.h"
#include "core/plugin/abi/ingot_backend.h"

namespace ingot::plugin {

class Plugin;  // loader.h

// Options of a backend instance, by name. The backend refuses unknown ones.
struct BackendOption {
  std::string name;
  std::variant<std::string, int64_t, double, bool> value;
};

// What a backend says of one node.
struct NodeSupport {
  bool claimed = false;
  std::string reason;  // why not, when not claimed
};

class Executable {
 public:
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  size_t workspace_bytes() const { return workspace_bytes_; }
  size_t retained_bytes() const { return retained_bytes_; }
  const std::string& plan_json() const { return plan_json_; }

  // See ingot_backend_api::execute. `workspace`: workspace_bytes() bytes, 64-aligned. No allocation
  // on success. Errors carry the backend's name.
  absl::Status Execute(const ingot_run_context& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void* workspace) const;

 private:
  friend class Backend;
  Executable() = default;

  std::shared_ptr<const class Backend> backend_;
  ingot_executable* handle_ = nullptr;
  decltype(ingot_backend_api::execute) execute_ = nullptr;
  size_t workspace_bytes_ = 0, retained_bytes_ = 0;
  std::string plan_json_;
  std::vector<ir::Constant> pinned_;  // constants that the executable points into
};

class Backend : public std::enable_shared_from_this<Backend> {
 public:
  // InvalidArgument for an option that the backend does not know.
  static absl::StatusOr<std::shared_ptr<const Backend>> Create(
      std::shared_ptr<const Plugin> plugin, const std::vector<BackendOption>& options);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  const std::string& library_version() const { return library_version_; }
  // Part of the key: the plugin's fingerprint and the options that affect code, framed.
  const std::string& fingerprint() const { return fingerprint_; }

  // One entry a node of `graph`. Internal if the plugin breaks its contract (claims twice, leaves
  // out …).
  absl::StatusOr<std::vector<NodeSupport>> Query(const ir::Graph& graph) const;

  // Compiles a graph all of whose nodes were claimed. `constants` by index of the constant inputs.
  // `cancelled` may be empty.
  absl::StatusOr<std::shared_ptr<const Executable>> Compile(
      const ir::Graph& graph, absl::Span<const ir::Constant> constants,
      std::function<bool()> cancelled = {}) const;

 private:
  Backend() = default;

  std::shared_ptr<const Plugin> plugin_;
  ingot_backend* handle_ = nullptr;
  std::string name_, version_, library_version_, fingerprint_;
};

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_BACKEND_H_
