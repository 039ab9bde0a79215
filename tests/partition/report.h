// What must hold of a compiled graph's groups and of its report on fallbacks, whatever they are.
#ifndef INGOT_TESTS_PARTITION_REPORT_H_
#define INGOT_TESTS_PARTITION_REPORT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "core/runtime/compiled_graph.h"

namespace ingot::partition {

// Empty, or what is wrong: each node is in one group; groups are convex, and in an order in which
// they can run. `is_fallback(node)`: whether the first backend, called `first`, leaves the node to
// others; then the report names it, with its op and a reason, and its group is another backend's.
std::string CheckReport(const runtime::CompiledGraph& graph, const std::string& first,
                        absl::FunctionRef<bool(ir::NodeId)> is_fallback);

}  // namespace ingot::partition

#endif  // INGOT_TESTS_PARTITION_REPORT_H_
