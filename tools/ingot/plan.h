// What a group's backend says of its steps (ingot_executable_info::plan_json), read once for all
// who show it.
#ifndef INGOT_TOOLS_INGOT_PLAN_H_
#define INGOT_TOOLS_INGOT_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/runtime/compiled_graph.h"

namespace ingot::tools {

struct PlannedStep {
  // The node that it is named after, then those fused with it; ids of the compiled graph.
  std::vector<ir::NodeId> nodes;
  std::string implementation;     // "" where the plan says none
  std::string layout_in, layout;  // of what it reads and makes; "" for row-major, or unsaid
  int64_t times = 1;              // that an execution runs it, all steps of the plan in turn
};

// "row_major -> channels_last"; one of them where they are equal, nothing for row-major.
std::string DescribeLayouts(absl::string_view in, absl::string_view out);

// In order. A plan that is not as documented tells nothing, and neither does a step of no node.
std::vector<PlannedStep> ReadPlan(const runtime::GroupReport& group);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_PLAN_H_
