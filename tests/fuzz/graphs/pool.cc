#include "tests/fuzz/graphs/pool.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace ingot::fuzz {
namespace {

constexpr size_t kMaxLine = 3000;  // a write this short is not torn apart
constexpr int kMaxJobs = 64;
constexpr uint64_t kIdle = UINT64_MAX;

int64_t Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

// What parent and children share.
struct Board {
  std::atomic<uint64_t> next{0};
  struct Worker {
    std::atomic<uint64_t> seed{kIdle};
    std::atomic<int64_t> since{0};
  } workers[kMaxJobs];
};

Board* NewBoard() {
  void* memory =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return new (memory) Board;
}

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(5);
}

// In a child: seeds until there are none.
[[noreturn]] void Work(Board& board, int worker, uint64_t last, int pipe,
                       const std::function<Pool::Work()>& start) {
  const Pool::Work work = start();
  for (;;) {
    // Announced before it is taken, so that a death is never a seed's that nobody announced.
    uint64_t seed = board.next.load();
    do {
      if (seed >= last) _exit(0);
      board.workers[worker].since = Now();
      board.workers[worker].seed = seed;
    } while (!board.next.compare_exchange_weak(seed, seed + 1));
    std::string line = std::to_string(seed) + " " + work(seed);
    std::replace(line.begin(), line.end(), '\n', ' ');
    line.resize(std::min(line.size(), kMaxLine));
    line += '\n';
    if (write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(5);
    board.workers[worker].seed = kIdle;
  }
}

std::string DeathText(int status, bool timed_out, int timeout) {
  if (timed_out) return "no end after " + std::to_string(timeout) + " s";
  if (!WIFSIGNALED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return "killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

class Parent {
 public:
  Parent(const Pool::Options& options, const std::function<Pool::Work()>& start,
         const std::function<void(const Pool::Result&)>& on_result)
      : options_(options), start_(start), on_result_(on_result), board_(*NewBoard()) {
    board_.next = options.first;
    if (pipe(pipe_) != 0) Fail("pipe");
    children_.resize(static_cast<size_t>(std::clamp(options.jobs, 1, kMaxJobs)));
  }
  ~Parent() {
    close(pipe_[0]);
    close(pipe_[1]);
    munmap(&board_, sizeof(Board));
  }

  void Run() {
    for (size_t i = 0; i < children_.size(); ++i) Spawn(i);
    while (
        std::any_of(children_.begin(), children_.end(), [](const Child& c) { return c.pid > 0; })) {
      Read(200);
      for (size_t i = 0; i < children_.size(); ++i) Watch(i);
    }
    Read(0);
  }

 private:
  struct Child {
    pid_t pid = 0;
    bool timed_out = false;
  };

  void Spawn(size_t i) {
    std::fflush(nullptr);
    const pid_t pid = fork();
    if (pid < 0) Fail("fork");
    if (pid == 0) {
      close(pipe_[0]);
      Work(board_, static_cast<int>(i), options_.last, pipe_[1], start_);
    }
    children_[i] = {pid, false};
  }

  void Watch(size_t i) {
    Child& child = children_[i];
    if (child.pid <= 0) return;
    Board::Worker& worker = board_.workers[i];
    const bool busy = worker.seed.load() != kIdle;
    if (busy && Now() - worker.since.load() > options_.timeout_seconds && !child.timed_out) {
      child.timed_out = true;
      kill(child.pid, SIGKILL);
    }
    int status = 0;
    if (waitpid(child.pid, &status, WNOHANG) != child.pid) return;
    child.pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      worker.seed = kIdle;
      return;
    }
    Read(0);
    const uint64_t seed = worker.seed.exchange(kIdle);
    if (seed == kIdle) Fail("a worker could not start");
    on_result_({seed, "", DeathText(status, child.timed_out, options_.timeout_seconds), Next()});
    Spawn(i);
  }

  uint64_t Next() const {
    uint64_t next = board_.next.load();
    for (size_t i = 0; i < children_.size(); ++i) {
      next = std::min(next, board_.workers[i].seed.load());
    }
    return std::min(next, options_.last);
  }

  // Lines that have come, waiting for the first one at most so long.
  void Read(int milliseconds) {
    pollfd ready{pipe_[0], POLLIN, 0};
    while (poll(&ready, 1, milliseconds) > 0) {
      char buffer[1 << 16];
      const ssize_t count = read(pipe_[0], buffer, sizeof(buffer));
      if (count <= 0) return;
      unread_.append(buffer, static_cast<size_t>(count));
      for (size_t end; (end = unread_.find('\n')) != std::string::npos; unread_.erase(0, end + 1)) {
        const size_t blank = unread_.find(' ');
        on_result_({std::stoull(unread_.substr(0, blank)),
                    unread_.substr(blank + 1, end - blank - 1), "", Next()});
      }
      milliseconds = 0;
    }
  }

  const Pool::Options& options_;
  const std::function<Pool::Work()>& start_;
  const std::function<void(const Pool::Result&)>& on_result_;
  Board& board_;
  int pipe_[2];
  std::vector<Child> children_;
  std::string unread_;
};

}  // namespace

void Pool::Run(const std::function<Work()>& start,
               const std::function<void(const Result&)>& on_result) {
  Parent(options_, start, on_result).Run();
}

bool InChild(const std::function<std::string()>& work, int timeout_seconds, std::string& output) {
  int ends[2];
  if (pipe(ends) != 0) Fail("pipe");
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) Fail("fork");
  if (pid == 0) {
    close(ends[0]);
    alarm(static_cast<unsigned>(timeout_seconds));
    const std::string text = work();
    size_t written = 0;
    while (written < text.size()) {
      const ssize_t count = write(ends[1], text.data() + written, text.size() - written);
      if (count <= 0) _exit(5);
      written += static_cast<size_t>(count);
    }
    _exit(0);
  }
  close(ends[1]);
  output.clear();
  char buffer[1 << 16];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    output.append(buffer, static_cast<size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ingot::fuzz
