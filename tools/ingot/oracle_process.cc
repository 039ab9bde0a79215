#include "tools/ingot/oracle_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "core/base/status_macros.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/npz.h"

extern char** environ;

namespace ingot::tools {
namespace {

constexpr char kOpen[] = "open ", kReady[] = "ready ", kDone[] = "done", kError[] = "error ";

// A folder that disappears with its contents.
class TemporaryFolder {
 public:
  static absl::StatusOr<TemporaryFolder> Create() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "ingot.XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr)
      return absl::ErrnoToStatus(errno, "cannot make a temporary folder");
    return TemporaryFolder(std::move(path));
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The child with a pipe each way.
class Child {
 public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (to_ != nullptr) std::fclose(to_);
    if (from_ != nullptr) std::fclose(from_);
    // Its input is closed, so it ends.
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  // The conversation has broken off.
  bool gone() const { return gone_; }

  absl::Status Start(std::vector<std::string> command) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
    if (pipe2(out, O_CLOEXEC) != 0) {
      close(in[0]);
      close(in[1]);
      return absl::ErrnoToStatus(errno, "cannot make a pipe");
    }
    to_ = fdopen(in[1], "w");
    from_ = fdopen(out[0], "r");
    std::vector<char*> argv;
    for (std::string& part : command) argv.push_back(part.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    const int error = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (error != 0) pid_ = -1;
    return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "cannot start a child");
  }

  // A child that is gone ends the conversation with an error, not a signal.
  absl::Status Say(const std::string& line) {
    const auto previous = signal(SIGPIPE, SIG_IGN);
    const bool said = std::fprintf(to_, "%s\n", line.c_str()) > 0 && std::fflush(to_) == 0;
    signal(SIGPIPE, previous);
    return said ? absl::OkStatus() : Gone();
  }
  absl::StatusOr<std::string> Hear() {
    std::string line;
    for (int c = std::fgetc(from_); c != '\n'; c = std::fgetc(from_)) {
      if (c == EOF) return Gone();
      line.push_back(static_cast<char>(c));
    }
    if (absl::StartsWith(line, kError)) return ParseErrorLine(line);
    return line;
  }

 private:
  absl::Status Gone() {
    gone_ = true;
    return absl::InternalError("the process that runs LibTorch ended early");
  }
  pid_t pid_ = -1;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
  bool gone_ = false;
};

// A child that has loaded LibTorch, and the folder that it shares with this process.
struct LibTorch {
  explicit LibTorch(TemporaryFolder its_folder) : folder(std::move(its_folder)) {}
  TemporaryFolder folder;
  Child child;
  int threads = 0;
};

// One that serves no model now: loading LibTorch takes longer than most models of a folder take to
// verify. Never destroyed: a child whose input ends removes the folder itself.
class Idle {
 public:
  std::unique_ptr<LibTorch> Take(int threads) {
    absl::MutexLock lock(&mutex_);
    return idle_ != nullptr && idle_->threads == threads ? std::move(idle_) : nullptr;
  }
  void GiveBack(std::unique_ptr<LibTorch> libtorch) {
    if (libtorch->child.gone()) return;
    absl::MutexLock lock(&mutex_);
    idle_ = std::move(libtorch);
  }

 private:
  absl::Mutex mutex_;
  std::unique_ptr<LibTorch> idle_ ABSL_GUARDED_BY(mutex_);
};
Idle& TheIdle() {
  static auto* const idle = new Idle();
  return *idle;
}

class ProcessOracle : public Oracle {
 public:
  ProcessOracle(std::unique_ptr<LibTorch> libtorch, std::string name)
      : libtorch_(std::move(libtorch)), name_(std::move(name)) {}
  ~ProcessOracle() override { TheIdle().GiveBack(std::move(libtorch_)); }

  std::string name() const override { return name_; }

  absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t seed) override {
    INGOT_RETURN_IF_ERROR(RunOnly(arguments, seed));
    INGOT_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays,
                           ReadNpz(absl::StrCat(libtorch_->folder.path(), "/out.npz")));
    Outcome outcome;
    for (NamedTensor& array : arrays) {
      Arguments& part = absl::StartsWith(array.name, "out") ? outcome.results : outcome.arguments;
      part.push_back(std::move(array.tensor));
    }
    return outcome;
  }

  absl::Status RunOnly(const Arguments& arguments, uint64_t seed) override {
    std::vector<std::pair<std::string, ingot_tensor>> arrays;
    for (size_t i = 0; i < arguments.size(); ++i) {
      arrays.emplace_back(absl::StrCat("arg", i), arguments[i].view());
    }
    INGOT_RETURN_IF_ERROR(WriteNpz(absl::StrCat(libtorch_->folder.path(), "/in.npz"), arrays));
    INGOT_RETURN_IF_ERROR(libtorch_->child.Say(absl::StrCat(seed)));
    INGOT_ASSIGN_OR_RETURN(const std::string answer, libtorch_->child.Hear());
    return answer == kDone ? absl::OkStatus()
                           : absl::InternalError("the process that runs LibTorch makes no sense");
  }

 private:
  std::unique_ptr<LibTorch> libtorch_;
  std::string name_;
};

absl::StatusOr<std::unique_ptr<LibTorch>> Started(int threads) {
  if (auto idle = TheIdle().Take(threads); idle != nullptr) return idle;
  INGOT_ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::Create());
  auto libtorch = std::make_unique<LibTorch>(std::move(folder));
  libtorch->threads = threads;
  INGOT_RETURN_IF_ERROR(
      libtorch->child.Start({"ingot", "oracle", absl::StrCat("--folder=", libtorch->folder.path()),
                             absl::StrCat("--threads=", threads)}));
  return libtorch;
}

constexpr std::array<std::pair<OracleMode, const char*>, 3> kModes = {
    {{OracleMode::kEager, "eager"},
     {OracleMode::kFloat64, "float64"},
     {OracleMode::kFrozen, "frozen"}}};

}  // namespace

absl::string_view OracleModeName(OracleMode mode) {
  for (const auto& [candidate, name] : kModes) {
    if (candidate == mode) return name;
  }
  return "";
}

OracleMode OracleModeOf(absl::string_view name) {
  for (const auto& [mode, candidate] : kModes) {
    if (candidate == name) return mode;
  }
  return OracleMode::kEager;
}

std::string ErrorLine(const absl::Status& status) {
  return absl::StrCat(kError, static_cast<int>(status.code()), " ", OneLine(status));
}

absl::Status ParseErrorLine(absl::string_view line) {
  absl::ConsumePrefix(&line, kError);
  const size_t space = line.find(' ');
  int code = 0;
  if (space == absl::string_view::npos || !absl::SimpleAtoi(line.substr(0, space), &code) ||
      code < 1 || code > 16) {
    return absl::InternalError(line);
  }
  return absl::Status(static_cast<absl::StatusCode>(code), line.substr(space + 1));
}

absl::StatusOr<std::unique_ptr<Oracle>> StartOracleProcess(const std::string& model,
                                                           OracleMode mode,
                                                           const runtime::Options& options) {
  if (absl::StrContains(model, '\n'))  // the end of what is said
    return absl::InvalidArgumentError("a model's path must not have line breaks");
  INGOT_ASSIGN_OR_RETURN(auto libtorch, Started(runtime::EffectiveThreads(options.threads)));
  INGOT_RETURN_IF_ERROR(libtorch->child.Say(absl::StrCat(kOpen, OracleModeName(mode), " ", model)));
  const auto answer = libtorch->child.Hear();
  if (!answer.ok()) TheIdle().GiveBack(std::move(libtorch));
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kModel, answer.status()));
  absl::string_view name = *answer;
  if (!absl::ConsumePrefix(&name, kReady)) {
    return absl::InternalError("the process that runs LibTorch makes no sense");
  }
  return std::make_unique<ProcessOracle>(std::move(libtorch), std::string(name));
}

}  // namespace ingot::tools
