// A backend that takes nodes at random (claim.h) and runs them with the reference kernels.
#include <cstdlib>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/reference/executable.h"
#include "backends/reference/kernel.h"
#include "backends/sdk/backend.h"
#include "tests/partition/claim.h"

namespace ingot::partition {
namespace {

class PickyBackend final : public sdk::Backend {
 public:
  explicit PickyBackend(uint64_t seed) : seed_(seed) {}

  sdk::BackendInfo Info() const override {
    return {.name = "picky", .version = "1", .fingerprint = absl::StrCat("seed ", seed_)};
  }

  absl::Status Supports(const ir::Graph& graph, ir::NodeId id) const override {
    const ir::Node& node = graph.node(id);
    if (!IsClaimed(seed_, id)) return absl::UnimplementedError(kReason);
    bool real = true;
    const auto check = [&](ir::ValueId v) {
      real &= v == ir::kNoValue || !ir::IsComplex(graph.type(v).dtype);
    };
    ir::ForEachOperand(node, check);
    for (ir::ValueId v : node.outputs) check(v);
    if (real && reference::FindKernel(node.op) != nullptr) return absl::OkStatus();
    return absl::UnimplementedError("no kernel");
  }

  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants,
      const sdk::CompileContext&) const override {
    return reference::ReferenceExecutable::Compile(graph, constants);
  }

 private:
  const uint64_t seed_;
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options&) {
  const char* seed = std::getenv(kSeedVariable);
  return std::make_unique<PickyBackend>(seed == nullptr ? 0 : std::strtoull(seed, nullptr, 10));
}

}  // namespace
}  // namespace ingot::partition

INGOT_DEFINE_BACKEND(ingot::sdk::Factory{{}, &ingot::partition::Create})
