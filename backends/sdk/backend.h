// For authors of backend plugins: C++ over the C ABI (core/plugin/abi/ingot_backend.h).
//
// A plugin is one shared object (plugin.bzl, `ingot_backend_plugin`). Its author derives a Backend
// and an Executable and names a factory; the SDK exports the query symbol, decodes and verifies
// graphs, checks options, and turns statuses and exceptions into the ABI's codes: none leaves the
// plugin.
//
//   class MyBackend : public ingot::sdk::Backend { … };
//   absl::StatusOr<std::unique_ptr<ingot::sdk::Backend>> Create(const ingot::sdk::Options& options)
//   {
//     return std::make_unique<MyBackend>(options.Int("threads"));
//   }
//   INGOT_DEFINE_BACKEND(ingot::sdk::Factory{{{"threads", int64_t{0}, "0: as many as CPUs"}},
//   &Create})
//
// Threads: all methods are const and may be called from many threads at once. Ownership: the SDK
// owns the backend and its executables and deletes them when the host says so; an executable never
// outlives its backend. Tensor helpers (dtype <-> DLPack code, typed data) are in
// core/plugin/tensor.h.
#ifndef INGOT_BACKENDS_SDK_BACKEND_H_
#define INGOT_BACKENDS_SDK_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/ir/digest.h"
#include "core/ir/graph.h"
#include "core/plugin/abi/ingot_backend.h"
#include "core/plugin/tensor.h"

namespace ingot::sdk {

// --- Options ---

using OptionValue = std::variant<std::string, int64_t, double, bool>;

// An option that the backend knows. Its type is that of the default.
struct OptionSpec {
  std::string name;
  OptionValue default_value;
  std::string doc;           // one line
  bool affects_code = true;  // false: not part of the cache key
};

// All declared options, given or default. Given values have the declared type: a string is parsed
// ("4", "0.5", "true"), an integer is taken for a double; all else, and an undeclared name, has
// been refused with InvalidArgument before the factory sees it.
//
// The host gives every backend "threads" (integer): how many threads an execution may use. Declare
// it if you use threads; else it is accepted and dropped.
class Options {
 public:
  // The defaults of `specs`.
  explicit Options(const std::vector<OptionSpec>& specs) {
    for (const OptionSpec& spec : specs) values_[spec.name] = spec.default_value;
  }

  // Asking for an undeclared name or another type than declared is a bug of the plugin and throws;
  // the host sees INTERNAL.
  const std::string& String(const std::string& name) const { return Get<std::string>(name); }
  int64_t Int(const std::string& name) const { return Get<int64_t>(name); }
  double Double(const std::string& name) const { return Get<double>(name); }
  bool Bool(const std::string& name) const { return Get<bool>(name); }

  // InvalidArgument, listing what is known, if `name` is not declared or `value` is not of its
  // type.
  absl::Status Set(absl::string_view name, const OptionValue& value);

 private:
  template <typename T>
  const T& Get(const std::string& name) const {
    return std::get<T>(values_.at(name));
  }

  std::map<std::string, OptionValue> values_;
};

// --- What the host passes in ---

// A constant input of the graph. `data` is dense and row-major, of type `graph.type(value)`; it
// stays valid during Compile and, if the executable `needs_constants()`, as long as the executable;
// in both cases until it is dropped (CompileContext). Alignment: that of the element size.
struct ConstantView {
  ir::ValueId value = ir::kNoValue;
  ir::Digest digest;
  const void* data = nullptr;
  size_t size = 0;  // bytes
};

// Tells whether the caller gave up. Once cancelled, it stays so. Valid during the call that got it.
class CancelToken {
 public:
  explicit CancelToken(const ingot_cancel* cancel = nullptr) : cancel_(cancel) {}

  bool Cancelled() const { return cancel_ != nullptr && cancel_->cancelled(cancel_->ctx) != 0; }
  // Cancelled error or OK: for INGOT_RETURN_IF_ERROR between steps.
  absl::Status Check() const {
    return Cancelled() ? absl::CancelledError("cancelled by the caller") : absl::OkStatus();
  }

 private:
  const ingot_cancel* cancel_;
};

// One compilation. Valid during Compile.
class CompileContext {
 public:
  // What a plugin's own tests pass: never cancelled, nobody to drop constants.
  CompileContext() = default;
  CompileContext(const ingot_graph& graph, const ingot_cancel* cancel)
      : cancel_(cancel), drop_(graph.drop_constant), drop_ctx_(graph.drop_ctx) {}

  const CancelToken& cancel() const { return cancel_; }
  // Neither the compilation nor the executable will read the data of this constant again: the host
  // may give its memory back at once, and need not pin it for an executable that `needs_constants`.
  // Call it at most once a constant.
  void DropConstant(uint32_t index) const {
    if (drop_ != nullptr) drop_(drop_ctx_, index);
  }

 private:
  CancelToken cancel_;
  void (*drop_)(void* ctx, uint32_t index) = nullptr;
  void* drop_ctx_ = nullptr;
};

// One execution. Valid during Execute.
class RunContext {
 public:
  explicit RunContext(const ingot_run_context& context) : context_(context) {}

  CancelToken cancel() const { return CancelToken(context_.cancel); }
  // True if the host wants Trace calls; else don't read clocks.
  bool tracing() const { return context_.trace != nullptr; }
  // A step that stood for `node` (of the compiled graph) ran from `begin_ns` to `end_ns` of
  // CLOCK_MONOTONIC. REQUIRES: tracing().
  void Trace(ir::NodeId node, const char* name, int64_t begin_ns, int64_t end_ns) const {
    context_.trace(context_.trace_ctx, node, name, begin_ns, end_ns);
  }

 private:
  const ingot_run_context& context_;
};

// CLOCK_MONOTONIC in ns, for Trace.
int64_t MonotonicNanoseconds();

// Writes one line to the host's log. Thread-safe.
enum class Severity : int32_t { kInfo = 0, kWarning = 1, kError = 2 };
void Log(Severity severity, const std::string& text);

// --- What the author writes ---

struct BackendInfo {
  std::string name;             // "onednn"
  std::string version;          // the plugin's own
  std::string library_version;  // "oneDNN 3.2.0"; may be empty
  // Everything besides graph and options that compiled code depends on: library versions,
  // instruction sets used, thread count. Bytes; part of the cache key.
  std::string fingerprint;
};

class Executable {
 public:
  virtual ~Executable() = default;

  // Bytes that each Execute needs as scratch memory.
  virtual size_t workspace_bytes() const { return 0; }
  // Memory that the executable owns, packed weights included: what the cache charges.
  virtual size_t retained_bytes() const = 0;
  // Whether it keeps pointers to the data of constants that were not dropped during Compile.
  virtual bool needs_constants() const { return true; }
  // [{"node":3,"op":"aten::linear","impl":"brgemm:avx512_core","fused":[4]}…]; may be empty.
  virtual std::string plan_json() const { return ""; }

  // Runs once. `inputs`: the graph's inputs except constants, in order of appearance; `outputs`:
  // the graph's outputs in order. All are dense, row-major, of the graph's types, and have been
  // counted; outputs overlap neither inputs nor each other. `workspace`: workspace_bytes() bytes,
  // 64-aligned, NULL if 0. Inputs are not written. Must not allocate on the way to success; called
  // from many threads at once.
  virtual absl::Status Execute(const RunContext& context, absl::Span<const ingot_tensor> inputs,
                               absl::Span<const ingot_tensor> outputs, void* workspace) const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Called once, after the factory.
  virtual BackendInfo Info() const = 0;

  // OK: the node is claimed, which promises that Compile takes it, alone or with any other claimed
  // nodes. Else the message is the reason, for people: "no kernel for c64". Pure and deterministic.
  // `graph` is verified.
  virtual absl::Status Supports(const ir::Graph& graph, ir::NodeId node) const = 0;

  // Compiles a verified graph all of whose nodes were claimed. `constants` by index of the constant
  // inputs. Poll `context.cancel()` if it takes long; drop constants that were packed.
  virtual absl::StatusOr<std::unique_ptr<Executable>> Compile(
      const ir::Graph& graph, absl::Span<const ConstantView> constants,
      const CompileContext& context) const = 0;
};

struct Factory {
  std::vector<OptionSpec> options;
  absl::StatusOr<std::unique_ptr<Backend>> (*create)(const Options& options) = nullptr;
};

namespace internal {

// Behind INGOT_DEFINE_BACKEND. The first call makes the factory.
const ingot_backend_api* Query(Factory (*make_factory)(), uint32_t host_major,
                               const ingot_host_api* host, ingot_error_buf* error) noexcept;

}  // namespace internal
}  // namespace ingot::sdk

// Defines the plugin's one export. The argument is an expression of type ingot::sdk::Factory. Use
// it once a plugin, outside namespaces.
#define INGOT_DEFINE_BACKEND(...)                                                                 \
  extern "C" __attribute__((visibility("default"))) const ingot_backend_api* ingot_backend_query( \
      uint32_t host_major, const ingot_host_api* host, ingot_error_buf* error) noexcept {         \
    return ::ingot::sdk::internal::Query([]() -> ::ingot::sdk::Factory { return __VA_ARGS__; },   \
                                         host_major, host, error);                                \
  }

#endif  // INGOT_BACKENDS_SDK_BACKEND_H_
