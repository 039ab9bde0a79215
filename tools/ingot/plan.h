// What a group's backend says of its steps (ingot_executable_info::plan_json), read once for all
// who show it.
#ifndef INGOT_TOOLS_INGOT_PLAN_H_
#define INGOT_TOOLS_INGOT_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/runtime/compiled_graph.h"

namespace ingot::tools {

struct PlannedStep {
  // The node that it is named after, then those fused with it; ids of the compiled graph.
  std::vector<ir::NodeId> nodes;
  std::string implementation, layout;  // "" where the plan says none
  int64_t times = 1;                   // that an execution runs it, all steps of the plan in turn
};

// In order. A plan that is not as documented tells nothing, and neither does a step of no node.
std::vector<PlannedStep> ReadPlan(const runtime::GroupReport& group);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_PLAN_H_
