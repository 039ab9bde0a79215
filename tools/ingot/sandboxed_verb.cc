// ingot sandboxed: the child of `--untrusted`. Not for people: see sandboxed_child.h for what is
// said on which descriptor.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/artifact/artifact.h"
#include "core/base/env.h"
#include "core/base/file_descriptor.h"
#include "core/base/status_macros.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/model.h"
#include "tools/ingot/oracle_process.h"
#include "tools/ingot/oracle_stream.h"
#include "tools/ingot/sandbox.h"
#include "tools/ingot/sandboxed_child.h"
#include "tools/ingot/tensor_stream.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

absl::Status Say(absl::string_view bytes) {
  return WriteAll(kAnswerDescriptor, bytes) ? absl::OkStatus()
                                            : absl::ErrnoToStatus(errno, "nobody hears");
}

class AnswerFile : public WritableFile {
 public:
  absl::Status Append(absl::string_view bytes) override { return Say(bytes); }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }
};

// Files that are written are the answer; there are no others.
class AnswerEnv : public Env {
 public:
  absl::StatusOr<std::shared_ptr<const ReadableMapping>> Map(const std::string&) override {
    return absl::PermissionDeniedError("the sandbox opens no files");
  }
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string&) override {
    return std::make_unique<AnswerFile>();
  }
  absl::Status Rename(const std::string&, const std::string&) override { return absl::OkStatus(); }
  absl::Status Remove(const std::string&) override { return absl::OkStatus(); }
  absl::Status FsyncDir(const std::string&) override { return absl::OkStatus(); }
};

class SandboxedVerb : public Verb {
 public:
  std::string name() const override { return "sandboxed"; }
  std::string summary() const override { return "read a model for a process with --untrusted"; }
  void Declare(OptionSet& options) override {
    options.Positional("MODEL", "the model that is not trusted", &model_);
    options.Choice("request", "what is asked for",
                   {"record", "samples", "eager", "float64", "frozen"}, &request_);
    options.Value("memory", "MiB of address space", &limits_.memory_mib, 1, int64_t{1} << 30);
    options.Value("seconds", "CPU time", &limits_.seconds, 1, int64_t{1} << 30);
    options.Value("threads", "threads", &flags_.threads);
    options.Value("seed", "for random sample arguments", &flags_.seed);
  }

  absl::StatusOr<ExitCode> Run() override {
    // Whoever asked may be gone, or press Ctrl-C.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL);
    const absl::Status status = Answer();
    if (!status.ok()) Say(absl::StrCat(ErrorLine(status), "\n")).IgnoreError();
    // Nothing of what was read gets a chance to clean up.
    _exit(0);
  }

 private:
  absl::Status Answer() {
    INGOT_ASSIGN_OR_RETURN(const runtime::Options options, flags_.Resolve());
    INGOT_ASSIGN_OR_RETURN(const std::optional<uint64_t> seed, flags_.Seed());
    // What the asking process says: taken before anything of the model is.
    INGOT_ASSIGN_OR_RETURN(const auto input, Env::Default().Map("/proc/self/fd/0"));
    INGOT_ASSIGN_OR_RETURN(const ModelOpener open, PrepareModel(model_, options));
    INGOT_RETURN_IF_ERROR(EnterSandbox(limits_));
    INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Model> model, open());
    if (request_ == "record") return AnswerRecording(*model, input->bytes());
    if (request_ == "samples") return AnswerSamples(*model, seed.value_or(0));
    return AnswerCalls(*model, OracleModeOf(request_), input->bytes());
  }

  static absl::Status AnswerRecording(Model& model, absl::string_view input) {
    INGOT_ASSIGN_OR_RETURN(const Arguments arguments, ReadTensors(input));
    INGOT_ASSIGN_OR_RETURN(const ir::Recording recording, model.Record(arguments));
    INGOT_RETURN_IF_ERROR(Say(absl::StrCat(kAnswerFollows, "\n")));
    AnswerEnv env;
    return artifact::WriteArtifact("answer", recording, {}, env);
  }

  static absl::Status AnswerSamples(const Model& model, uint64_t seed) {
    INGOT_ASSIGN_OR_RETURN(const Arguments samples, model.SampleArguments(seed));
    INGOT_ASSIGN_OR_RETURN(const std::string bytes, WriteTensors(samples));
    INGOT_RETURN_IF_ERROR(Say(absl::StrCat(kAnswerFollows, "\n")));
    return Say(bytes);
  }

  // The last call counts. Those before it have left their state; one that failed failed then, too.
  static absl::Status AnswerCalls(Model& model, OracleMode mode, absl::string_view input) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<OracleCall> calls, ReadCalls(input));
    INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Oracle> oracle, model.CreateOracle(mode));
    absl::StatusOr<Outcome> last = absl::InvalidArgumentError("no calls");
    for (const OracleCall& call : calls) last = oracle->Run(call.arguments, call.seed);
    INGOT_RETURN_IF_ERROR(last.status());
    INGOT_ASSIGN_OR_RETURN(const std::string bytes, WriteOutcome(*last));
    INGOT_RETURN_IF_ERROR(Say(absl::StrCat(kAnswerFollows, "\n")));
    return Say(bytes);
  }

  std::string model_, request_ = "record";
  SandboxLimits limits_;
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeSandboxedVerb() { return std::make_unique<SandboxedVerb>(); }

}  // namespace ingot::tools
