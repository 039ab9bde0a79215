#include "backends/sdk/backend.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/serialize.h"
#include "core/ir/verifier.h"
#include "core/plugin/abi_util.h"

namespace ingot::sdk {
namespace {

using plugin::ReadElement;
using plugin::ReadStruct;
using plugin::StoreError;
using plugin::WriteStruct;

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSanitizer = 1;
#elif defined(__SANITIZE_THREAD__)
constexpr uint64_t kSanitizer = 2;
#else
constexpr uint64_t kSanitizer = 0;
#endif

// Set by the first query, before any other entry can be called; never destroyed.
const Factory* g_factory = nullptr;
std::atomic<const ingot_host_api*> g_host{nullptr};

// What the ABI's opaque pointers point to.
struct BackendHandle {
  std::unique_ptr<Backend> backend;
  BackendInfo info;
};

struct ExecutableHandle {
  std::unique_ptr<Executable> executable;
  size_t input_count = 0;
  size_t output_count = 0;
  std::string plan_json;
};

BackendHandle* FromAbi(ingot_backend* backend) { return reinterpret_cast<BackendHandle*>(backend); }
ExecutableHandle* FromAbi(ingot_executable* executable) {
  return reinterpret_cast<ExecutableHandle*>(executable);
}

// Runs `body`, which returns an absl::Status. Nothing is thrown beyond here.
template <typename Body>
ingot_status Guard(ingot_error_buf* error, const Body& body) noexcept {
  try {
    const absl::Status status = body();
    return status.ok() ? INGOT_OK : StoreError(error, status);
  } catch (const std::bad_alloc&) {
    return StoreError(error, INGOT_RESOURCE_EXHAUSTED, "out of memory");
  } catch (const std::exception& e) {
    return StoreError(error, INGOT_INTERNAL, e.what());
  } catch (...) {
    return StoreError(error, INGOT_INTERNAL, "threw something that is not a std::exception");
  }
}

absl::StatusOr<OptionValue> ReadOption(const ingot_option& option) {
  switch (option.type) {
    case 0:
      return OptionValue(std::string(option.s != nullptr ? option.s : ""));
    case 1:
      return OptionValue(option.i);
    case 2:
      return OptionValue(option.d);
    case 3:
      return OptionValue(option.i != 0);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("option \"", option.name, "\" has the unknown type ", option.type));
  }
}

// Given to every backend; one that doesn't declare it takes no notice.
constexpr char kThreads[] = "threads";

bool IsDeclared(absl::string_view name) {
  return std::any_of(g_factory->options.begin(), g_factory->options.end(),
                     [name](const OptionSpec& spec) { return spec.name == name; });
}

absl::StatusOr<Options> ReadOptions(const ingot_options* given) {
  Options options(g_factory->options);
  const size_t count = given != nullptr ? given->count : 0;
  for (size_t i = 0; i < count; ++i) {
    const ingot_option option = ReadElement(given->options, i, given->stride);
    if (option.name == nullptr) return absl::InvalidArgumentError("an option has no name");
    if (absl::string_view(option.name) == kThreads && !IsDeclared(kThreads)) continue;
    INGOT_ASSIGN_OR_RETURN(const OptionValue value, ReadOption(option));
    INGOT_RETURN_IF_ERROR(options.Set(option.name, value));
  }
  return options;
}

absl::StatusOr<ir::Graph> ReadGraph(const ingot_graph& view) {
  INGOT_ASSIGN_OR_RETURN(ir::Graph graph,
                         ir::FromCanonicalBytes(absl::string_view(
                             static_cast<const char*>(view.graph.data), view.graph.size)));
  INGOT_RETURN_IF_ERROR(ir::Verify(graph));
  return graph;
}

// The graph's constants by index, each checked against the graph: a weight that is not the graph's
// own would give wrong numbers without a sign.
absl::StatusOr<std::vector<ConstantView>> ReadConstants(const ir::Graph& graph,
                                                        const ingot_graph& view) {
  std::vector<ConstantView> constants;
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role != ir::InputRole::kConstant) continue;
    const auto error = [&input](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat("constant ", input.index, " ", what));
    };
    if (input.index >= view.constant_count) return error("is missing");
    const ingot_constant given = ReadElement(view.constants, input.index, view.constant_stride);
    const auto expected_size = static_cast<size_t>(graph.type(input.value).NumBytes());
    if (given.size != expected_size) {
      return error(absl::StrCat("has ", given.size, " bytes, its type needs ", expected_size));
    }
    if (given.data == nullptr && given.size > 0) return error("has no data");
    if (std::memcmp(given.digest, input.digest.bytes.data(), sizeof(given.digest)) != 0) {
      return error("has another digest than the graph says");
    }
    if (constants.size() <= input.index) constants.resize(input.index + 1);
    constants[input.index] = {input.value, input.digest, given.data, given.size};
  }
  return constants;
}

size_t CountRunInputs(const ir::Graph& graph) {
  size_t count = 0;
  for (const ir::InputSpec& input : graph.inputs()) count += input.role != ir::InputRole::kConstant;
  return count;
}

std::string IrrelevantOptions() {
  std::string names = IsDeclared(kThreads) ? "" : kThreads;
  for (const OptionSpec& spec : g_factory->options) {
    if (!spec.affects_code) absl::StrAppend(&names, names.empty() ? "" : ",", spec.name);
  }
  return names;
}

// --- The entries ---

ingot_status CreateEntry(const ingot_options* given, ingot_backend** out,
                         ingot_error_buf* error) noexcept {
  return Guard(error, [&]() -> absl::Status {
    INGOT_ASSIGN_OR_RETURN(const Options options, ReadOptions(given));
    auto handle = std::make_unique<BackendHandle>();
    INGOT_ASSIGN_OR_RETURN(handle->backend, g_factory->create(options));
    if (handle->backend == nullptr) return absl::InternalError("the factory made no backend");
    handle->info = handle->backend->Info();
    *out = reinterpret_cast<ingot_backend*>(handle.release());
    return absl::OkStatus();
  });
}

void DestroyEntry(ingot_backend* backend) noexcept {
  Guard(nullptr, [&]() -> absl::Status {
    delete FromAbi(backend);
    return absl::OkStatus();
  });
}

ingot_status InfoEntry(ingot_backend* backend, ingot_backend_info* out,
                       ingot_error_buf* error) noexcept {
  return Guard(error, [&]() -> absl::Status {
    static const std::string& irrelevant = *new std::string(IrrelevantOptions());
    const BackendInfo& info = FromAbi(backend)->info;
    ingot_backend_info filled{};
    filled.struct_size = sizeof(filled);
    filled.name = info.name.c_str();
    filled.version = info.version.c_str();
    filled.library_version = info.library_version.c_str();
    filled.fingerprint = {info.fingerprint.data(), info.fingerprint.size()};
    filled.irrelevant_options = irrelevant.c_str();
    filled.sanitizer = kSanitizer;
    WriteStruct(filled, out);
    return absl::OkStatus();
  });
}

ingot_status QueryGraphEntry(ingot_backend* backend, const ingot_graph* graph_view,
                             const ingot_query_sink* sink_view, ingot_error_buf* error) noexcept {
  return Guard(error, [&]() -> absl::Status {
    INGOT_ASSIGN_OR_RETURN(const ir::Graph graph, ReadGraph(ReadStruct(graph_view)));
    const ingot_query_sink sink = ReadStruct(sink_view);
    std::vector<uint32_t> claimed;
    for (ir::NodeId node = 0; node < graph.nodes().size(); ++node) {
      const absl::Status support = FromAbi(backend)->backend->Supports(graph, node);
      if (support.ok()) {
        claimed.push_back(node);
      } else {
        sink.reject(sink.ctx, node, std::string(support.message()).c_str());
      }
    }
    if (!claimed.empty()) sink.claim(sink.ctx, claimed.data(), claimed.size());
    return absl::OkStatus();
  });
}

ingot_status CompileEntry(ingot_backend* backend, const ingot_graph* graph_view,
                          const ingot_cancel* cancel, ingot_executable** out,
                          ingot_error_buf* error) noexcept {
  return Guard(error, [&]() -> absl::Status {
    const ingot_graph view = ReadStruct(graph_view);
    INGOT_ASSIGN_OR_RETURN(const ir::Graph graph, ReadGraph(view));
    INGOT_ASSIGN_OR_RETURN(const std::vector<ConstantView> constants, ReadConstants(graph, view));
    auto handle = std::make_unique<ExecutableHandle>();
    INGOT_ASSIGN_OR_RETURN(handle->executable, FromAbi(backend)->backend->Compile(
                                                   graph, constants, CompileContext(view, cancel)));
    if (handle->executable == nullptr) return absl::InternalError("compiled to nothing");
    handle->input_count = CountRunInputs(graph);
    handle->output_count = graph.outputs().size();
    handle->plan_json = handle->executable->plan_json();
    *out = reinterpret_cast<ingot_executable*>(handle.release());
    return absl::OkStatus();
  });
}

void DestroyExecutableEntry(ingot_executable* executable) noexcept {
  Guard(nullptr, [&]() -> absl::Status {
    delete FromAbi(executable);
    return absl::OkStatus();
  });
}

ingot_status ExecutableInfoEntry(ingot_executable* executable, ingot_executable_info* out,
                                 ingot_error_buf* error) noexcept {
  return Guard(error, [&]() -> absl::Status {
    const ExecutableHandle& handle = *FromAbi(executable);
    ingot_executable_info filled{};
    filled.struct_size = sizeof(filled);
    filled.workspace_bytes = handle.executable->workspace_bytes();
    filled.retained_bytes = handle.executable->retained_bytes();
    filled.needs_constants = handle.executable->needs_constants() ? 1 : 0;
    filled.plan_json = {handle.plan_json.data(), handle.plan_json.size()};
    WriteStruct(filled, out);
    return absl::OkStatus();
  });
}

ingot_status ExecuteEntry(ingot_executable* executable, const ingot_run_context* context,
                          const ingot_tensor* inputs, size_t input_count,
                          const ingot_tensor* outputs, size_t output_count, void* workspace,
                          ingot_error_buf* error) noexcept {
  return Guard(error, [&]() -> absl::Status {
    const ExecutableHandle& handle = *FromAbi(executable);
    if (input_count != handle.input_count || output_count != handle.output_count) {
      return absl::InvalidArgumentError(
          absl::StrCat("execute got ", input_count, " inputs and ", output_count,
                       " outputs, needs ", handle.input_count, " and ", handle.output_count));
    }
    const ingot_run_context run = ReadStruct(context);
    return handle.executable->Execute(RunContext(run), absl::MakeConstSpan(inputs, input_count),
                                      absl::MakeConstSpan(outputs, output_count), workspace);
  });
}

constexpr ingot_backend_api kApi = {
    .struct_size = sizeof(ingot_backend_api),
    .abi_major = INGOT_BACKEND_ABI_MAJOR,
    .abi_minor = INGOT_BACKEND_ABI_MINOR,
    .create = &CreateEntry,
    .destroy = &DestroyEntry,
    .info = &InfoEntry,
    .query_graph = &QueryGraphEntry,
    .compile = &CompileEntry,
    .destroy_executable = &DestroyExecutableEntry,
    .executable_info = &ExecutableInfoEntry,
    .execute = &ExecuteEntry,
    .get_extension = nullptr,
};

}  // namespace

int64_t MonotonicNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void Log(Severity severity, const std::string& text) {
  const ingot_host_api* host = g_host.load(std::memory_order_acquire);
  if (host == nullptr) return;
  const ingot_host_api api = ReadStruct(host);
  if (api.log != nullptr) api.log(api.ctx, static_cast<int32_t>(severity), text.c_str());
}

namespace internal {

const ingot_backend_api* Query(Factory (*make_factory)(), uint32_t host_major,
                               const ingot_host_api* host, ingot_error_buf* error) noexcept {
  const ingot_status status = Guard(error, [&]() -> absl::Status {
    if (host_major != INGOT_BACKEND_ABI_MAJOR) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the plugin is of ABI major ", INGOT_BACKEND_ABI_MAJOR, ", the host of ", host_major));
    }
    static const Factory& factory = *(g_factory = new Factory(make_factory()));
    if (factory.create == nullptr) return absl::InternalError("the plugin has no factory");
    g_host.store(host, std::memory_order_release);
    return absl::OkStatus();
  });
  return status == INGOT_OK ? &kApi : nullptr;
}

}  // namespace internal
}  // namespace ingot::sdk
