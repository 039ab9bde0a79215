#include "tools/ingot/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::tools {
namespace {

// What computing takes. Whatever is in none of these lists fails with EPERM.
constexpr int kAllowed[] = {
    SCMP_SYS(read),          SCMP_SYS(readv),
    SCMP_SYS(pread64),       SCMP_SYS(preadv),
    SCMP_SYS(write),         SCMP_SYS(writev),
    SCMP_SYS(close),         SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),    SCMP_SYS(lseek),
    SCMP_SYS(mmap),          SCMP_SYS(mprotect),
    SCMP_SYS(munmap),        SCMP_SYS(mremap),
    SCMP_SYS(madvise),       SCMP_SYS(brk),
    SCMP_SYS(futex),         SCMP_SYS(sched_yield),
    SCMP_SYS(getcpu),        SCMP_SYS(sched_getaffinity),
    SCMP_SYS(nanosleep),     SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),  SCMP_SYS(time),
    SCMP_SYS(getpid),        SCMP_SYS(gettid),
    SCMP_SYS(getuid),        SCMP_SYS(geteuid),
    SCMP_SYS(getgid),        SCMP_SYS(getegid),
    SCMP_SYS(getrandom),     SCMP_SYS(uname),
    SCMP_SYS(sysinfo),       SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),     SCMP_SYS(membarrier),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),          SCMP_SYS(exit_group),
    SCMP_SYS(rseq),          SCMP_SYS(set_robust_list),
    SCMP_SYS(arch_prctl),    SCMP_SYS(restart_syscall),
    SCMP_SYS(poll),          SCMP_SYS(set_tid_address),
};

// What no computation attempts by accident.
constexpr int kFatal[] = {
    // The network, and other ways to talk.
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(msgget),
    SCMP_SYS(mq_open),
    SCMP_SYS(io_uring_setup),
    // Programs and processes.
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    // Files.
    SCMP_SYS(creat),
    SCMP_SYS(openat2),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(truncate),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(setxattr),
    SCMP_SYS(utimensat),
    // The system.
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(seccomp),
};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release) {}

  absl::Status Load() {
    if (context_ == nullptr) return Unavailable("cannot be set up");
    // All threads, not only this one.
    Note(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    for (const int call : kAllowed) Add(SCMP_ACT_ALLOW, call);
    for (const int call : kFatal) Add(SCMP_ACT_KILL_PROCESS, call);
    AddFiles();
    AddThreads();
    if (error_ != 0) return Unavailable("cannot be described");
    return seccomp_load(context_.get()) == 0 ? absl::OkStatus() : Unavailable("is not there");
  }

 private:
  static absl::Status Unavailable(const char* why) {
    return absl::UnavailableError(
        absl::StrCat("no sandbox: the kernel's filter of system calls (seccomp) ", why));
  }
  void Note(int result) { error_ = error_ != 0 ? error_ : result; }
  template <typename... Conditions>
  void Add(uint32_t action, int call, Conditions... conditions) {
    Note(seccomp_rule_add(context_.get(), action, call, sizeof...(conditions), conditions...));
  }

  // Reading fails, writing is fatal.
  void AddFiles() {
    struct Open {
      int call;
      unsigned flags;  // which argument
    };
    for (const Open& open : {Open{SCMP_SYS(open), 1}, Open{SCMP_SYS(openat), 2}}) {
      constexpr uint64_t kWrites[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
      for (const uint64_t flag : kWrites) {
        Add(SCMP_ACT_KILL_PROCESS, open.call,
            SCMP_CMP64(open.flags, SCMP_CMP_MASKED_EQ, flag, flag));
      }
      constexpr uint64_t kAll = O_ACCMODE | O_CREAT | O_TRUNC;
      Add(SCMP_ACT_ERRNO(EACCES), open.call,
          SCMP_CMP64(open.flags, SCMP_CMP_MASKED_EQ, kAll, O_RDONLY));
    }
  }

  // Threads of this process may start and be signalled; processes may not.
  void AddThreads() {
    Add(SCMP_ACT_ALLOW, SCMP_SYS(clone),
        SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    Add(SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    // Its flags lie in memory, where a filter does not see them; libc then takes clone.
    Add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
    const auto self = static_cast<uint64_t>(getpid());
    Add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_CMP64(0, SCMP_CMP_EQ, self));
    Add(SCMP_ACT_KILL_PROCESS, SCMP_SYS(tgkill), SCMP_CMP64(0, SCMP_CMP_NE, self));
    // Reading one's own limits; they are hard already.
    Add(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), SCMP_CMP64(0, SCMP_CMP_EQ, 0),
        SCMP_CMP64(2, SCMP_CMP_EQ, 0));
    Add(SCMP_ACT_ALLOW, SCMP_SYS(prctl), SCMP_CMP64(0, SCMP_CMP_EQ, PR_SET_NAME));
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

absl::Status SetLimits(const SandboxLimits& limits) {
  const int64_t processors = std::max<int64_t>(1, sysconf(_SC_NPROCESSORS_ONLN));
  const std::pair<__rlimit_resource_t, int64_t> rows[] = {
      {RLIMIT_AS, limits.memory_mib << 20},
      {RLIMIT_CPU, limits.seconds * processors},
      {RLIMIT_FSIZE, 0},
      {RLIMIT_CORE, 0},
  };
  for (const auto& [resource, value] : rows) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return absl::ErrnoToStatus(errno, "no sandbox: limits");
    limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(value));
    // One second more, so that the signal says what it was.
    limit.rlim_max =
        std::min(limit.rlim_max, limit.rlim_cur + (resource == RLIMIT_CPU ? rlim_t{1} : 0));
    if (setrlimit(resource, &limit) != 0) return absl::ErrnoToStatus(errno, "no sandbox: limits");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterSandbox(const SandboxLimits& limits) {
  INGOT_RETURN_IF_ERROR(SetLimits(limits));
  if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return absl::UnavailableError("no sandbox: the kernel does not take privileges away");
  return Filter().Load();
}

}  // namespace ingot::tools
