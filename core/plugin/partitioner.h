// Splits a graph into groups, each compiled by one backend.
//
// Every node goes to the first backend in the priority list that claims it. Groups are convex (no
// path leaves a group and comes back) and never wait for each other in a circle, so that they can
// run one after another; two groups of one backend are merged wherever that holds, neighbours or
// not. Pure and deterministic; thread-safe.
//
//   INGOT_ASSIGN_OR_RETURN(const Partition partition, MakePartition(graph, support));
//   for (const Group& group : partition.groups) Compile(ExtractGroup(graph, group));
#ifndef INGOT_CORE_PLUGIN_PARTITIONER_H_
#define INGOT_CORE_PLUGIN_PARTITIONER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/graph.h"
#include "core/plugin/backend.h"

namespace ingot::plugin {

struct Group {
  size_t backend = 0;             // index in the priority list
  std::vector<ir::NodeId> nodes;  // ascending
};

// A node that the first backend did not take, and why.
struct Fallback {
  ir::NodeId node = 0;
  std::string op;
  std::string reason;
};

struct Partition {
  std::vector<Group> groups;        // in an order of execution
  std::vector<Fallback> fallbacks;  // by node
};

// `support[b][n]`: what backend b says of node n. The lists may have been edited, to force a
// fallback. Unimplemented if no backend takes a node: "fallback: aten::foo=2 (no kernel for c64)",
// the reason being the first backend's. InvalidArgument if a list is not as long as the graph.
absl::StatusOr<Partition> MakePartition(const ir::Graph& graph,
                                        const std::vector<std::vector<NodeSupport>>& support);

// "aten::sub=1 (forced by force_fallback), aten::foo=2 (no kernel for c64)": ops without overload,
// sorted, with counts and first reason.
std::string DescribeFallbacks(const std::vector<Fallback>& fallbacks);

// "aten::sub" of "aten::sub.Tensor": the name that users know an op by.
absl::string_view OpWithoutOverload(absl::string_view op);

// The graph of one group. Its inputs: the group's operands from outside, in order of first use
// (constants keep their role and digest, scalars and the seed their role; everything else becomes
// an argument; indices count from 0 again); its outputs: values used outside, as results, in order
// of definition. Node k of it is node `group.nodes[k]`. `inputs`/`outputs`/`constants` map back to
// the whole graph.
struct GroupGraph {
  ir::Graph graph;
  std::vector<ir::ValueId> inputs;   // whole graph's value behind each non-constant input, in order
  std::vector<ir::ValueId> outputs;  // whole graph's value behind each output
  std::vector<uint32_t> constants;   // whole graph's constant index behind each constant input
};
GroupGraph ExtractGroup(const ir::Graph& graph, const Group& group);

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_PARTITIONER_H_
