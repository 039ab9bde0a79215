#include "tools/ingot/torchscript_model.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/artifact/artifact.h"
#include "core/base/env.h"
#include "core/base/status_macros.h"
#include "core/plugin/abi/ingot_frontend.h"
#include "core/plugin/abi_util.h"
#include "core/plugin/shared_object.h"
#include "tools/ingot/exit_code.h"

namespace ingot::tools {
namespace {

constexpr char kLibrary[] = "libingot_frontend_torchscript.so";

// The path itself, so that the error names the folders when there is none.
absl::StatusOr<std::string> FindFrontend(const runtime::Options& options) {
  std::vector<std::string> folders = options.plugin_folders;
  for (std::string& folder : plugin::ExecutableFolders("frontends")) {
    folders.push_back(std::move(folder));
  }
  for (const std::string& folder : folders) {
    std::string path = absl::StrCat(folder, "/", kLibrary);
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  return absl::UnavailableError(absl::StrCat(
      "a TorchScript file needs ", kLibrary,
      ", which is in none of: ", absl::StrJoin(folders, ", "), "; an .ingot file runs without it"));
}

absl::StatusOr<const ingot_frontend_api*> LoadFrontend(const runtime::Options& options) {
  INGOT_ASSIGN_OR_RETURN(const std::string path, FindFrontend(options));
  const auto open = [&]() -> absl::StatusOr<const ingot_frontend_api*> {
    INGOT_ASSIGN_OR_RETURN(const plugin::SharedObject object, plugin::SharedObject::Open(path));
    INGOT_ASSIGN_OR_RETURN(const auto query,
                           object.Function<ingot_frontend_query_fn>(INGOT_FRONTEND_QUERY_SYMBOL));
    plugin::ErrorText error;
    const ingot_frontend_api* const api = query(INGOT_FRONTEND_ABI_VERSION, error.buffer());
    if (api == nullptr) return error.ToStatus(INGOT_FAILED_PRECONDITION, "refused");
    return api;
  };
  auto api = open();
  if (!api.ok()) return absl::UnavailableError(absl::StrCat(path, ": ", OneLine(api.status())));
  return api;
}

// A loaded module, shared by the model, its recordings and its oracles.
struct Module {
  Module(const ingot_frontend_api* a, ingot_module* h) : api(a), handle(h) {}
  ~Module() { api->close(handle); }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const ingot_frontend_api* api;
  ingot_module* handle;
};

class TorchScriptOracle : public Oracle {
 public:
  TorchScriptOracle(std::string name, std::shared_ptr<const Module> module, ingot_oracle* handle)
      : name_(std::move(name)), module_(std::move(module)), handle_(handle) {}
  ~TorchScriptOracle() override { api().destroy_oracle(handle_); }

  std::string name() const override { return name_; }

  absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t seed) override {
    INGOT_ASSIGN_OR_RETURN(const Results results, Call(arguments, seed));
    const size_t count = api().result_count(results.get());
    if (count < arguments.size()) return absl::InternalError("the frontend lost arguments");
    Outcome outcome;
    for (size_t i = 0; i < count; ++i) {
      INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy,
                             runtime::HostTensor::Copy(api().result(results.get(), i)));
      (i + arguments.size() < count ? outcome.results : outcome.arguments)
          .push_back(std::move(copy));
    }
    return outcome;
  }

  absl::Status RunOnly(const Arguments& arguments, uint64_t seed) override {
    return Call(arguments, seed).status();
  }

 private:
  struct Release {
    const ingot_frontend_api* api;
    void operator()(ingot_results* results) const { api->release_results(results); }
  };
  using Results = std::unique_ptr<ingot_results, Release>;

  const ingot_frontend_api& api() const { return *module_->api; }

  absl::StatusOr<Results> Call(const Arguments& arguments, uint64_t seed) {
    const std::vector<ingot_tensor> views = Views(arguments);
    plugin::ErrorText error;
    ingot_results* results = nullptr;
    // Seeds are non-negative there.
    const int64_t torch_seed = static_cast<int64_t>(seed & ~(uint64_t{1} << 63));
    INGOT_RETURN_IF_ERROR(error.ToStatus(
        api().run_oracle(handle_, views.data(), views.size(), torch_seed, &results, error.buffer()),
        name_));
    return Results(results, Release{module_->api});
  }

  std::string name_;
  std::shared_ptr<const Module> module_;
  ingot_oracle* handle_;
};

struct OracleRow {
  OracleMode mode;
  int32_t code;
  const char* name;
};
constexpr OracleRow kOracles[] = {
    {OracleMode::kEager, INGOT_ORACLE_EAGER, "LibTorch eager"},
    {OracleMode::kFloat64, INGOT_ORACLE_EAGER_FLOAT64, "LibTorch eager in float64"},
    {OracleMode::kFrozen, INGOT_ORACLE_FROZEN, "LibTorch frozen"}};

class TorchScriptModel : public Model {
 public:
  explicit TorchScriptModel(std::shared_ptr<const Module> module) : module_(std::move(module)) {}

  absl::StatusOr<ir::Recording> Record(const Arguments& arguments) override {
    const std::vector<ingot_tensor> views = Views(arguments);
    plugin::ErrorText error;
    ingot_recording* handle = nullptr;
    const ingot_frontend_api& api = *module_->api;
    INGOT_RETURN_IF_ERROR(error.ToStatus(
        api.record(module_->handle, views.data(), views.size(), &handle, error.buffer()),
        "recording"));
    const std::shared_ptr<ingot_recording> owner(
        handle, [module = module_](ingot_recording* r) { module->api->release_recording(r); });
    std::vector<artifact::WeightBytes> weights;
    const size_t count = api.recording_constant_count(handle);
    for (size_t i = 0; i < count; ++i) {
      const ingot_constant constant = api.recording_constant(handle, i);
      weights.push_back({constant.data, constant.size, owner});
    }
    const ingot_bytes header = api.recording_header(handle);
    INGOT_ASSIGN_OR_RETURN(
        artifact::Artifact parsed,
        artifact::ParseHeader({static_cast<const char*>(header.data), header.size}, weights));
    return std::move(parsed.recording);
  }

  absl::StatusOr<std::unique_ptr<Oracle>> CreateOracle(OracleMode mode) override {
    for (const OracleRow& row : kOracles) {
      if (row.mode != mode) continue;
      plugin::ErrorText error;
      ingot_oracle* handle = nullptr;
      INGOT_RETURN_IF_ERROR(AtStage(
          Stage::kModel, error.ToStatus(module_->api->create_oracle(module_->handle, row.code,
                                                                    &handle, error.buffer()),
                                        row.name)));
      return std::make_unique<TorchScriptOracle>(row.name, module_, handle);
    }
    return absl::InternalError("unknown oracle");
  }

 private:
  std::shared_ptr<const Module> module_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> OpenTorchScriptModel(const std::string& path,
                                                            const runtime::Options& options) {
  INGOT_ASSIGN_OR_RETURN(const ingot_frontend_api* const api, LoadFrontend(options));
  api->set_threads(runtime::EffectiveThreads(options.threads));
  plugin::ErrorText error;
  ingot_module* handle = nullptr;
  INGOT_RETURN_IF_ERROR(
      error.ToStatus(api->open_file(path.c_str(), &handle, error.buffer()), "TorchScript"));
  return std::make_unique<TorchScriptModel>(std::make_shared<const Module>(api, handle));
}

absl::StatusOr<ModelOpener> PrepareTorchScriptModel(const std::string& path,
                                                    const runtime::Options& options) {
  std::shared_ptr<const ReadableMapping> file;
  INGOT_ASSIGN_OR_RETURN(file, Env::Default().Map(path));
  INGOT_ASSIGN_OR_RETURN(const ingot_frontend_api* const api, LoadFrontend(options));
  return [path, file, api, threads = runtime::EffectiveThreads(options.threads)]()
             -> absl::StatusOr<std::unique_ptr<Model>> {
    api->set_threads(threads);
    plugin::ErrorText error;
    ingot_module* handle = nullptr;
    INGOT_RETURN_IF_ERROR(
        error.ToStatus(api->open_memory({file->bytes().data(), file->bytes().size()}, path.c_str(),
                                        &handle, error.buffer()),
                       "TorchScript"));
    return std::make_unique<TorchScriptModel>(std::make_shared<const Module>(api, handle));
  };
}

}  // namespace ingot::tools
