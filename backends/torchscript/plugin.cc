// The torchscript backend as a plugin: options, identity, and the two calls into the parts that
// know LibTorch.
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/sdk/backend.h"
#include "backends/torchscript/executable.h"
#include "backends/torchscript/lowering.h"
#include "core/base/version.h"

namespace ingot::torchscript_backend {
namespace {

class TorchScriptBackend : public sdk::Backend {
 public:
  explicit TorchScriptBackend(int threads) : threads_(threads) {}

  sdk::BackendInfo Info() const override {
    return {"torchscript", kVersion, LibraryVersion(),
            absl::StrCat("cpu=", CpuCapability(), ";threads=", threads_)};
  }

  absl::Status Supports(const ir::Graph& graph, ir::NodeId node) const override {
    return CheckNode(graph, node);
  }

  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
      const sdk::CompileContext&) const override {
    return MakeExecutable(graph, constants, threads_);
  }

 private:
  const int threads_;
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options& options) {
  int64_t threads = options.Int("threads");
  if (threads < 0 || threads > 1024) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads=", threads, " is out of range: use 0 to 1024"));
  }
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  return std::make_unique<TorchScriptBackend>(static_cast<int>(threads));
}

}  // namespace
}  // namespace ingot::torchscript_backend

INGOT_DEFINE_BACKEND(ingot::sdk::Factory{
    {{"threads", int64_t{0}, "LibTorch's intra-op threads during a run; 0: one a CPU"}},
    &ingot::torchscript_backend::Create})
