// Asks a child process that can do nothing else about a model file that nobody trusts.
//
//   const SandboxedChild child("m.pt", options, limits);
//   INGOT_ASSIGN_OR_RETURN(FileDescriptor answer, child.Ask("record", 0, arguments));
//
// The child is this very program with the verb `sandboxed` (sandboxed_verb.cc), one for each
// request, so that none can prepare the next one's answer. It opens the file, enters the sandbox
// (sandbox.h), reads the file, and writes what came of it to a pipe. It gets none of this process's
// environment but what concerns ingot, and nothing it prints is shown.
//
// Errors besides the child's own, all of stage kModel: PermissionDenied (it attempted what the
// sandbox forbids), DeadlineExceeded, ResourceExhausted (the answer is beyond the memory limit),
// DataLoss (it crashed: the signal is named), Unavailable (no sandbox here). Thread-safe.
#ifndef INGOT_TOOLS_INGOT_SANDBOXED_CHILD_H_
#define INGOT_TOOLS_INGOT_SANDBOXED_CHILD_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/file_descriptor.h"
#include "core/runtime/options.h"
#include "tools/ingot/sandbox.h"

namespace ingot::tools {

// Where the child finds its pipe.
inline constexpr int kAnswerDescriptor = 3;
inline constexpr char kAnswerFollows[] = "ok";

class SandboxedChild {
 public:
  SandboxedChild(std::string path, const runtime::Options& options, const SandboxLimits& limits)
      : path_(std::move(path)), options_(options), limits_(limits) {}

  const std::string& path() const { return path_; }

  // The answer, in a file of memory:
  //   request                  input                              answer
  //   record                   arguments (tensor_stream.h)        an `.ingot` file
  //   samples                  -                                  arguments
  //   eager, float64, frozen   calls so far (oracle_stream.h)     what came of the last one
  absl::StatusOr<FileDescriptor> Ask(const std::string& request, uint64_t seed,
                                     const std::string& input) const;

 private:
  std::string path_;
  runtime::Options options_;
  SandboxLimits limits_;
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_SANDBOXED_CHILD_H_
