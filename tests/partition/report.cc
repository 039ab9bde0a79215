#include "tests/partition/report.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ingot::partition {
namespace {

constexpr size_t kNone = SIZE_MAX;

// By value: the node that makes it.
std::vector<size_t> Makers(const ir::Graph& graph) {
  std::vector<size_t> makers(graph.num_values(), kNone);
  for (size_t node = 0; node < graph.nodes().size(); ++node) {
    for (ir::ValueId v : graph.nodes()[node].outputs) {
      if (v != ir::kNoValue) makers[v] = node;
    }
  }
  return makers;
}

// A path that leaves a group and comes back: some node of it depends on a node outside that depends
// on the group.
std::string CheckConvex(const ir::Graph& graph, const std::vector<size_t>& group_of,
                        size_t num_groups) {
  const std::vector<size_t> makers = Makers(graph);
  // By node: groups that it depends on through a node of another group.
  std::vector<std::vector<bool>> behind(graph.nodes().size(), std::vector<bool>(num_groups));
  for (size_t node = 0; node < graph.nodes().size(); ++node) {
    ir::ForEachOperand(graph.nodes()[node], [&](ir::ValueId v) {
      const size_t maker = makers[v];
      if (maker == kNone) return;
      for (size_t g = 0; g < num_groups; ++g) {
        if (behind[maker][g]) behind[node][g] = true;
      }
      if (group_of[maker] != group_of[node]) behind[node][group_of[maker]] = true;
    });
    if (behind[node][group_of[node]]) {
      return absl::StrCat("group ", group_of[node], " is not convex at node ", node);
    }
  }
  return "";
}

std::string CheckOrder(const ir::Graph& graph, const std::vector<size_t>& group_of) {
  const std::vector<size_t> makers = Makers(graph);
  std::string wrong;
  for (size_t node = 0; node < graph.nodes().size(); ++node) {
    ir::ForEachOperand(graph.nodes()[node], [&](ir::ValueId v) {
      if (makers[v] != kNone && group_of[makers[v]] > group_of[node]) {
        wrong = absl::StrCat("group ", group_of[node], " runs before ", group_of[makers[v]],
                             ", which it needs");
      }
    });
  }
  return wrong;
}

}  // namespace

std::string CheckReport(const runtime::CompiledGraph& compiled, const std::string& first,
                        absl::FunctionRef<bool(ir::NodeId)> is_fallback) {
  const ir::Graph& graph = compiled.graph();
  std::vector<size_t> group_of(graph.nodes().size(), kNone);
  for (size_t g = 0; g < compiled.groups().size(); ++g) {
    for (ir::NodeId node : compiled.groups()[g].nodes) {
      if (node >= group_of.size() || group_of[node] != kNone) {
        return absl::StrCat("node ", node, " is in two groups, or in none of the graph");
      }
      group_of[node] = g;
    }
  }
  std::map<ir::NodeId, const plugin::Fallback*> fallbacks;
  for (const plugin::Fallback& fallback : compiled.fallbacks())
    fallbacks[fallback.node] = &fallback;
  for (ir::NodeId node = 0; node < group_of.size(); ++node) {
    if (group_of[node] == kNone) return absl::StrCat("node ", node, " is in no group");
    const std::string& backend = compiled.groups()[group_of[node]].backend;
    const auto reported = fallbacks.find(node);
    const bool expected = is_fallback(node);
    if (expected == (backend == first)) {
      return absl::StrCat("node ", node, " (", graph.node(node).op, ") runs on ", backend);
    }
    if (expected != (reported != fallbacks.end())) {
      return absl::StrCat("node ", node, expected ? " is not" : " is", " among the fallbacks");
    }
    if (expected &&
        (reported->second->op != graph.node(node).op || reported->second->reason.empty())) {
      return absl::StrCat("node ", node, ": reported as ", reported->second->op, " (",
                          reported->second->reason, ")");
    }
  }
  const std::string order = CheckOrder(graph, group_of);
  return order.empty() ? CheckConvex(graph, group_of, compiled.groups().size()) : order;
}

}  // namespace ingot::partition
