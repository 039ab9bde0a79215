#include "backends/torchscript/executable.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/version.h>

#include <cstring>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "backends/torchscript/dtypes.h"
#include "backends/torchscript/guard.h"
#include "backends/torchscript/lowering.h"
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
// end.
class SeedScope {
 public:
  explicit SeedScope(uint64_t seed)
      : lock_(Mutex()),
        generator_(at::detail::getDefaultCPUGenerator()),
        state_(generator_.get_state()) {
    generator_.set_current_seed(seed);
  }
  ~SeedScope() {
    try {
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

at::Tensor Wrap(const ingot_tensor& tensor, const ir::TensorType& type) {
  return at::from_blob(plugin::TensorData(tensor),
                       at::IntArrayRef(type.dims.data(), type.dims.size()),
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

class TorchScriptExecutable : public sdk::Executable {
 public:
  TorchScriptExecutable(const ir::Graph& graph, std::shared_ptr<torch::jit::Graph> lowered,
                        int threads)
      : lowered_(std::move(lowered)), code_(lowered_, "ingot"), threads_(threads) {
    for (const ir::InputSpec& input : graph.inputs()) {
      if (input.role != ir::InputRole::kConstant)
        inputs_.push_back({input.role, graph.type(input.value)});
      if (input.role == ir::InputRole::kConstant) retained_bytes_ += kBytesPerConstant;
    }
    for (const ir::OutputSpec& output : graph.outputs())
      outputs_.push_back(graph.type(output.value));
    retained_bytes_ += kBytesPerNode * graph.nodes().size();
    plan_json_ = MakePlanJson(graph);
  }

  size_t retained_bytes() const override { return retained_bytes_; }
  bool needs_constants() const override { return true; }
  std::string plan_json() const override { return plan_json_; }

  absl::Status Execute(const sdk::RunContext& context, absl::Span<const ingot_tensor> inputs,
                       absl::Span<const ingot_tensor> outputs, void*) const override {
    return Guarded("LibTorch", [&]() -> absl::Status {
      const int64_t begin = context.tracing() ? sdk::MonotonicNanoseconds() : 0;
      c10::InferenceMode inference;
      ThreadCountScope threads(threads_);
      torch::jit::Stack stack;
      std::optional<SeedScope> seeded;
      BindInputs(inputs, stack, seeded);
      torch::jit::InterpreterState(code_).run(stack);
      INGOT_RETURN_IF_ERROR(CopyOutputs(stack, outputs));
      if (context.tracing()) context.Trace(0, "torchscript", begin, sdk::MonotonicNanoseconds());
      return absl::OkStatus();
    });
  }

 private:
  // LibTorch keeps a graph's nodes and constants in objects of about these sizes; the weights are
  // the host's.
  static constexpr size_t kBytesPerNode = 1024, kBytesPerConstant = 512;

  struct Input {
    ir::InputRole role;
    ir::TensorType type;
  };

  void BindInputs(absl::Span<const ingot_tensor> inputs, torch::jit::Stack& stack,
                  std::optional<SeedScope>& seeded) const {
    stack.reserve(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs_[i].role == ir::InputRole::kSeed) {
        seeded.emplace(static_cast<uint64_t>(*plugin::TensorData<const int64_t>(inputs[i])));
      } else if (inputs_[i].role == ir::InputRole::kScalar) {
        stack.push_back(Number(inputs[i], inputs_[i].type.dtype));
      } else {
        stack.emplace_back(Wrap(inputs[i], inputs_[i].type));
      }
    }
  }

  absl::Status CopyOutputs(const torch::jit::Stack& stack,
                           absl::Span<const ingot_tensor> outputs) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const at::Tensor& result = stack[i].toTensor();
      const ir::TensorType& type = outputs_[i];
      if (result.scalar_type() != ToScalarType(type.dtype) ||
          result.sizes() != at::IntArrayRef(type.dims.data(), type.dims.size())) {
        return absl::InternalError(absl::StrCat(
            "output ", i, " should be ", ir::ToString(type), ", but LibTorch computed ",
            c10::toString(result.scalar_type()), "[", absl::StrJoin(result.sizes(), ","), "]"));
      }
      if (result.is_contiguous() && !result.is_conj() && !result.is_neg() && !result.is_mkldnn()) {
        std::memcpy(plugin::TensorData(outputs[i]), result.const_data_ptr(), result.nbytes());
      } else {
        Wrap(outputs[i], type).copy_(result);
      }
    }
    return absl::OkStatus();
  }

  static std::string MakePlanJson(const ir::Graph& graph) {
    std::string json = "[";
    for (ir::NodeId node = 0; node < graph.nodes().size(); ++node) {
      absl::StrAppend(&json, node == 0 ? "" : ",", "{\"node\":", node, ",\"op\":\"",
                      graph.node(node).op, "\",\"impl\":\"aten\"}");
    }
    return json + "]";
  }

  std::shared_ptr<torch::jit::Graph> lowered_;
  torch::jit::Code code_;
  const int threads_;
  std::vector<Input> inputs_;
  std::vector<ir::TensorType> outputs_;
  size_t retained_bytes_ = 0;
  std::string plan_json_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<sdk::Executable>> MakeExecutable(
    const ir::Graph& graph, absl::Span<const sdk::ConstantView> constants, int threads) {
  INGOT_ASSIGN_OR_RETURN(std::shared_ptr<torch::jit::Graph> lowered, Lower(graph, constants));
  return Guarded("compiling", [&]() -> absl::StatusOr<std::unique_ptr<sdk::Executable>> {
    return std::make_unique<TorchScriptExecutable>(graph, std::move(lowered), threads);
  });
}

std::string LibraryVersion() { return absl::StrCat("LibTorch ", TORCH_VERSION); }

std::string CpuCapability() { return at::get_cpu_capability(); }

}  // namespace ingot::torchscript_backend
