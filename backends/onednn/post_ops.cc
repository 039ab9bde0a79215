#include "backends/onednn/post_ops.h"

#include "core/base/status_macros.h"

namespace ingot::onednn {

absl::Status AppendPostOps(const std::vector<PostOp>& post_ops, AdaptOperand adapt,
                           Attributes& attributes, std::vector<CallArgument>& arguments) {
  for (const PostOp& post_op : post_ops) {
    const std::optional<PrimitivePostOp> primitive = AsPrimitive(post_op);
    if (!primitive) return absl::InternalError("a post-op that oneDNN does not have");
    if (!IsBinary(post_op.op)) {
      attributes.AppendEltwise(primitive->algorithm, primitive->alpha, primitive->beta);
      continue;
    }
    INGOT_ASSIGN_OR_RETURN(const Tensor operand, adapt(post_op));
    const int position = attributes.size();
    attributes.AppendBinary(primitive->algorithm, operand.Desc());
    arguments.push_back(Reads(DNNL_ARG_ATTR_MULTIPLE_POST_OP(position) | DNNL_ARG_SRC_1, operand));
  }
  return absl::OkStatus();
}

}  // namespace ingot::onednn
