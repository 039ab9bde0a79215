// Turns the post-ops of a unit into attributes of its primitive, and their operands into arguments.
#ifndef INGOT_BACKENDS_ONEDNN_POST_OPS_H_
#define INGOT_BACKENDS_ONEDNN_POST_OPS_H_

#include <vector>

#include "absl/status/status.h"
#include "backends/onednn/engine.h"
#include "backends/onednn/lowering.h"

namespace ingot::onednn {

// Gives the operand of a binary post-op the form that the primitive's output has: its sizes (or 1
// where broadcast) and layout.
using AdaptOperand = absl::FunctionRef<absl::StatusOr<Tensor>(const PostOp&)>;

// Appends `post_ops`, each of which oneDNN has (AsPrimitive), to `attributes`, and to `arguments`
// the operands that their calls need.
absl::Status AppendPostOps(const std::vector<PostOp>& post_ops, AdaptOperand adapt,
                           Attributes& attributes, std::vector<CallArgument>& arguments);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_POST_OPS_H_
