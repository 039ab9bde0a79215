#include "backends/onednn/graph_runner.h"

#include <random>
#include <utility>

#include "backends/sdk/backend.h"
#include "core/base/status_macros.h"
#include "core/plugin/tensor.h"

namespace ingot::onednn {
namespace {

std::vector<ingot_tensor> Tensors(std::vector<Array>& arrays, std::vector<ir::Dims>& strides) {
  std::vector<ingot_tensor> tensors;
  for (Array& array : arrays) {
    strides.push_back(ir::ContiguousStrides(array.type.dims));
    tensors.push_back(
        plugin::MakeTensor(array.bytes.data(), array.type.dtype, array.type.dims, strides.back()));
  }
  return tensors;
}

}  // namespace

Array RandomF32(ir::Dims dims, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(ir::TensorType{ir::DType::kFloat32, dims}.NumElements());
  for (float& value : values) value = uniform(generator);
  return F32(std::move(dims), values);
}

absl::StatusOr<Runner> Runner::Create(const ir::Graph& graph, std::vector<Array> constants,
                                      const CompileOptions& options) {
  for (ir::NodeId node = 0; node < graph.nodes().size(); ++node) {
    INGOT_RETURN_IF_ERROR(Supports(graph, node), graph.node(node).op);
  }
  std::vector<sdk::ConstantView> views(constants.size());
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role != ir::InputRole::kConstant) continue;
    const Array& array = constants[input.index];
    views[input.index] = {input.value, input.digest, array.bytes.data(), array.bytes.size()};
  }
  Runner runner;
  INGOT_ASSIGN_OR_RETURN(runner.program_,
                         onednn::Compile(graph, views, sdk::CompileContext(), options));
  for (const ir::OutputSpec& output : graph.outputs()) {
    runner.output_types_.push_back(graph.type(output.value));
  }
  runner.constants_ = std::move(constants);
  runner.workspace_ = AlignedBuffer(runner.program_->workspace_bytes());
  return runner;
}

void Runner::Bind(std::vector<Array> inputs) {
  inputs_ = std::move(inputs);
  outputs_.clear();
  for (const ir::TensorType& type : output_types_) {
    outputs_.push_back({type, std::vector<char>(type.NumBytes(), char{0x7f})});
  }
  strides_.clear();
  strides_.reserve(inputs_.size() + outputs_.size());
  input_tensors_ = Tensors(inputs_, strides_);
  output_tensors_ = Tensors(outputs_, strides_);
}

absl::Status Runner::Execute() {
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  return ExecuteWith(context);
}

absl::Status Runner::ExecuteWith(const ingot_run_context& context) {
  return program_->Run(sdk::RunContext(context), input_tensors_, output_tensors_,
                       workspace_.data());
}

absl::StatusOr<std::vector<Array>> Runner::Run(const std::vector<Array>& inputs) const {
  // A run of its own, so that several threads can share a runner.
  Runner run;
  run.output_types_ = output_types_;
  run.Bind(inputs);
  const AlignedBuffer workspace(program_->workspace_bytes());
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  INGOT_RETURN_IF_ERROR(program_->Run(sdk::RunContext(context), run.input_tensors_,
                                      run.output_tensors_, workspace.data()));
  return std::move(run.outputs_);
}

ir::ValueId TestGraph::Constant(Array array) {
  const ir::Digest digest = ir::Sha256(array.bytes.data(), array.bytes.size());
  constants.push_back(std::move(array));
  return builder.Constant(constants.back().type, digest);
}

absl::StatusOr<Runner> TestGraph::Compile(const CompileOptions& options) && {
  INGOT_ASSIGN_OR_RETURN(const ir::Graph graph, std::move(builder).Build());
  return Runner::Create(graph, constants, options);
}

absl::StatusOr<std::vector<Array>> TestGraph::Run(const std::vector<Array>& inputs,
                                                  const CompileOptions& options) && {
  INGOT_ASSIGN_OR_RETURN(const Runner runner, std::move(*this).Compile(options));
  return runner.Run(inputs);
}

}  // namespace ingot::onednn
