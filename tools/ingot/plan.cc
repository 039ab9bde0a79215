#include "tools/ingot/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/ingot/console.h"

namespace ingot::tools {
namespace {

std::string Text(const Json& step, const char* key) {
  return step.contains(key) && step[key].is_string() ? step[key].get<std::string>() : "";
}

}  // namespace

std::string DescribeLayouts(absl::string_view in, absl::string_view out) {
  if (in == out) return std::string(in);
  const auto name = [](absl::string_view layout) { return layout.empty() ? "row_major" : layout; };
  return absl::StrCat(name(in), " -> ", name(out));
}

std::vector<PlannedStep> ReadPlan(const runtime::GroupReport& group) {
  std::vector<PlannedStep> steps;
  const Json plan = Json::parse(group.plan_json, nullptr, /*allow_exceptions=*/false);
  if (!plan.is_array()) return steps;
  const auto add_node = [&](const Json& position, PlannedStep& step) {
    if (!position.is_number_unsigned()) return;
    const size_t k = position.get<size_t>();
    if (k < group.nodes.size()) step.nodes.push_back(group.nodes[k]);
  };
  for (const Json& entry : plan) {
    if (!entry.is_object() || !entry.contains("node")) continue;
    PlannedStep step;
    add_node(entry["node"], step);
    if (step.nodes.empty()) continue;
    step.implementation = Text(entry, "impl");
    step.layout_in = Text(entry, "layout_in");
    step.layout = Text(entry, "layout");
    if (entry.contains("times") && entry["times"].is_number_unsigned())
      step.times = std::max<int64_t>(1, entry["times"].get<int64_t>());
    if (entry.contains("fused") && entry["fused"].is_array()) {
      for (const Json& position : entry["fused"]) add_node(position, step);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace ingot::tools
