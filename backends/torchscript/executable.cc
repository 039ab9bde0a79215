#include "backends/torchscript/executable.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/version.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/torchscript/dtypes.h"
#include "backends/torchscript/guard.h"
#include "backends/torchscript/lowering.h"
#include "backends/torchscript/packing.h"
#include "backends/torchscript/program.h"
#include "core/base/object_pool.h"
#include "core/base/status_macros.h"

namespace ingot::torchscript_backend {
namespace {

using c10::IValue;

// LibTorch's thread count for the calling thread, put back at the end.
class ThreadCountScope {
 public:
  explicit ThreadCountScope(int threads) : before_(at::get_num_threads()) {
    if (threads != before_) at::set_num_threads(threads);
    changed_ = threads != before_;
  }
  ~ThreadCountScope() {
    if (changed_) at::set_num_threads(before_);
  }
  ThreadCountScope(const ThreadCountScope&) = delete;
  ThreadCountScope& operator=(const ThreadCountScope&) = delete;

 private:
  int before_;
  bool changed_ = false;
};

// The default CPU generator seeded for a run, one run at a time in the process, and put back at the
// end. The generator's own lock is held for each access, as LibTorch demands of whoever touches it,
// but not in between: the operators of the run take it themselves.
class SeedScope {
 public:
  explicit SeedScope(uint64_t seed)
      : lock_(Mutex()), generator_(at::detail::getDefaultCPUGenerator()) {
    const std::lock_guard<std::mutex> access(generator_.mutex());
    state_ = generator_.get_state();
    generator_.set_current_seed(seed);
  }
  ~SeedScope() {
    try {
      const std::lock_guard<std::mutex> access(generator_.mutex());
      generator_.set_state(state_);
    } catch (const std::exception& e) {
      sdk::Log(sdk::Severity::kError,
               absl::StrCat("LibTorch's generator could not be put back: ", e.what()));
    }
  }
  SeedScope(const SeedScope&) = delete;
  SeedScope& operator=(const SeedScope&) = delete;

 private:
  static std::mutex& Mutex() {
    static std::mutex* const mutex = new std::mutex;
    return *mutex;
  }
  std::lock_guard<std::mutex> lock_;
  at::Generator generator_;
  at::Tensor state_;
};

// A row-major tensor over `data`.
at::Tensor Wrap(void* data, const ir::TensorType& type) {
  return at::from_blob(data, at::IntArrayRef(type.dims.data(), type.dims.size()),
                       at::TensorOptions().dtype(ToScalarType(type.dtype)));
}

IValue Number(const ingot_tensor& tensor, ir::DType dtype) {
  switch (ir::Category(dtype)) {
    case ir::DTypeCategory::kBool:
      return *plugin::TensorData<const bool>(tensor);
    case ir::DTypeCategory::kIntegral:
      return *plugin::TensorData<const int64_t>(tensor);
    case ir::DTypeCategory::kFloating:
      return *plugin::TensorData<const double>(tensor);
    case ir::DTypeCategory::kComplex:
      return *plugin::TensorData<const c10::complex<double>>(tensor);
  }
  return IValue();
}

// Puts `data` under a tensor of Wrap().
void SetData(const at::Tensor& tensor, void* data) {
  tensor.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl()->set_data_ptr_noswap(
      at::DataPtr(data, c10::kCPU));
}

// What a call needs and the next can use again: tensors over the caller's memory, registers, stack.
struct Frame {
  Program::Registers registers;
  torch::jit::Stack stack;
};

using FramePool = ObjectPool<Frame>;

class TorchScriptExecutable : public sdk::Executable {
 public:
  TorchScriptExecutable(const ir::Graph& graph, std::shared_ptr<torch::jit::Graph> lowered,
                        size_t packed_bytes, bool needs_constants, int threads)
      : program_(std::move(lowered)), needs_constants_(needs_constants), threads_(threads) {
    for (const ir::InputSpec& input : graph.inputs()) {
      if (input.role != ir::InputRole::kConstant)
        inputs_.push_back({input.role, graph.type(input.value)});
      if (input.role == ir::InputRole::kConstant) retained_bytes_ += kBytesPerConstant;
    }
    for (const ir::OutputSpec& output : graph.outputs())
      outputs_.push_back(graph.type(output.value));
    retained_bytes_ += packed_bytes + kBytesPerNode * graph.nodes().size();
    for (size_t i = 0; i < program_.num_steps(); ++i) {
      torch::jit::Node& node = program_.step_node(i);
      steps_.push_back({NodeOf(node), node.kind().toQualString()});
    }
    plan_json_ = MakePlanJson(graph);
  }

  size_t retained_bytes() const override { return retained_bytes_; }
  bool needs_constants() const override { return needs_constants_; }
  std::string plan_json() const override { return plan_json_; }

  absl::Status Execute(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void*) const override {
    return Guarded("LibTorch", [&]() -> absl::Status {
      c10::InferenceMode inference;
      ThreadCountScope threads(threads_);
      std::unique_ptr<Frame> frame = frames_.Acquire();
      if (frame == nullptr) frame = NewFrame();
      std::optional<SeedScope> seeded;
      Bind(inputs, outputs, *frame, seeded);
      if (context.tracing()) {
        RunTraced(context, *frame);
      } else {
        program_.Run(frame->registers, frame->stack);
      }
      INGOT_RETURN_IF_ERROR(TakeOutputs(outputs, *frame));
      // A frame of a failed call is not used again, nor one whose tensors someone kept.
      if (IsAtRest(*frame)) frames_.Release(std::move(frame));
      return absl::OkStatus();
    });
  }

 private:
  // LibTorch keeps a graph's nodes and constants in objects of about these sizes; the weights are
  // the host's, but for packed ones.
  static constexpr size_t kBytesPerNode = 1024, kBytesPerConstant = 512;

  struct Input {
    ir::InputRole role;
    ir::TensorType type;
  };

  void RunTraced(const sdk::RunContext& context, Frame& frame) const {
    int64_t begin = sdk::MonotonicNanoseconds();
    const Program::AfterStep trace = [&](size_t step) {
      const int64_t end = sdk::MonotonicNanoseconds();
      if (steps_[step].node != kNoNode)
        context.Trace(steps_[step].node, steps_[step].name, begin, end);
      begin = end;
    };
    program_.Run(frame.registers, frame.stack, &trace);
  }

  // REQUIRES: inference mode, in which tensors are cheapest.
  std::unique_ptr<Frame> NewFrame() const {
    auto frame = std::make_unique<Frame>(Frame{program_.NewRegisters(), {}});
    size_t slot = 0;
    for (const Input& input : inputs_) {
      if (input.role == ir::InputRole::kSeed) continue;
      IValue& value = frame->registers[program_.input(slot++)];
      if (input.role != ir::InputRole::kScalar) value = Wrap(nullptr, input.type);
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Program::Output& output = program_.output(i);
      if (output.in_place) frame->registers[output.reg] = Wrap(nullptr, outputs_[i]);
    }
    return frame;
  }

  void Bind(absl::Span<const ingot_tensor> inputs, absl::Span<const ingot_tensor> outputs,
            Frame& frame, std::optional<SeedScope>& seeded) const {
    size_t slot = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs_[i].role == ir::InputRole::kSeed) {
        seeded.emplace(static_cast<uint64_t>(*plugin::TensorData<const int64_t>(inputs[i])));
        continue;
      }
      IValue& value = frame.registers[program_.input(slot++)];
      if (inputs_[i].role == ir::InputRole::kScalar) {
        value = Number(inputs[i], inputs_[i].type.dtype);
      } else {
        SetData(value.toTensor(), plugin::TensorData(inputs[i]));
      }
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Program::Output& output = program_.output(i);
      if (output.in_place)
        SetData(frame.registers[output.reg].toTensor(), plugin::TensorData(outputs[i]));
    }
  }

  // Moves the results that were not computed in place, and lets go of them.
  absl::Status TakeOutputs(absl::Span<const ingot_tensor> outputs, Frame& frame) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const at::Tensor& result = frame.registers[program_.output(i).reg].toTensor();
      const ir::TensorType& type = outputs_[i];
      if (result.scalar_type() != ToScalarType(type.dtype) ||
          result.sizes() != at::IntArrayRef(type.dims.data(), type.dims.size())) {
        return absl::InternalError(absl::StrCat(
            "output ", i, " should be ", ir::ToString(type), ", but LibTorch computed ",
            c10::toString(result.scalar_type()), "[", absl::StrJoin(result.sizes(), ","), "]"));
      }
      if (!program_.output(i).in_place) Copy(result, outputs[i], type);
    }
    for (uint32_t computed : program_.computed_outputs()) frame.registers[computed] = IValue();
    return absl::OkStatus();
  }

  static void Copy(const at::Tensor& from, const ingot_tensor& to, const ir::TensorType& type) {
    if (from.is_contiguous() && !from.is_conj() && !from.is_neg() && !from.is_mkldnn()) {
      std::memcpy(plugin::TensorData(to), from.const_data_ptr(), from.nbytes());
    } else {
      Wrap(plugin::TensorData(to), type).copy_(from);
    }
  }

  // Whether the frame alone holds its tensors: the next call changes what is under them.
  bool IsAtRest(const Frame& frame) const {
    for (uint32_t bound : program_.bound()) {
      const IValue& value = frame.registers[bound];
      if (!value.isTensor()) continue;
      const at::Tensor& tensor = value.toTensor();
      if (tensor.use_count() != 1 || tensor.storage().use_count() != 1) return false;
    }
    return true;
  }

  // What runs for each node; a node without a step of its own was folded into others.
  std::string MakePlanJson(const ir::Graph& graph) const {
    std::vector<const char*> impls(graph.nodes().size(), "folded");
    for (const Step& step : steps_) {
      if (step.node < impls.size()) impls[step.node] = step.name;
    }
    std::string json = "[";
    for (ir::NodeId node = 0; node < graph.nodes().size(); ++node) {
      absl::StrAppend(&json, node == 0 ? "" : ",", "{\"node\":", node, ",\"op\":\"",
                      graph.node(node).op, "\",\"impl\":\"", impls[node], "\"}");
    }
    return json + "]";
  }

  // What a step of the program stands for: a node, and what LibTorch runs for it.
  struct Step {
    ir::NodeId node = kNoNode;
    const char* name = nullptr;  // of LibTorch's interned symbols, which live for ever
  };

  const Program program_;
  const bool needs_constants_;
  const int threads_;
  std::vector<Input> inputs_;
  std::vector<ir::TensorType> outputs_;
  std::vector<Step> steps_;
  size_t retained_bytes_ = 0;
  std::string plan_json_;
  mutable FramePool frames_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<sdk::Executable>> MakeExecutable(
    const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants, int threads) {
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<torch::jit::Graph> lowered, Lower(graph, constants));
  return Guarded("compiling", [&]() -> absl::StatusOr<std::unique_ptr<sdk::Executable>> {
    PackedWeights packed = PackWeights(*lowered);
    const bool needs_constants = !DetachFromHost(*lowered, constants, packed);
    return std::make_unique<TorchScriptExecutable>(graph, std::move(lowered), packed.bytes,
                                                   needs_constants, threads);
  });
}

std::string LibraryVersion() { return absl::StrCat("LibTorch ", TORCH_VERSION); }

std::string CpuCapability() { return at::get_cpu_capability(); }

}  // namespace ingot::torchscript_backend
