// ingot extract: record, compile, save.
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "core/artifact/artifact.h"
#include "core/base/status_macros.h"
#include "core/runtime/stored_options.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/files.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

absl::Status WriteRecording(const std::string& path, const ir::Recording& recording,
                            const artifact::Options& options) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": exists and is not a regular file"));
  }
  const Progress progress(absl::StrCat("writing ", path));
  return artifact::WriteArtifact(path, recording, options, InterruptSafeEnv());
}

int64_t WeightBytes(const ir::Recording& recording) {
  int64_t bytes = 0;
  for (const ir::Constant& constant : recording.constants) bytes += constant.type.NumBytes();
  return bytes;
}

class ExtractVerb : public Verb {
 public:
  std::string name() const override { return "extract"; }
  std::string summary() const override {
    return "record a model, compile it and save it as an .ingot file";
  }
  void Declare(OptionSet& options) override {
    options.Positional("MODEL", "a .pt or .pt2 file (or .ingot, to save it with other options)",
                       &model_);
    options.Alias("output", 'o');
    options.Value("output", "the .ingot file to write", &output_);
    flags_.Declare(options);
  }
  absl::StatusOr<ExitCode> Run() override {
    if (output_.empty()) {
      return AtStage(Stage::kUsage,
                     absl::InvalidArgumentError("extract needs -o FILE.ingot, the file to write"));
    }
    INGOT_ASSIGN_OR_RETURN(Opened opened, Open(model_, flags_));
    INGOT_ASSIGN_OR_RETURN(const auto session, CreateSession(opened.options));
    INGOT_ASSIGN_OR_RETURN(const ir::Recording recording, Record(model_, opened));
    // Compiled before it is saved: what no backend takes is refused here, not where it is deployed.
    INGOT_ASSIGN_OR_RETURN(const auto graph, Compile(*session, recording));
    INGOT_RETURN_IF_ERROR(
        AtStage(Stage::kOutput,
                WriteRecording(output_, recording, runtime::StoredOptions(*session, *graph))));
    const std::string signature = ir::ToString(recording.signature);
    if (flags_.json) {
      PrintJsonLine({{"model", model_},
                     {"output", output_},
                     {"backend", runtime::BackendNames(*session, *graph)},
                     {"signature", signature},
                     {"nodes", graph->graph().nodes().size()},
                     {"weights", recording.constants.size()},
                     {"weight_bytes", WeightBytes(recording)}});
    } else {
      PrintText(absl::StrFormat("%s: %d ops on %s, %d weights (%.1f MB), for arguments %s", output_,
                                graph->graph().nodes().size(),
                                runtime::BackendNames(*session, *graph), recording.constants.size(),
                                static_cast<double>(WeightBytes(recording)) / 1e6, signature));
    }
    return ExitCode::kOk;
  }

 private:
  std::string model_, output_;
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeExtractVerb() { return std::make_unique<ExtractVerb>(); }

}  // namespace ingot::tools
