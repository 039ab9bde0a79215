// A plugin made with the SDK, as small as can be: it negates f32 tensors ("test::negate").

#include <memory>

#include "backends/sdk/backend.h"

namespace {

namespace ir = ingot::ir;
namespace sdk = ingot::sdk;

class Negate : public sdk::Executable {
 public:
  explicit Negate(int64_t count) : count_(count) {}
  size_t retained_bytes() const override { return sizeof(*this); }
  bool needs_constants() const override { return false; }
  absl::Status Execute(const sdk::RunContext&, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void*) const override {
    const float* x = ingot::plugin::TensorData<const float>(inputs[0]);
    float* y = ingot::plugin::TensorData<float>(outputs[0]);
    for (int64_t i = 0; i < count_; ++i) y[i] = -x[i];
    return absl::OkStatus();
  }

 private:
  int64_t count_;
};

class NegateBackend : public sdk::Backend {
 public:
  sdk::BackendInfo Info() const override { return {"sample", "1", "", ""}; }
  absl::Status Supports(const ir::Graph& graph, ir::NodeId node) const override {
    if (graph.node(node).op != "test::negate") return absl::UnimplementedError("only test::negate");
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<sdk::Executable>> Compile(const ir::Graph& graph,
                                                           absl::Span<const sdk::ConstantView>,
                                                           const sdk::CancelToken&) const override {
    return std::make_unique<Negate>(graph.type(graph.outputs()[0].value).NumElements());
  }
};

absl::StatusOr<std::unique_ptr<sdk::Backend>> Create(const sdk::Options&) {
  return std::make_unique<NegateBackend>();
}

}  // namespace

INGOT_DEFINE_BACKEND(sdk::Factory{{}, &Create})
