// A model whose file is read, and recorded, in a process that can do nothing else.
//
//   INGOT_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, OpenSandboxedModel("m.pt", options,
//   limits)); INGOT_ASSIGN_OR_RETURN(ir::Recording recording, model->Record(arguments));
//
// The child is this very program with the verb `sandboxed` (sandboxed_verb.cc), one for each
// request. It opens the file, enters the sandbox (sandbox.h), reads the file, and writes what came
// of it, as an `.ingot` file, to a pipe. The answer is believed no more than a file from anywhere:
// its digests are compared, its graph is inferred anew. The child gets none of this process's
// environment but what concerns ingot, and nothing it prints is shown.
//
// Errors besides the child's own: PermissionDenied (it attempted what the sandbox forbids),
// DeadlineExceeded, ResourceExhausted (the answer is beyond the memory limit), DataLoss (it
// crashed: the signal is named), Unavailable (no sandbox here).
#ifndef INGOT_TOOLS_INGOT_SANDBOXED_MODEL_H_
#define INGOT_TOOLS_INGOT_SANDBOXED_MODEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/ingot/model.h"
#include "tools/ingot/sandbox.h"

namespace ingot::tools {

// Where the child finds its pipe.
inline constexpr int kAnswerDescriptor = 3;
inline constexpr char kAnswerFollows[] = "ok";

absl::StatusOr<std::unique_ptr<Model>> OpenSandboxedModel(const std::string& path,
                                                          const runtime::Options& options,
                                                          const SandboxLimits& limits);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_SANDBOXED_MODEL_H_
