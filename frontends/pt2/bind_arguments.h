// A node's named arguments in the order and kinds of its op's schema.
#ifndef INGOT_FRONTENDS_PT2_BIND_ARGUMENTS_H_
#define INGOT_FRONTENDS_PT2_BIND_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "frontends/pt2/operand.h"
#include "frontends/pt2/program.h"
#include "frontends/pt2/signatures.h"

namespace ingot::pt2 {

// What names in arguments stand for.
struct Names {
  absl::FunctionRef<absl::StatusOr<TensorId>(const std::string&)> tensor;
  absl::FunctionRef<absl::StatusOr<int64_t>(const std::string&)> size;
};

// All arguments, defaults filled in. Values have neither strides nor a place: an optional memory
// format, device, layout and pin_memory become None. InvalidArgument: an argument that is missing,
// unknown or of another kind; Unimplemented: one that graphs cannot hold. Thread-safe.
absl::StatusOr<std::vector<Operand>> BindArguments(const GraphNode& node,
                                                   const OpSignature& signature,
                                                   const Names& names);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_BIND_ARGUMENTS_H_
