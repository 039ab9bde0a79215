#include "tools/ingot/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/status_matchers.h"
#include "gtest/gtest.h"

namespace ingot::tools {
namespace {

constexpr int kDone = 7, kNoSandbox = 99;

// Runs `body` in a child that has entered the sandbox; 128 + signal, or what `body` returned.
int InSandbox(const std::function<int()>& body, SandboxLimits limits = {}) {
  const pid_t child = fork();
  if (child == 0) _exit(EnterSandbox(limits).ok() ? body() : kNoSandbox);
  int ended = 0;
  EXPECT_EQ(waitpid(child, &ended, 0), child);
  return WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended);
}

TEST(SandboxTest, ComputesTakesMemoryAndStartsThreads) {
  EXPECT_EQ(InSandbox([] {
              std::vector<double> numbers(1 << 20, 1.5);
              double sum = 0;
              std::thread([&] {
                for (const double number : numbers) sum += number;
              }).join();
              return sum > 1e6 ? kDone : 0;
            }),
            kDone);
}

TEST(SandboxTest, WritesToWhatIsOpen) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(InSandbox([&] { return write(ends[1], "x", 1) == 1 ? kDone : 0; }), kDone);
  char heard = 0;
  EXPECT_EQ(read(ends[0], &heard, 1), 1);
  EXPECT_EQ(heard, 'x');
}

struct Attempt {
  const char* name;
  int (*body)();
};

TEST(SandboxTest, AttemptsOutwardsAreFatal) {
  const Attempt attempts[] = {
      {"socket", [] { return socket(AF_INET, SOCK_STREAM, 0); }},
      {"local socket", [] { return socket(AF_UNIX, SOCK_STREAM, 0); }},
      {"program", [] { return execl("/bin/true", "true", nullptr); }},
      {"process", [] { return fork() == 0 ? 0 : 1; }},
      {"new file", [] { return open("sandbox_test_file", O_WRONLY | O_CREAT, 0600); }},
      {"file for writing", [] { return open("/dev/null", O_WRONLY); }},
      {"file for both", [] { return open("/dev/null", O_RDWR); }},
      {"folder", [] { return mkdir("sandbox_test_folder", 0700); }},
      {"removal", [] { return unlink("sandbox_test_file"); }},
      {"signal to the parent", [] { return kill(getppid(), SIGTERM); }},
  };
  for (const Attempt& attempt : attempts) {
    EXPECT_EQ(InSandbox(attempt.body), 128 + SIGSYS) << attempt.name;
  }
}

TEST(SandboxTest, ReadingOtherFilesFails) {
  EXPECT_EQ(
      InSandbox([] { return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? kDone : 0; }),
      kDone);
}

TEST(SandboxTest, LimitsCannotBeRaised) {
  EXPECT_EQ(InSandbox([] {
              const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
              return setrlimit(RLIMIT_AS, &limit) != 0 ? kDone : 0;
            }),
            kDone);
}

TEST(SandboxTest, MemoryBeyondTheLimitIsNotThere) {
  EXPECT_EQ(InSandbox(
                [] {
                  void* const memory = mmap(nullptr, size_t{2} << 30, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  return memory == MAP_FAILED ? kDone : 0;
                },
                {.memory_mib = 1024}),
            kDone);
}

TEST(SandboxTest, TimeBeyondTheLimitEndsIt) {
  const SandboxLimits limits = {.seconds = 1};
  const int ended = InSandbox(
      [] {
        volatile bool forever = true;
        while (forever) {
        }
        return 0;
      },
      limits);
  EXPECT_EQ(ended, 128 + SIGXCPU);
}

}  // namespace
}  // namespace ingot::tools
