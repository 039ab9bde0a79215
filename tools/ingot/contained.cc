#include "tools/ingot/contained.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/file_descriptor.h"

namespace ingot::tools {
namespace {

// A text on the pipe: its size, its bytes.
bool ReadText(int pipe, std::string& text) {
  uint64_t size = 0;
  if (!ReadAll(pipe, &size, sizeof(size))) return false;
  text.resize(size);
  return ReadAll(pipe, text.data(), size);
}

[[noreturn]] void Work(size_t first, size_t count, int pipe,
                       const std::function<std::string(size_t)>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  for (size_t i = first; i < count; ++i) {
    const std::string text = work(i);
    const uint64_t size = text.size();
    const absl::string_view size_bytes(reinterpret_cast<const char*>(&size), sizeof(size));
    if (!WriteAll(pipe, size_bytes) || !WriteAll(pipe, text)) _exit(5);
  }
  _exit(0);
}

std::string DeathText(int status) {
  if (!WIFSIGNALED(status)) return absl::StrCat("exited with ", WEXITSTATUS(status));
  return absl::StrCat("killed by signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)),
                      ")");
}

}  // namespace

absl::Status RunContained(size_t count, const std::function<std::string(size_t)>& work,
                          const std::function<void(size_t, const Contained&)>& on_result) {
  size_t next = 0;
  while (next < count) {
    int ends[2];
    if (pipe(ends) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) {
      const absl::Status status = absl::ErrnoToStatus(errno, "cannot start a process");
      close(ends[0]);
      close(ends[1]);
      return status;
    }
    if (child == 0) {
      close(ends[0]);
      Work(next, count, ends[1], work);
    }
    close(ends[1]);
    for (Contained result; next < count && ReadText(ends[0], result.text);) {
      on_result(next++, result);
    }
    close(ends[0]);
    int status = 0;
    RetryInterrupted([&] { return waitpid(child, &status, 0); });
    if (next < count) on_result(next++, {"", DeathText(status)});
  }
  return absl::OkStatus();
}

}  // namespace ingot::tools
