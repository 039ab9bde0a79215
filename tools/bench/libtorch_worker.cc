// The worker for LibTorch, through C++: libtorch_worker MODEL.pt eager|frozen THREADS INPUTS.npz…
//
// eager: the module as loaded, graph optimizer off. frozen: freeze and optimize_for_inference. Both
// in inference mode, on tensors over memory that is filled once: a call is `forward` and nothing
// else.
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/module.h"
#include "frontends/torchscript/tensor_bridge.h"
#include "frontends/torchscript/values.h"
#include "tools/bench/worker.h"
#include "tools/ingot/exit_code.h"

namespace ingot::bench {
namespace {

using torchscript::Guard;

class LibTorchWorkload : public Workload {
 public:
  LibTorchWorkload(torch::jit::Module module, std::vector<std::vector<c10::IValue>> sets)
      : module_(std::move(module)), sets_(std::move(sets)) {}

  int sets() const override { return static_cast<int>(sets_.size()); }
  absl::Status Run(int set) override { return Forward(set).status(); }
  absl::StatusOr<tools::Arguments> Results(int set) override {
    INGOT_ASSIGN_OR_RETURN(const c10::IValue value, Forward(set));
    std::vector<at::Tensor> tensors;
    INGOT_RETURN_IF_ERROR(
        torchscript::ToStructure(value, torchscript::Slots::kByLeaf, tensors).status());
    tools::Arguments results;
    for (const at::Tensor& tensor : tensors) {
      INGOT_ASSIGN_OR_RETURN(const ingot_tensor view, torchscript::ToAbi(tensor));
      INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy, runtime::HostTensor::Copy(view));
      results.push_back(std::move(copy));
    }
    return results;
  }
  absl::StatusOr<std::unique_ptr<Workload>> ForClient() override;

 protected:
  absl::StatusOr<c10::IValue> Forward(int set) {
    return Guard("calling the model", [&]() -> absl::StatusOr<c10::IValue> {
      return module_.forward(sets_[static_cast<size_t>(set)]);
    });
  }

  torch::jit::Module module_;
  std::vector<std::vector<c10::IValue>> sets_;
};

// Called from a thread of its own, which inference mode has to be set for.
class LibTorchClient : public LibTorchWorkload {
 public:
  using LibTorchWorkload::LibTorchWorkload;
  absl::Status Run(int set) override {
    const c10::InferenceMode inference;
    return LibTorchWorkload::Run(set);
  }
};

absl::StatusOr<std::unique_ptr<Workload>> LibTorchWorkload::ForClient() {
  return std::make_unique<LibTorchClient>(module_, sets_);
}

absl::StatusOr<std::vector<std::vector<c10::IValue>>> Wrap(
    const std::vector<tools::Arguments>& sets) {
  std::vector<std::vector<c10::IValue>> wrapped;
  for (const tools::Arguments& arguments : sets) {
    const std::vector<ingot_tensor> views = tools::Views(arguments);
    INGOT_ASSIGN_OR_RETURN(const std::vector<at::Tensor> tensors,
                           torchscript::FromAbi(views.data(), views.size()));
    wrapped.emplace_back(tensors.begin(), tensors.end());
  }
  return wrapped;
}

double MillisecondsSince(std::chrono::steady_clock::time_point begin) {
  return tools::Rounded(
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
}

absl::StatusOr<int> Main(const std::vector<std::string>& arguments) {
  int threads = 0;
  if (arguments.size() < 4 || (arguments[1] != "eager" && arguments[1] != "frozen") ||
      !absl::SimpleAtoi(arguments[2], &threads) || threads < 1) {
    return tools::AtStage(tools::Stage::kUsage,
                          absl::InvalidArgumentError("usage: libtorch_worker MODEL.pt eager|frozen "
                                                     "THREADS INPUTS.npz…"));
  }
  const bool is_frozen = arguments[1] == "frozen";
  at::set_num_threads(threads);
  at::set_num_interop_threads(1);
  const c10::InferenceMode inference;
  INGOT_ASSIGN_OR_RETURN(const std::vector<tools::Arguments> sets,
                         ReadInputSets({arguments.begin() + 3, arguments.end()}));
  INGOT_ASSIGN_OR_RETURN(std::vector<std::vector<c10::IValue>> values, Wrap(sets));
  auto begin = std::chrono::steady_clock::now();
  INGOT_ASSIGN_OR_RETURN(torch::jit::Module module, torchscript::LoadModule(arguments[0]));
  module.eval();
  const double load = MillisecondsSince(begin);
  begin = std::chrono::steady_clock::now();
  if (is_frozen) {
    INGOT_RETURN_IF_ERROR(Guard("freezing the model", [&] {
      module = torch::jit::freeze(module);
      module = torch::jit::optimize_for_inference(module);
      return absl::OkStatus();
    }));
  }
  const double compile = MillisecondsSince(begin);
  std::optional<torch::jit::GraphOptimizerEnabledGuard> no_optimizer;
  if (!is_frozen) no_optimizer.emplace(false);
  LibTorchWorkload workload(std::move(module), std::move(values));
  INGOT_ASSIGN_OR_RETURN(const double first_run, TimeOneCall(workload));
  return Serve({{"ready", true},
                {"load_ms", load},
                {"compile_ms", compile},
                {"first_run_ms", tools::Rounded(first_run, 6)}},
               workload);
}

}  // namespace
}  // namespace ingot::bench

int main(int argc, char** argv) {
  const absl::StatusOr<int> code = ingot::bench::Main({argv + 1, argv + argc});
  return code.ok() ? *code : ingot::bench::Refuse(code.status());
}
