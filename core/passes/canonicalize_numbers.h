// The rules of canonicalize.h about numbers. Private to core/passes.
#ifndef INGOT_CORE_PASSES_CANONICALIZE_NUMBERS_H_
#define INGOT_CORE_PASSES_CANONICALIZE_NUMBERS_H_

#include "absl/status/statusor.h"
#include "core/passes/rewriter.h"

namespace ingot::passes {

// Each returns the value that takes the place of the node's output, or kNoValue: it stays.

// A binary .Tensor op with a constant of rank 0 -> its .Scalar form.
absl::StatusOr<ir::ValueId> NumberOperand(GraphRewriter& r, const ir::Node& node);
// x * 1, x / 1, x - 0.
absl::StatusOr<ir::ValueId> DropNeutralNumber(GraphRewriter& r, const ir::Node& node);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_CANONICALIZE_NUMBERS_H_
