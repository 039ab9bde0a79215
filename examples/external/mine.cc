// A backend of a repository of its own, as it looks before its first op: it loads, is listed by
// `ingot backends`, and takes no node. docs/writing-a-backend.md goes on from here.
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/sdk/backend.h"

namespace {

namespace sdk = ingot::sdk;

class Mine : public sdk::Backend {
 public:
  sdk::BackendInfo Info() const override { return {"mine", "0.1", "", ""}; }
  absl::Status Supports(const ingot::ir::Graph& graph, ingot::ir::NodeId node) const override {
    return absl::UnimplementedError("no kernel for " + graph.node(node).op);
  }
  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(
      const ingot::ir::Graph&, absl::Span<const sdk::ConstantView>,
      const sdk::CompileContext&) const override {
    return absl::InternalError("asked to compile what was not claimed");
  }
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options&) {
  return std::make_unique<Mine>();
}

}  // namespace

INGOT_DEFINE_BACKEND(sdk::Factory{{}, &Create})
