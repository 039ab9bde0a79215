// An oracle in a process of its own, for models that this process reads without LibTorch.
//
// The child is this very program with the verb `oracle` (oracle_verb.cc). It runs, on LibTorch:
// the traced module beside the model, if there is a .pt of the same name, as eager does; else the
// model's own graph, op by op, by LibTorch's kernels (the torchscript backend). When its oracle is
// gone it waits for another model, and ends with this process; one that crashed is replaced.
#ifndef INGOT_TOOLS_INGOT_ORACLE_PROCESS_H_
#define INGOT_TOOLS_INGOT_ORACLE_PROCESS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/ingot/model.h"
#include "tools/ingot/oracle.h"

namespace ingot::tools {

// Unavailable, Unimplemented … as the child says: no LibTorch, or a mode that needs the module.
absl::StatusOr<std::unique_ptr<Oracle>> StartOracleProcess(const std::string& model,
                                                           OracleMode mode,
                                                           const runtime::Options& options);

// What both sides call a mode: "eager", "float64", "frozen".
absl::string_view OracleModeName(OracleMode mode);
OracleMode OracleModeOf(absl::string_view name);  // kEager for any other name

// The protocol, line by line: to "open MODE MODEL" on its stdin the child says "ready NAME" or
// "error CODE MESSAGE"; then for each "SEED" it reads <folder>/in.npz (arg0, …), writes
// <folder>/out.npz (out0, …, arg0, …) and says "done" or "error …". At the end of its input it
// removes these files and the folder.
std::string ErrorLine(const absl::Status& status);
absl::Status ParseErrorLine(absl::string_view line);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_ORACLE_PROCESS_H_
