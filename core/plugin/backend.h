// The host's view of a backend: RAII wrappers over the C ABI (abi/ingot_backend.h).
//
//   INGOT_ASSIGN_OR_RETURN(auto backend, Backend::Create(plugin, {{"threads", int64_t{2}}}));
//   INGOT_ASSIGN_OR_RETURN(auto support, backend->Query(graph));
//   INGOT_ASSIGN_OR_RETURN(auto executable, backend->Compile(graph, constants));
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

// One option of a backend instance. The backend refuses unknown ones; it may read a string as
// another type. The order of alternatives is that of ingot_option::type.
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
  // Whether it points into the constants it was compiled with: it keeps those alive that the
  // backend didn't drop while it compiled.
  bool needs_constants() const { return needs_constants_; }
  const std::string& plan_json() const { return plan_json_; }
  // Whether it can run for a program with these constants, which have the digests of those it was
  // compiled with: the live memory that it points into, if any, is theirs.
  bool CanServe(absl::Span<const ir::Constant> constants) const;

  // See ingot_backend_api::execute; `context.struct_size` must be set. `workspace`:
  // workspace_bytes() bytes, 64-aligned. No allocation on success. Errors carry the backend's name.
  absl::Status Execute(const ingot_run_context& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void* workspace) const;

 private:
  friend class Backend;
  Executable() = default;
  absl::Status ReadInfo();

  std::shared_ptr<const class Backend> backend_;
  ingot_executable* handle_ = nullptr;
  decltype(ingot_backend_api::execute) execute_ = nullptr;
  size_t workspace_bytes_ = 0, retained_bytes_ = 0;
  bool needs_constants_ = false;
  std::string plan_json_;
  // Constants that the executable points into, by index in the graph.
  std::vector<std::pair<uint32_t, ir::Constant>> pinned_;
};

class Backend : public std::enable_shared_from_this<Backend> {
 public:
  // InvalidArgument for an option that the backend does not know. Of two options of one name the
  // later counts.
  static absl::StatusOr<std::shared_ptr<const Backend>> Create(
      std::shared_ptr<const Plugin> plugin, const std::vector<BackendOption>& options);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  const std::string& library_version() const { return library_version_; }
  // Part of the key, as framed bytes: name and versions, the plugin's own fingerprint, and every
  // given option that the plugin doesn't declare irrelevant.
  const std::string& fingerprint() const { return fingerprint_; }

  // One entry a node of `graph`. Internal if the plugin breaks its contract (claims twice, leaves
  // out …).
  absl::StatusOr<std::vector<NodeSupport>> Query(const ir::Graph& graph) const;

  // Compiles a graph all of whose nodes were claimed. `constants` by index of the constant inputs.
  // `cancelled` may be empty; it is polled from any thread and must not throw.
  absl::StatusOr<std::shared_ptr<const Executable>> Compile(
      const ir::Graph& graph, absl::Span<const ir::Constant> constants,
      const std::function<bool()>& cancelled = {}) const;

 private:
  friend class Executable;
  Backend() = default;

  std::shared_ptr<const Plugin> plugin_;
  ingot_backend* handle_ = nullptr;
  std::string label_;  // "backend onednn", for errors
  std::string name_, version_, library_version_, fingerprint_;
};

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_BACKEND_H_
