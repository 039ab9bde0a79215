// libingot_frontend_torchscript.so: this folder behind core/plugin/abi/ingot_frontend.h.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/artifact/artifact.h"
#include "core/base/status_macros.h"
#include "core/ir/recording.h"
#include "core/plugin/abi/ingot_frontend.h"
#include "core/plugin/abi_util.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/module.h"
#include "frontends/torchscript/oracle.h"
#include "frontends/torchscript/record.h"
#include "frontends/torchscript/tensor_bridge.h"

namespace torchscript = ingot::torchscript;

struct ingot_module {
  torch::jit::Module module;
  std::mutex mutex;  // a recording restores the module's state, so they take turns
};

struct ingot_recording {
  ingot::ir::Recording recording;
  std::string header;
};

struct ingot_oracle {
  torchscript::Oracle oracle;
};

struct ingot_results {
  std::vector<at::Tensor> tensors;
  std::vector<ingot_tensor> views;
};

namespace {

using ingot::plugin::StoreError;

// Runs `body`, which returns absl::Status; nothing is thrown across the ABI.
template <typename Body>
ingot_status Call(ingot_error_buf* error, Body&& body) noexcept {
  try {
    const absl::Status status = torchscript::Guard("frontend", std::forward<Body>(body));
    return status.ok() ? INGOT_OK : StoreError(error, status);
  } catch (...) {
    return StoreError(error, INGOT_RESOURCE_EXHAUSTED, "out of memory");
  }
}

void SetThreads(int32_t threads) {
  if (threads <= 0) return;
  Call(nullptr, [&] {
    at::set_num_threads(threads);
    return absl::OkStatus();
  });
}

ingot_status Keep(absl::StatusOr<torch::jit::Module> module, ingot_module** out,
                  ingot_error_buf* error) {
  return Call(error, [&]() -> absl::Status {
    if (!module.ok()) return module.status();
    *out = new ingot_module{*std::move(module), {}};
    return absl::OkStatus();
  });
}

ingot_status OpenFile(const char* path, ingot_module** out, ingot_error_buf* error) {
  return Keep(torchscript::LoadModule(std::string(path)), out, error);
}

ingot_status OpenMemory(ingot_bytes bytes, const char* name, ingot_module** out,
                        ingot_error_buf* error) {
  return Keep(torchscript::LoadModule({static_cast<const char*>(bytes.data), bytes.size}, name),
              out, error);
}

void Close(ingot_module* module) { delete module; }

ingot_status Record(ingot_module* module, const ingot_tensor* args, size_t count,
                    ingot_recording** out, ingot_error_buf* error) {
  return Call(error, [&]() -> absl::Status {
    INGOT_ASSIGN_OR_RETURN(const std::vector<at::Tensor> tensors,
                           torchscript::FromAbi(args, count));
    const std::lock_guard<std::mutex> lock(module->mutex);
    INGOT_ASSIGN_OR_RETURN(
        ingot::ir::Recording recording,
        torchscript::Record(module->module,
                            std::vector<c10::IValue>(tensors.begin(), tensors.end())));
    std::string header = ingot::artifact::SerializeHeader(recording);
    *out = new ingot_recording{std::move(recording), std::move(header)};
    return absl::OkStatus();
  });
}

ingot_bytes RecordingHeader(const ingot_recording* recording) {
  return {recording->header.data(), recording->header.size()};
}

size_t RecordingConstantCount(const ingot_recording* recording) {
  return recording->recording.constants.size() + recording->recording.initial_state.size();
}

ingot_constant RecordingConstant(const ingot_recording* recording, size_t index) {
  const std::vector<ingot::ir::Constant>& constants = recording->recording.constants;
  const ingot::ir::Constant& constant =
      index < constants.size() ? constants[index]
                               : recording->recording.initial_state[index - constants.size()];
  ingot_constant result{};
  std::copy(constant.digest.bytes.begin(), constant.digest.bytes.end(), result.digest);
  result.data = constant.data;
  result.size = static_cast<uint64_t>(constant.type.NumBytes());
  return result;
}

void ReleaseRecording(ingot_recording* recording) { delete recording; }

ingot_status CreateOracle(ingot_module* module, int32_t mode, ingot_oracle** out,
                          ingot_error_buf* error) {
  return Call(error, [&]() -> absl::Status {
    if (mode < INGOT_ORACLE_EAGER || mode > INGOT_ORACLE_FROZEN) {
      return absl::InvalidArgumentError(absl::StrCat("there is no oracle mode ", mode));
    }
    const std::lock_guard<std::mutex> lock(module->mutex);
    INGOT_ASSIGN_OR_RETURN(
        torchscript::Oracle oracle,
        torchscript::Oracle::Create(module->module, static_cast<torchscript::OracleMode>(mode)));
    *out = new ingot_oracle{std::move(oracle)};
    return absl::OkStatus();
  });
}

void DestroyOracle(ingot_oracle* oracle) { delete oracle; }

ingot_status RunOracle(ingot_oracle* oracle, const ingot_tensor* args, size_t count, int64_t seed,
                       ingot_results** out, ingot_error_buf* error) {
  return Call(error, [&]() -> absl::Status {
    INGOT_ASSIGN_OR_RETURN(const std::vector<at::Tensor> tensors,
                           torchscript::FromAbi(args, count));
    INGOT_ASSIGN_OR_RETURN(torchscript::OracleResults outcome, oracle->oracle.Run(tensors, seed));
    auto results = std::make_unique<ingot_results>();
    results->tensors = std::move(outcome.results);
    results->tensors.insert(results->tensors.end(), outcome.arguments.begin(),
                            outcome.arguments.end());
    for (const at::Tensor& tensor : results->tensors) {
      INGOT_ASSIGN_OR_RETURN(const ingot_tensor view, torchscript::ToAbi(tensor), "result");
      results->views.push_back(view);
    }
    *out = results.release();
    return absl::OkStatus();
  });
}

size_t ResultCount(const ingot_results* results) { return results->views.size(); }
ingot_tensor Result(const ingot_results* results, size_t index) { return results->views[index]; }
void ReleaseResults(ingot_results* results) { delete results; }

constexpr ingot_frontend_api kApi = {
    .abi_version = INGOT_FRONTEND_ABI_VERSION,
    .library_version = "LibTorch " TORCH_VERSION,
    .set_threads = &SetThreads,
    .open_file = &OpenFile,
    .open_memory = &OpenMemory,
    .close = &Close,
    .record = &Record,
    .recording_header = &RecordingHeader,
    .recording_constant_count = &RecordingConstantCount,
    .recording_constant = &RecordingConstant,
    .release_recording = &ReleaseRecording,
    .create_oracle = &CreateOracle,
    .destroy_oracle = &DestroyOracle,
    .run_oracle = &RunOracle,
    .result_count = &ResultCount,
    .result = &Result,
    .release_results = &ReleaseResults,
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const ingot_frontend_api* ingot_frontend_query(
    uint32_t abi_version, ingot_error_buf* error) {
  if (abi_version == INGOT_FRONTEND_ABI_VERSION) {
    // The default generator seeds itself from a file when it is first used; by then the host may be
    // in a sandbox that has no files.
    const ingot_status ready = Call(error, [] {
      at::detail::getDefaultCPUGenerator();
      return absl::OkStatus();
    });
    return ready == INGOT_OK ? &kApi : nullptr;
  }
  StoreError(error, INGOT_FAILED_PRECONDITION,
             absl::StrCat("this frontend has ABI ", INGOT_FRONTEND_ABI_VERSION, ", the host has ",
                          abi_version, ": use those of one build"));
  return nullptr;
}
