// The rules of canonicalize.h about views: shapes, orders of dimensions, bounds. Private to
// core/passes.
#ifndef INGOT_CORE_PASSES_CANONICALIZE_VIEWS_H_
#define INGOT_CORE_PASSES_CANONICALIZE_VIEWS_H_

#include "absl/status/statusor.h"
#include "core/passes/rewriter.h"

namespace ingot::passes {

// Each returns the value that takes the place of the node's output, or kNoValue: it is canonical
// already.
absl::StatusOr<ir::ValueId> CanonicalReshape(GraphRewriter& r, const ir::Node& node);
absl::StatusOr<ir::ValueId> CanonicalPermute(GraphRewriter& r, const ir::Node& node);
absl::StatusOr<ir::ValueId> CanonicalExpand(GraphRewriter& r, const ir::Node& node);
absl::StatusOr<ir::ValueId> CanonicalSlice(GraphRewriter& r, const ir::Node& node);
absl::StatusOr<ir::ValueId> CanonicalSelect(GraphRewriter& r, const ir::Node& node);
// For any registered op: arguments called `dim` and `dims` counted from the front.
absl::StatusOr<ir::ValueId> PositiveDims(GraphRewriter& r, const ops::OpDef& def,
                                         const ir::Node& node);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_CANONICALIZE_VIEWS_H_
