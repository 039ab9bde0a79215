// Finds the first op of a graph whose values differ between two backends.
//
//   INGOT_ASSIGN_OR_RETURN(std::string where, FirstDifference(recording, session, peer, …));
//   "%7 = aten::linear (mlp.py:12): 3 of 512 elements differ …"
//
// The graph is compiled again on both, with every intermediate value as a result, so backends
// cannot fuse across them.
#ifndef INGOT_TOOLS_INGOT_FIRST_DIFFERENCE_H_
#define INGOT_TOOLS_INGOT_FIRST_DIFFERENCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/runtime/session.h"
#include "tools/ingot/call.h"
#include "tools/ingot/compare.h"

namespace ingot::tools {

// One line: the node, its op, the source it came from and how it differs; or that no single op
// does. `peer` is taken to be right.
absl::StatusOr<std::string> FirstDifference(const ir::Recording& recording,
                                            runtime::Session& session, runtime::Session& peer,
                                            const Arguments& arguments, uint64_t seed,
                                            const Tolerances& tolerances);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_FIRST_DIFFERENCE_H_
