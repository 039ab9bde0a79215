#include "tools/ingot/sandboxed_model.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/artifact/artifact.h"
#include "core/base/env.h"
#include "core/base/file_descriptor.h"
#include "core/base/status_macros.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/oracle_process.h"
#include "tools/ingot/oracle_stream.h"
#include "tools/ingot/sandboxed_child.h"
#include "tools/ingot/tensor_stream.h"

namespace ingot::tools {
namespace {

// What opens the file again.
std::string PathOf(const FileDescriptor& file) {
  return absl::StrCat("/proc/self/fd/", file.get());
}

// Empty for an empty file, which cannot be mapped.
absl::StatusOr<std::shared_ptr<const ReadableMapping>> MapAnswer(const FileDescriptor& answer) {
  if (lseek(answer.get(), 0, SEEK_END) == 0) return nullptr;
  return Env::Default().Map(PathOf(answer));
}

// The module's own run, in a child for each call. A child keeps nothing, so it is given all calls
// so far, whose state the last one finds.
class SandboxedOracle : public Oracle {
 public:
  SandboxedOracle(const SandboxedChild& child, OracleMode mode) : child_(child), mode_(mode) {}

  std::string name() const override {
    return absl::StrCat("LibTorch ", OracleModeName(mode_), " in a sandbox");
  }

  absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t seed) override {
    INGOT_RETURN_IF_ERROR(AppendCall(arguments, seed, calls_));
    INGOT_ASSIGN_OR_RETURN(const FileDescriptor answer,
                           child_.Ask(std::string(OracleModeName(mode_)), seed, calls_));
    INGOT_ASSIGN_OR_RETURN(const auto bytes, MapAnswer(answer));
    return ReadOutcome(bytes == nullptr ? "" : bytes->bytes());
  }

 private:
  const SandboxedChild child_;
  const OracleMode mode_;
  std::string calls_;
};

class SandboxedModel : public Model {
 public:
  explicit SandboxedModel(SandboxedChild child) : child_(std::move(child)) {}

  absl::StatusOr<ir::Recording> Record(const Arguments& arguments) override {
    INGOT_ASSIGN_OR_RETURN(const std::string bytes, WriteTensors(arguments));
    INGOT_ASSIGN_OR_RETURN(const FileDescriptor answer, child_.Ask("record", 0, bytes));
    // Its weights are used in place; the mapping keeps the memory.
    INGOT_ASSIGN_OR_RETURN(artifact::Artifact artifact, artifact::ReadArtifact(PathOf(answer)),
                           "what the sandbox made of it");
    return std::move(artifact.recording);
  }

  absl::StatusOr<Arguments> SampleArguments(uint64_t seed) const override {
    INGOT_ASSIGN_OR_RETURN(const FileDescriptor answer, child_.Ask("samples", seed, ""));
    INGOT_ASSIGN_OR_RETURN(const auto bytes, MapAnswer(answer));
    return bytes == nullptr ? Arguments() : ReadTensors(bytes->bytes());
  }

  absl::StatusOr<std::unique_ptr<Oracle>> CreateOracle(OracleMode mode) override {
    if (absl::EndsWith(child_.path(), ".pt2")) {
      return AtStage(Stage::kModel, absl::UnimplementedError(absl::StrCat(
                                        child_.path(),
                                        ": with --untrusted a torch.export file has no oracle but "
                                        "its graph on another backend")));
    }
    return std::make_unique<SandboxedOracle>(child_, mode);
  }

 private:
  const SandboxedChild child_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> OpenSandboxedModel(const std::string& path,
                                                          const runtime::Options& options,
                                                          const SandboxLimits& limits) {
  return std::make_unique<SandboxedModel>(SandboxedChild(path, options, limits));
}

}  // namespace ingot::tools
