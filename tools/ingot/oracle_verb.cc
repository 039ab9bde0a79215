// ingot oracle: LibTorch's side of `verify` for models that are read without LibTorch. Not for
// people: see oracle_process.h for what is said on stdin and stdout.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/npz.h"
#include "tools/ingot/oracle_process.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

// The model's graph on LibTorch's kernels. Recorded at the first call, whose sizes it has.
class KernelOracle : public Oracle {
 public:
  KernelOracle(std::unique_ptr<Model> model, std::shared_ptr<runtime::Session> session)
      : model_(std::move(model)), session_(std::move(session)) {}

  std::string name() const override { return "the graph on LibTorch's kernels"; }

  absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t seed) override {
    if (graph_ == nullptr) {
      INGOT_ASSIGN_OR_RETURN(ir::Recording recording, model_->Record(arguments));
      INGOT_ASSIGN_OR_RETURN(const auto graph, session_->Compile(std::move(recording)));
      graph_ = std::make_unique<GraphOracle>(name(), graph);
    }
    return graph_->Run(arguments, seed);
  }

 private:
  std::unique_ptr<Model> model_;
  std::shared_ptr<runtime::Session> session_;
  std::unique_ptr<GraphOracle> graph_;
};

class OracleVerb : public Verb {
 public:
  std::string name() const override { return "oracle"; }
  std::string summary() const override { return "serve LibTorch's results to a verify process"; }
  void Declare(OptionSet& options) override {
    options.Value("folder", "where in.npz and out.npz are", &folder_);
    options.Value("threads", "threads", &flags_.threads);
  }

  absl::StatusOr<ExitCode> Run() override {
    for (std::string line; std::getline(std::cin, line);) {
      absl::string_view rest = line;
      if (absl::ConsumePrefix(&rest, "open ")) {
        const absl::Status status = Open(rest);
        Say(status.ok() ? absl::StrCat("ready ", oracle_->name()) : ErrorLine(status));
      } else {
        const absl::Status status = Serve(line);
        Say(status.ok() ? "done" : ErrorLine(status));
      }
    }
    std::error_code ignored;
    const std::filesystem::path folder(folder_);
    for (const char* file : {"in.npz", "out.npz"}) std::filesystem::remove(folder / file, ignored);
    std::filesystem::remove(folder, ignored);
    return ExitCode::kOk;
  }

 private:
  static void Say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

  // "MODE MODEL"
  absl::Status Open(absl::string_view what) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(what, absl::MaxSplits(' ', 1));
    oracle_.reset();
    module_.reset();
    INGOT_ASSIGN_OR_RETURN(oracle_, Create(OracleModeOf(parts.first), parts.second));
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Oracle>> Create(OracleMode mode, const std::string& path) {
    INGOT_ASSIGN_OR_RETURN(runtime::Options options, flags_.Resolve());
    std::filesystem::path traced(path);
    traced.replace_extension(".pt");
    std::error_code missing;
    if (traced != std::filesystem::path(path) && std::filesystem::exists(traced, missing)) {
      INGOT_ASSIGN_OR_RETURN(module_, OpenModel(traced.string(), options));
      return module_->CreateOracle(mode);
    }
    if (mode != OracleMode::kEager) {
      return absl::UnimplementedError(
          absl::StrCat("the oracle ", OracleModeName(mode),
                       " needs the traced module beside the model: ", traced.string()));
    }
    options.backend = "torchscript";
    options.fallback = runtime::FallbackPolicy::kForbid;
    std::unique_ptr<Model> model;
    INGOT_ASSIGN_OR_RETURN(model, OpenModel(path, options));
    INGOT_ASSIGN_OR_RETURN(const auto session, CreateSession(options));
    return std::make_unique<KernelOracle>(std::move(model), session);
  }

  absl::Status Serve(const std::string& line) {
    uint64_t seed = 0;
    if (oracle_ == nullptr) return absl::FailedPreconditionError("no model is open");
    if (!absl::SimpleAtoi(line, &seed)) return absl::InvalidArgumentError("no seed");
    INGOT_ASSIGN_OR_RETURN(const Arguments arguments,
                           ReadArguments(absl::StrCat(folder_, "/in.npz")));
    INGOT_ASSIGN_OR_RETURN(const Outcome outcome, oracle_->Run(arguments, seed));
    std::vector<std::pair<std::string, ingot_tensor>> arrays;
    for (size_t i = 0; i < outcome.results.size(); ++i) {
      arrays.emplace_back(absl::StrCat("out", i), outcome.results[i].view());
    }
    for (size_t i = 0; i < outcome.arguments.size(); ++i) {
      arrays.emplace_back(absl::StrCat("arg", i), outcome.arguments[i].view());
    }
    return WriteNpz(absl::StrCat(folder_, "/out.npz"), arrays);
  }

  std::string folder_;
  CommonFlags flags_;
  std::unique_ptr<Model> module_;
  std::unique_ptr<Oracle> oracle_;  // may use the module
};

}  // namespace

std::unique_ptr<Verb> MakeOracleVerb() { return std::make_unique<OracleVerb>(); }

}  // namespace ingot::tools
