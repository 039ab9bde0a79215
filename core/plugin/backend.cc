#include "core/plugin/backend.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "core/base/status_macros.h"
#include "core/ir/serialize.h"
#include "core/plugin/abi_util.h"
#include "core/plugin/loader.h"

namespace ingot::plugin {
namespace {

// By name; a later option of the same name wins.
using OptionMap = std::map<std::string, BackendOption>;

ingot_option ToAbi(const BackendOption& option) {
  ingot_option abi{};
  abi.name = option.name.c_str();
  abi.type = static_cast<int32_t>(option.value.index());
  std::visit(
      [&abi](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          abi.s = value.c_str();
        } else if constexpr (std::is_same_v<T, double>) {
          abi.d = value;
        } else {
          abi.i = value;
        }
      },
      option.value);
  return abi;
}

// Framed, so that ("ab", "c") and ("a", "bc") differ.
void AppendFramed(std::string* out, absl::string_view tag, absl::string_view part) {
  absl::StrAppend(out, tag, ":", part.size(), ":", part, ";");
}

std::string OptionText(const BackendOption& option) {
  return std::visit(
      [](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, double>) {
          // Shortest text could merge two doubles; the bits can't.
          return absl::StrCat("d", absl::Hex(absl::bit_cast<uint64_t>(value)));
        } else if constexpr (std::is_same_v<T, bool>) {
          return std::string(value ? "b1" : "b0");
        } else if constexpr (std::is_same_v<T, std::string>) {
          return absl::StrCat("s", value);
        } else {
          return absl::StrCat("i", value);
        }
      },
      option.value);
}

std::string MakeFingerprint(const ingot_backend_info& info, const OptionMap& options) {
  const std::vector<std::string> irrelevant =
      absl::StrSplit(info.irrelevant_options != nullptr ? info.irrelevant_options : "", ',');
  std::string fingerprint;
  AppendFramed(&fingerprint, "name", info.name);
  AppendFramed(&fingerprint, "version", info.version);
  AppendFramed(&fingerprint, "library",
               info.library_version != nullptr ? info.library_version : "");
  AppendFramed(
      &fingerprint, "plugin",
      absl::string_view(static_cast<const char*>(info.fingerprint.data), info.fingerprint.size));
  for (const auto& [name, option] : options) {
    if (std::find(irrelevant.begin(), irrelevant.end(), name) != irrelevant.end()) continue;
    AppendFramed(&fingerprint, "option", name);
    AppendFramed(&fingerprint, "value", OptionText(option));
  }
  return fingerprint;
}

ingot_graph ToAbi(const std::string& bytes, const std::vector<ingot_constant>& constants) {
  ingot_graph view{};
  view.struct_size = sizeof(view);
  view.graph = {bytes.data(), bytes.size()};
  view.constants = constants.data();
  view.constant_count = constants.size();
  view.constant_stride = sizeof(ingot_constant);
  return view;
}

// Collects the answer to query_graph and remembers the first breach of its contract.
class SupportCollector {
 public:
  explicit SupportCollector(const ir::Graph& graph)
      : graph_(graph), support_(graph.nodes().size()), answered_(graph.nodes().size(), false) {}

  ingot_query_sink sink() {
    return {.struct_size = sizeof(ingot_query_sink),
            .ctx = this,
            .claim = &SupportCollector::OnClaim,
            .reject = &SupportCollector::OnReject};
  }

  absl::StatusOr<std::vector<NodeSupport>> Finish() && {
    for (size_t n = 0; n < answered_.size() && breach_.empty(); ++n) {
      if (!answered_[n]) breach_ = absl::StrCat(DescribeNode(n), " was left out");
    }
    if (!breach_.empty()) {
      return absl::InternalError(absl::StrCat("it broke the contract of query_graph: ", breach_));
    }
    return std::move(support_);
  }

 private:
  // Called by the plugin; nothing may be thrown into it.
  static void OnClaim(void* ctx, const uint32_t* nodes, size_t count) noexcept {
    auto& self = *static_cast<SupportCollector*>(ctx);
    if (count > self.answered_.size() || (nodes == nullptr && count > 0)) {
      if (self.breach_.empty()) {
        self.breach_ = absl::StrCat("it claimed ", count, " nodes of ", self.answered_.size());
      }
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      if (self.Answer(nodes[i])) self.support_[nodes[i]].claimed = true;
    }
  }

  static void OnReject(void* ctx, uint32_t node, const char* reason) noexcept {
    auto& self = *static_cast<SupportCollector*>(ctx);
    if (self.Answer(node)) self.support_[node].reason = OneLine(reason);
  }

  bool Answer(uint32_t node) {
    if (node < answered_.size() && !answered_[node]) {
      answered_[node] = true;
      return true;
    }
    if (breach_.empty()) {
      breach_ = node < answered_.size()
                    ? absl::StrCat(DescribeNode(node), " was answered twice")
                    : absl::StrCat("node ", node, " is beyond the graph's ", answered_.size());
    }
    return false;
  }

  std::string DescribeNode(size_t node) const {
    return absl::StrCat("node ", node, " (", graph_.nodes()[node].op, ")");
  }

  const ir::Graph& graph_;
  std::vector<NodeSupport> support_;
  std::vector<bool> answered_;
  std::string breach_;
};

// The graph's constant inputs in the ABI's form, by index.
absl::StatusOr<std::vector<ingot_constant>> ToAbi(const ir::Graph& graph,
                                                  absl::Span<const ir::Constant> constants) {
  const auto inputs = graph.inputs();
  const auto needed = static_cast<size_t>(std::count_if(
      inputs.begin(), inputs.end(),
      [](const ir::InputSpec& input) { return input.role == ir::InputRole::kConstant; }));
  if (constants.size() != needed) {
    return absl::InvalidArgumentError(
        absl::StrCat("compile got ", constants.size(), " constants, the graph has ", needed));
  }
  std::vector<ingot_constant> abi(needed);
  for (size_t i = 0; i < needed; ++i) {
    const ir::Constant& constant = constants[i];
    std::copy(constant.digest.bytes.begin(), constant.digest.bytes.end(), abi[i].digest);
    abi[i].data = constant.data;
    abi[i].size = static_cast<uint64_t>(constant.type.NumBytes());
  }
  return abi;
}

// What a compilation says of its constants, while it runs and afterwards.
class ConstantKeeper {
 public:
  explicit ConstantKeeper(absl::Span<const ir::Constant> constants)
      : constants_(constants), dropped_(constants.size(), false) {}

  void Listen(ingot_graph& graph) {
    graph.drop_constant = &ConstantKeeper::OnDrop;
    graph.drop_ctx = this;
  }

  // Those that an executable which points into constants needs. Compiling may have read all of one
  // (an embedding's table that is packed for a product, too) of which calls read some rows.
  std::vector<std::pair<uint32_t, ir::Constant>> Kept() {
    absl::MutexLock lock(&mutex_);
    std::vector<std::pair<uint32_t, ir::Constant>> kept;
    for (size_t i = 0; i < constants_.size(); ++i) {
      if (dropped_[i]) continue;
      kept.emplace_back(static_cast<uint32_t>(i), constants_[i]);
      ir::EvictPages(constants_[i]);
    }
    return kept;
  }

  // For an executable that points into none.
  void DropAll() {
    for (size_t i = 0; i < constants_.size(); ++i) Drop(i);
  }

 private:
  // Called by the plugin; nothing may be thrown into it. An index that doesn't exist is ignored, as
  // a hint may be.
  static void OnDrop(void* ctx, uint32_t index) noexcept {
    static_cast<ConstantKeeper*>(ctx)->Drop(index);
  }

  void Drop(size_t index) {
    if (index >= constants_.size()) return;
    {
      absl::MutexLock lock(&mutex_);
      if (dropped_[index]) return;
      dropped_[index] = true;
    }
    ir::EvictPages(constants_[index]);
  }

  const absl::Span<const ir::Constant> constants_;
  absl::Mutex mutex_;
  std::vector<bool> dropped_ ABSL_GUARDED_BY(mutex_);
};

// There is nobody to tell of an error in a destructor.
template <typename Call>
void Destroy(const Call& call) {
  ErrorText ignored;
  CallPlugin(&ignored, [&call] {
    call();
    return INGOT_OK;
  });
}

int32_t PollCancelled(void* ctx) noexcept {
  return (*static_cast<const std::function<bool()>*>(ctx))() ? 1 : 0;
}

}  // namespace

// --- Executable ---

Executable::~Executable() {
  if (handle_ == nullptr) return;
  Destroy([this] { backend_->plugin_->api().destroy_executable(handle_); });
}

absl::Status Executable::Execute(const ingot_run_context& context,
                                 absl::Span<const ingot_tensor> inputs,
                                 absl::Span<const ingot_tensor> outputs, void* workspace) const {
  ErrorText error;
  const ingot_status status = CallPlugin(&error, [&] {
    return execute_(handle_, &context, inputs.data(), inputs.size(), outputs.data(), outputs.size(),
                    workspace, error.buffer());
  });
  if (status == INGOT_OK) [[likely]]
    return absl::OkStatus();
  return error.ToStatus(status, backend_->label_);
}

bool Executable::CanServe(absl::Span<const ir::Constant> constants) const {
  return std::all_of(pinned_.begin(), pinned_.end(), [&](const auto& pinned) {
    const auto& [index, constant] = pinned;
    return !constant.is_live || constant.data == constants[index].data;
  });
}

absl::Status Executable::ReadInfo() {
  ingot_executable_info info{};
  info.struct_size = sizeof(info);
  ErrorText error;
  const ingot_status status = CallPlugin(&error, [&] {
    return backend_->plugin_->api().executable_info(handle_, &info, error.buffer());
  });
  INGOT_RETURN_IF_ERROR(
      error.ToStatus(status, absl::StrCat(backend_->label_, ": executable_info")));
  info = ReadStruct(&info);
  workspace_bytes_ = info.workspace_bytes;
  retained_bytes_ = info.retained_bytes;
  needs_constants_ = info.needs_constants != 0;
  if (info.plan_json.data != nullptr) {
    plan_json_.assign(static_cast<const char*>(info.plan_json.data), info.plan_json.size);
  }
  return absl::OkStatus();
}

// --- Backend ---

Backend::~Backend() {
  if (handle_ == nullptr) return;
  Destroy([this] { plugin_->api().destroy(handle_); });
}

absl::StatusOr<std::shared_ptr<const Backend>> Backend::Create(
    std::shared_ptr<const Plugin> plugin, const std::vector<BackendOption>& options) {
  OptionMap by_name;
  for (const BackendOption& option : options) by_name.insert_or_assign(option.name, option);
  std::vector<ingot_option> abi_options;
  for (const auto& [name, option] : by_name) abi_options.push_back(ToAbi(option));
  const ingot_options view = {abi_options.data(), abi_options.size(), sizeof(ingot_option)};

  const std::shared_ptr<Backend> backend(new Backend);
  backend->plugin_ = std::move(plugin);
  const ingot_backend_api& api = backend->plugin_->api();
  const std::string& path = backend->plugin_->path();
  ErrorText error;
  ingot_backend* handle = nullptr;  // not trusted before the call has succeeded
  ingot_status status =
      CallPlugin(&error, [&] { return api.create(&view, &handle, error.buffer()); });
  INGOT_RETURN_IF_ERROR(error.ToStatus(status, absl::StrCat("can't create the backend of ", path)));
  if (handle == nullptr) {
    return absl::InternalError(absl::StrCat("the plugin ", path, " created no backend"));
  }
  backend->handle_ = handle;

  ingot_backend_info info{};
  info.struct_size = sizeof(info);
  status = CallPlugin(&error, [&] { return api.info(backend->handle_, &info, error.buffer()); });
  INGOT_RETURN_IF_ERROR(error.ToStatus(status, absl::StrCat("no information about ", path)));
  info = ReadStruct(&info);
  if (info.name == nullptr || *info.name == '\0' || info.version == nullptr) {
    return absl::InternalError(absl::StrCat("the plugin ", path, " has no name or version"));
  }
  backend->name_ = OneLine(info.name);
  backend->label_ = absl::StrCat("backend ", backend->name_);
  backend->version_ = OneLine(info.version);
  if (info.library_version != nullptr) backend->library_version_ = OneLine(info.library_version);
  backend->fingerprint_ = MakeFingerprint(info, by_name);
  return std::shared_ptr<const Backend>(backend);
}

absl::StatusOr<std::vector<NodeSupport>> Backend::Query(const ir::Graph& graph) const {
  const std::string bytes = ir::ToCanonicalBytes(graph);
  const ingot_graph view = ToAbi(bytes, {});
  SupportCollector collector(graph);
  const ingot_query_sink sink = collector.sink();
  ErrorText error;
  const ingot_status status = CallPlugin(
      &error, [&] { return plugin_->api().query_graph(handle_, &view, &sink, error.buffer()); });
  INGOT_RETURN_IF_ERROR(error.ToStatus(status, label_));
  absl::StatusOr<std::vector<NodeSupport>> support = std::move(collector).Finish();
  if (!support.ok()) return Annotate(support.status(), label_);
  return support;
}

absl::StatusOr<std::shared_ptr<const Executable>> Backend::Compile(
    const ir::Graph& graph, absl::Span<const ir::Constant> constants,
    const std::function<bool()>& cancelled) const {
  INGOT_ASSIGN_OR_RETURN(const std::vector<ingot_constant> abi_constants, ToAbi(graph, constants),
                         label_);
  const std::string bytes = ir::ToCanonicalBytes(graph);
  ingot_graph view = ToAbi(bytes, abi_constants);
  ConstantKeeper keeper(constants);
  keeper.Listen(view);
  const ingot_cancel cancel = {&PollCancelled, const_cast<std::function<bool()>*>(&cancelled)};

  ErrorText error;
  ingot_executable* handle = nullptr;  // not trusted before the call has succeeded
  const ingot_status status = CallPlugin(&error, [&] {
    return plugin_->api().compile(handle_, &view, cancelled ? &cancel : nullptr, &handle,
                                  error.buffer());
  });
  INGOT_RETURN_IF_ERROR(error.ToStatus(status, label_));
  if (handle == nullptr) return absl::InternalError(absl::StrCat(label_, ": compiled to nothing"));

  const std::shared_ptr<Executable> executable(new Executable);
  executable->backend_ = shared_from_this();
  executable->handle_ = handle;
  executable->execute_ = plugin_->api().execute;
  INGOT_RETURN_IF_ERROR(executable->ReadInfo());
  if (executable->needs_constants_) {
    executable->pinned_ = keeper.Kept();
  } else {
    keeper.DropAll();
  }
  return std::shared_ptr<const Executable>(executable);
}

}  // namespace ingot::plugin
