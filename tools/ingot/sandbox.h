// Locks this process in before it touches what it does not trust.
//
//   INGOT_RETURN_IF_ERROR(EnterSandbox({.memory_mib = 8192, .seconds = 120}));
//   … read the file that is open already, write to the pipe that is open already …
//
// There is no way back. Afterwards the process, all its threads included, can compute, take memory
// up to the limit, start threads, and read and write what it has open: nothing else. Opening a file
// for reading fails (EACCES), as do system calls that nobody needs; an attempt at the network, at
// other programs or processes, or at files for writing ends the process with SIGSYS. More CPU time
// than `seconds` for each processor ends it with SIGXCPU. It gains no privileges, leaves no core
// dump, and writes no files by itself (only pipes and sockets take bytes).
#ifndef INGOT_TOOLS_INGOT_SANDBOX_H_
#define INGOT_TOOLS_INGOT_SANDBOX_H_

#include <cstdint>

#include "absl/status/status.h"

namespace ingot::tools {

struct SandboxLimits {
  int64_t memory_mib = 8192;  // of address space
  int64_t seconds = 120;      // of CPU time of each processor; of time, for who waits for it
};

// Unavailable: this kernel has no seccomp, or does not let this process use it.
absl::Status EnterSandbox(const SandboxLimits& limits);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_SANDBOX_H_
