#include "backends/onednn/post_ops.h"

#include "core/base/status_macros.h"

namespace ingot::onednn {

absl::Status AppendPostOps(const std::vector<PostOp>& post_ops, AdaptOperand adapt,
                           Attributes& attributes, std::vector<CallArgument>& arguments) {
  for (const PostOp& post_op : post_ops) {
    if (!post_op.binary) {
      attributes.AppendEltwise(post_op.algorithm, post_op.alpha, post_op.beta);
      continue;
    }
    INGOT_ASSIGN_OR_RETURN(const Tensor operand, adapt(post_op));
    const int position = attributes.size();
    attributes.AppendBinary(post_op.algorithm, operand.Desc());
    arguments.push_back(Reads(DNNL_ARG_ATTR_MULTIPLE_POST_OP(position) | DNNL_ARG_SRC_1, operand));
  }
  return absl::OkStatus();
}

}  // namespace ingot::onednn
