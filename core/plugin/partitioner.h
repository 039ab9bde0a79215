// Splits a graph into groups, each compiled by one backend.
//
// A group is convex: no path leaves it and comes back, so that groups can run one after another.
// Every node goes to the first backend in the priority list that claims it; neighbours of one
// backend are merged as far as convexity allows. Pure and deterministic.
#ifndef INGOT_CORE_PLUGIN_PARTITIONER_H_
#define INGOT_CORE_PLUGIN_PARTITIONER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

// `support[b][n]`: what backend b says of node n. Unimplemented naming op and reasons if no backend
// takes a node.
absl::StatusOr<Partition> MakePartition(const ir::Graph& graph,
                                        const std::vector<std::vector<NodeSupport>>& support);

// "aten::sub=1 (forced by force_fallback), aten::foo=2 (no kernel for c64)": ops with counts and
// first reason.
std::string DescribeFallbacks(const std::vector<Fallback>& fallbacks);

// The graph of one group. Its inputs: the group's operands from outside, in order of first use
// (constants keep their role and digest, scalars and the seed their role; everything else becomes
// an argument); its outputs: values used outside, as results. `inputs`/`outputs`/`constants` map
// back to the whole graph.
struct GroupGraph {
  ir::Graph graph;
  std::vector<ir::ValueId> inputs;   // whole graph's value behind each non-constant input, in order
  std::vector<ir::ValueId> outputs;  // whole graph's value behind each output
  std::vector<uint32_t> constants;   // whole graph's constant index behind each constant input
};
GroupGraph ExtractGroup(const ir::Graph& graph, const Group& group);

}  // namespace ingot::plugin

#endif  // INGOT_CORE_PLUGIN_PARTITIONER_H_
