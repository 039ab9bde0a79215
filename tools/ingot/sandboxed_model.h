// A model whose file is read, and recorded, in a process that can do nothing else.
//
//   INGOT_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, OpenSandboxedModel("m.pt", options,
//   limits)); INGOT_ASSIGN_OR_RETURN(ir::Recording recording, model->Record(arguments));
//
// A child answers each request (sandboxed_child.h, whose errors come through). The answer is
// believed no more than a file from anywhere: its digests are compared, its graph is inferred anew.
// An oracle runs the module in such children too.
#ifndef INGOT_TOOLS_INGOT_SANDBOXED_MODEL_H_
#define INGOT_TOOLS_INGOT_SANDBOXED_MODEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/ingot/model.h"
#include "tools/ingot/sandbox.h"

namespace ingot::tools {

absl::StatusOr<std::unique_ptr<Model>> OpenSandboxedModel(const std::string& path,
                                                          const runtime::Options& options,
                                                          const SandboxLimits& limits);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_SANDBOXED_MODEL_H_
