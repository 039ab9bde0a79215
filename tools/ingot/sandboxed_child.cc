#include "tools/ingot/sandboxed_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/file_descriptor.h"
#include "core/base/status_macros.h"
#include "core/runtime/options.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/oracle_process.h"

extern char** environ;

namespace ingot::tools {
namespace {

constexpr size_t kMaxStatusLine = 1 << 14;
// What of the environment concerns the child: where libraries are and how ingot is set.
constexpr absl::string_view kEnvironment[] = {"INGOT_",    "LD_LIBRARY_PATH=", "OMP_",
                                              "RUNFILES_", "ASAN_OPTIONS=",    "UBSAN_OPTIONS="};

absl::Status Fill(const FileDescriptor& file, absl::string_view bytes) {
  return WriteAll(file.get(), bytes) ? absl::OkStatus()
                                     : absl::ErrnoToStatus(errno, "no memory for a child's answer");
}

absl::StatusOr<FileDescriptor> MemoryFile(const char* name, absl::string_view bytes) {
  FileDescriptor file(memfd_create(name, MFD_CLOEXEC));
  if (file.get() < 0) return absl::ErrnoToStatus(errno, "no memory file");
  INGOT_RETURN_IF_ERROR(Fill(file, bytes));
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

// One request to a child of its own.
class Request {
 public:
  explicit Request(const SandboxLimits& limits)
      : limits_(limits), deadline_(absl::Now() + absl::Seconds(limits.seconds)) {}
  ~Request() { Reap(/*kill_it=*/true); }

  // The answer, in a file of memory.
  absl::StatusOr<FileDescriptor> Run(std::vector<std::string> command,
                                     const FileDescriptor& input) {
    INGOT_RETURN_IF_ERROR(Start(std::move(command), input));
    INGOT_ASSIGN_OR_RETURN(answer_, MemoryFile("ingot answer", ""));
    INGOT_RETURN_IF_ERROR(Receive());
    const int ended = Reap(/*kill_it=*/false);
    INGOT_RETURN_IF_ERROR(DescribeEnd(ended));
    if (absl::StartsWith(line_, "error ")) return ParseErrorLine(line_);
    if (!has_line_ || line_ != kAnswerFollows)
      return absl::DataLossError("the sandboxed process ended without an answer");
    return std::move(answer_);
  }

 private:
  absl::Status Start(std::vector<std::string> command, const FileDescriptor& input) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
    pipe_ = FileDescriptor(ends[0]);
    const FileDescriptor to_parent(ends[1]);
    std::vector<char*> argv, environment;
    for (std::string& part : command) argv.push_back(part.data());
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const auto concerns = [&](absl::string_view prefix) {
        return absl::StartsWith(*entry, prefix);
      };
      if (std::any_of(std::begin(kEnvironment), std::end(kEnvironment), concerns))
        environment.push_back(*entry);
    }
    argv.push_back(nullptr);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to_parent.get(), kAnswerDescriptor);
    // Whatever else this process has open, and did not mark as its own.
    posix_spawn_file_actions_addclosefrom_np(&actions, kAnswerDescriptor + 1);
    const int error =
        posix_spawn(&child_, "/proc/self/exe", &actions, nullptr, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) child_ = -1;
    return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "cannot start a child");
  }

  // Until the child closes its end.
  absl::Status Receive() {
    std::vector<char> buffer(1 << 18);
    int64_t total = 0;
    while (true) {
      const int64_t left = absl::ToInt64Milliseconds(deadline_ - absl::Now());
      if (left <= 0) return TooSlow();
      pollfd waiting{pipe_.get(), POLLIN, 0};
      const int ready = poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      const ssize_t count =
          RetryInterrupted([&] { return read(pipe_.get(), buffer.data(), buffer.size()); });
      if (count < 0) return absl::ErrnoToStatus(errno, "cannot hear the sandboxed process");
      if (count == 0) return absl::OkStatus();
      total += count;
      if (total >> 20 > limits_.memory_mib) {
        return absl::ResourceExhaustedError(absl::StrCat(
            "the sandboxed process answers with more than ", limits_.memory_mib, " MiB"));
      }
      INGOT_RETURN_IF_ERROR(Take({buffer.data(), static_cast<size_t>(count)}));
    }
  }

  // The first line says how it went, the rest is the answer.
  absl::Status Take(absl::string_view bytes) {
    if (!has_line_) {
      const size_t end = bytes.find('\n');
      absl::StrAppend(&line_, bytes.substr(0, end));
      if (line_.size() > kMaxStatusLine)
        return absl::DataLossError("the sandboxed process makes no sense");
      if (end == absl::string_view::npos) return absl::OkStatus();
      has_line_ = true;
      bytes.remove_prefix(end + 1);
    }
    return Fill(answer_, bytes);
  }

  int Reap(bool kill_it) {
    if (child_ <= 0) return 0;
    if (kill_it) kill(child_, SIGKILL);
    int ended = 0;
    RetryInterrupted([&] { return waitpid(child_, &ended, 0); });
    child_ = -1;
    return ended;
  }

  absl::Status TooSlow() const {
    return absl::DeadlineExceededError(
        absl::StrCat("loading it took more than ", limits_.seconds,
                     " s in the sandbox (--untrusted-seconds allows more)"));
  }

  absl::Status DescribeEnd(int ended) const {
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0) return absl::OkStatus();
    if (!WIFSIGNALED(ended)) {
      return absl::DataLossError(
          absl::StrCat("the sandboxed process ended with ", WEXITSTATUS(ended)));
    }
    switch (const int signal = WTERMSIG(ended)) {
      case SIGSYS:
        return absl::PermissionDeniedError(
            "the file attempted what the sandbox forbids: the network, other programs, or writing "
            "files");
      case SIGXCPU:
        return TooSlow();
      case SIGKILL:
        return absl::ResourceExhaustedError(
            "the system ended the sandboxed process: out of memory?");
      default:
        return absl::DataLossError(absl::StrCat("loading it crashed in the sandbox (",
                                                strsignal(signal),
                                                "): the file is damaged or "
                                                "hostile"));
    }
  }

  const SandboxLimits limits_;
  const absl::Time deadline_;
  pid_t child_ = -1;
  FileDescriptor pipe_, answer_;
  std::string line_;
  bool has_line_ = false;
};

}  // namespace

absl::StatusOr<FileDescriptor> SandboxedChild::Ask(const std::string& request, uint64_t seed,
                                                   const std::string& input) const {
  INGOT_ASSIGN_OR_RETURN(const FileDescriptor file, MemoryFile("ingot arguments", input));
  absl::StatusOr<FileDescriptor> answer = Request(limits_).Run(
      {"ingot", "sandboxed", path_, absl::StrCat("--request=", request),
       absl::StrCat("--seed=", seed), absl::StrCat("--memory=", limits_.memory_mib),
       absl::StrCat("--seconds=", limits_.seconds),
       absl::StrCat("--threads=", runtime::EffectiveThreads(options_.threads))},
      file);
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kModel, answer.status()));
  return answer;
}

}  // namespace ingot::tools
