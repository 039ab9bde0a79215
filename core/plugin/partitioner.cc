#include "core/plugin/partitioner.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::plugin {
namespace {

constexpr uint32_t kNone = 0xffffffffu;

// Rows of bits, all of one width.
class BitMatrix {
 public:
  explicit BitMatrix(size_t size) : words_((size + 63) / 64), bits_(size * words_) {}

  bool Test(size_t row, size_t column) const {
    return (Row(row)[column / 64] >> (column % 64) & 1) != 0;
  }
  void Set(size_t row, size_t column) { Row(row)[column / 64] |= uint64_t{1} << (column % 64); }
  void Clear(size_t row, size_t column) {
    Row(row)[column / 64] &= ~(uint64_t{1} << (column % 64));
  }
  // row |= other
  void Union(size_t row, size_t other) {
    for (size_t w = 0; w < words_; ++w) Row(row)[w] |= Row(other)[w];
  }
  // Whether `row` here and `other_row` of `other` have a bit in common.
  bool Intersects(size_t row, const BitMatrix& other, size_t other_row) const {
    for (size_t w = 0; w < words_; ++w) {
      if ((Row(row)[w] & other.Row(other_row)[w]) != 0) return true;
    }
    return false;
  }

 private:
  uint64_t* Row(size_t row) { return bits_.data() + row * words_; }
  const uint64_t* Row(size_t row) const { return bits_.data() + row * words_; }

  size_t words_;
  std::vector<uint64_t> bits_;
};

// Producer of each value; kNone for inputs.
std::vector<uint32_t> Producers(const ir::Graph& graph) {
  std::vector<uint32_t> producer(graph.num_values(), kNone);
  for (uint32_t n = 0; n < graph.nodes().size(); ++n) {
    for (const ir::ValueId value : graph.node(n).outputs) {
      if (value != ir::kNoValue) producer[value] = n;
    }
  }
  return producer;
}

// Calls `fn(producer, consumer)` for each edge between nodes, consumers ascending.
template <typename Fn>
void ForEachEdge(const ir::Graph& graph, const Fn& fn) {
  const std::vector<uint32_t> producer = Producers(graph);
  for (uint32_t n = 0; n < graph.nodes().size(); ++n) {
    ir::ForEachOperand(graph.node(n), [&](ir::ValueId value) {
      if (producer[value] != kNone) fn(producer[value], n);
    });
  }
}

// A first grouping by (phase, backend), where a node's phase is the greatest number of hand-overs
// between backends on a path to it. An edge never leads to an earlier phase, and within a phase
// never to another backend: so the groups are in an order of execution already, that of their
// phases.
std::vector<Group> GroupByPhase(const ir::Graph& graph, const std::vector<size_t>& backend_of) {
  std::vector<uint32_t> phase(backend_of.size(), 0);
  ForEachEdge(graph, [&](uint32_t from, uint32_t to) {
    const uint32_t hand_over = backend_of[from] != backend_of[to] ? 1 : 0;
    phase[to] = std::max(phase[to], phase[from] + hand_over);
  });
  std::map<std::pair<uint32_t, size_t>, Group> groups;
  for (uint32_t n = 0; n < backend_of.size(); ++n) {
    Group& group = groups[{phase[n], backend_of[n]}];
    group.backend = backend_of[n];
    group.nodes.push_back(n);
  }
  std::vector<Group> ordered;
  for (auto& [key, group] : groups) ordered.push_back(std::move(group));
  return ordered;
}

// Merges groups of one backend as long as no third group lies on a path between them, and yields
// the rest in an order of execution. Reachability is kept transitively closed, both ways, over
// living groups.
class Merger {
 public:
  // `groups` in an order of execution.
  Merger(const ir::Graph& graph, std::vector<Group> groups)
      : groups_(std::move(groups)), before_(groups_.size()), after_(groups_.size()) {
    std::vector<uint32_t> group_of(graph.nodes().size());
    for (uint32_t g = 0; g < groups_.size(); ++g) {
      for (const ir::NodeId node : groups_[g].nodes) group_of[node] = g;
    }
    std::vector<std::set<uint32_t>> direct(groups_.size());
    ForEachEdge(graph, [&](uint32_t from, uint32_t to) {
      if (group_of[from] != group_of[to]) direct[group_of[to]].insert(group_of[from]);
    });
    for (uint32_t g = 0; g < groups_.size(); ++g) {
      for (const uint32_t earlier : direct[g]) {
        before_.Set(g, earlier);
        before_.Union(g, earlier);
      }
      for (uint32_t earlier = 0; earlier < g; ++earlier) {
        if (before_.Test(g, earlier)) after_.Set(earlier, g);
      }
    }
  }

  std::vector<Group> Run() && {
    // A merge only adds paths, so a pair once refused stays refused: one sweep finds all.
    for (size_t a = 0; a < groups_.size(); ++a) {
      for (size_t b = a + 1; b < groups_.size(); ++b) {
        if (IsAlive(a) && IsAlive(b) && CanMerge(a, b)) Merge(a, b);
      }
    }
    return InOrder();
  }

 private:
  bool IsAlive(size_t g) const { return !groups_[g].nodes.empty(); }

  bool CanMerge(size_t a, size_t b) const {
    return groups_[a].backend == groups_[b].backend && !after_.Intersects(a, before_, b) &&
           !after_.Intersects(b, before_, a);
  }

  // `b` becomes part of `a`.
  void Merge(size_t a, size_t b) {
    std::vector<ir::NodeId>& nodes = groups_[a].nodes;
    nodes.insert(nodes.end(), groups_[b].nodes.begin(), groups_[b].nodes.end());
    std::sort(nodes.begin(), nodes.end());
    groups_[b].nodes.clear();
    before_.Union(a, b);
    after_.Union(a, b);
    for (BitMatrix* matrix : {&before_, &after_}) {
      matrix->Clear(a, a);
      matrix->Clear(a, b);
    }
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (!IsAlive(g) || g == a) continue;
      if (before_.Test(a, g)) Extend(&after_, g, a, b);
      if (after_.Test(a, g)) Extend(&before_, g, a, b);
    }
  }

  // `g` reaches (in the sense of `matrix`) the merged group, and all that it reaches.
  static void Extend(BitMatrix* matrix, size_t g, size_t a, size_t b) {
    matrix->Set(g, a);
    matrix->Clear(g, b);
    matrix->Union(g, a);
  }

  // Repeatedly the first group all of whose predecessors are out.
  std::vector<Group> InOrder() {
    std::vector<std::pair<size_t, size_t>> ranked;  // (number of predecessors, group)
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (!IsAlive(g)) continue;
      size_t predecessors = 0;
      for (size_t p = 0; p < groups_.size(); ++p) predecessors += before_.Test(g, p) ? 1 : 0;
      ranked.emplace_back(predecessors, g);
    }
    // The relation is transitively closed: a predecessor has fewer predecessors.
    std::sort(ranked.begin(), ranked.end());
    std::vector<Group> ordered;
    for (const auto& [predecessors, g] : ranked) ordered.push_back(std::move(groups_[g]));
    return ordered;
  }

  std::vector<Group> groups_;
  BitMatrix before_;  // row g: groups that must run before g
  BitMatrix after_;   // its transpose
};

// Copies what a group needs into a graph of its own.
class GroupExtractor {
 public:
  GroupExtractor(const ir::Graph& graph, const Group& group) : graph_(graph), group_(group) {
    result_.graph.set_name(graph.name());
    input_of_.assign(graph.num_values(), kNone);
    for (uint32_t i = 0; i < graph.inputs().size(); ++i) {
      input_of_[graph.inputs()[i].value] = i;
    }
  }

  GroupGraph Run() && {
    for (const ir::NodeId n : group_.nodes) {
      for (const ir::ValueId value : graph_.node(n).outputs) {
        if (value != ir::kNoValue) new_value_[value] = kNone;  // produced inside
      }
    }
    for (const ir::NodeId n : group_.nodes) {
      ir::ForEachOperand(graph_.node(n), [this](ir::ValueId value) { AddInput(value); });
    }
    for (const ir::NodeId n : group_.nodes) AddNode(graph_.node(n));
    AddOutputs();
    return std::move(result_);
  }

 private:
  void AddInput(ir::ValueId value) {
    if (new_value_.contains(value)) return;
    ir::InputSpec spec;
    if (input_of_[value] != kNone) spec = graph_.inputs()[input_of_[value]];
    if (spec.role == ir::InputRole::kConstant) {
      result_.constants.push_back(spec.index);
    } else {
      if (spec.role == ir::InputRole::kState) spec.role = ir::InputRole::kArgument;
      result_.inputs.push_back(value);
    }
    spec.index = next_index_[spec.role]++;
    new_value_[value] = result_.graph.AddInput(std::move(spec), graph_.type(value));
  }

  void AddNode(ir::Node node) {
    ir::MapOperands(node, [this](ir::ValueId value) { return new_value_.at(value); });
    for (ir::ValueId& value : node.outputs) {
      if (value == ir::kNoValue) continue;
      const ir::ValueId added = result_.graph.AddValue(graph_.type(value));
      new_value_[value] = added;
      value = added;
    }
    result_.graph.mutable_nodes().push_back(std::move(node));
  }

  void AddOutputs() {
    std::vector<bool> used(graph_.num_values(), false);
    size_t next = 0;  // group_.nodes is ascending
    for (ir::NodeId n = 0; n < graph_.nodes().size(); ++n) {
      if (next < group_.nodes.size() && group_.nodes[next] == n) {
        ++next;
      } else {
        ir::ForEachOperand(graph_.node(n), [&used](ir::ValueId value) { used[value] = true; });
      }
    }
    for (const ir::OutputSpec& output : graph_.outputs()) {
      if (output.value != ir::kNoValue) used[output.value] = true;
    }
    std::vector<ir::Structure> leaves;
    for (const ir::NodeId n : group_.nodes) {
      for (const ir::ValueId value : graph_.node(n).outputs) {
        if (value == ir::kNoValue || !used[value]) continue;
        const auto index = static_cast<uint32_t>(result_.outputs.size());
        ir::OutputSpec spec;
        spec.role = ir::OutputRole::kResult;
        spec.index = index;
        result_.graph.AddOutput(std::move(spec), new_value_.at(value));
        result_.outputs.push_back(value);
        leaves.push_back(ir::Structure::Tensor(static_cast<int32_t>(index)));
      }
    }
    result_.graph.set_result_structure(
        leaves.size() == 1 ? leaves[0] : ir::Structure::Tuple(std::move(leaves)));
  }

  const ir::Graph& graph_;
  const Group& group_;
  GroupGraph result_;
  std::vector<uint32_t> input_of_;  // index of the whole graph's input that defines a value
  absl::flat_hash_map<ir::ValueId, ir::ValueId> new_value_;
  std::map<ir::InputRole, uint32_t> next_index_;
};

}  // namespace

absl::string_view OpWithoutOverload(absl::string_view op) { return op.substr(0, op.find('.')); }

absl::StatusOr<Partition> MakePartition(const ir::Graph& graph,
                                        const std::vector<std::vector<NodeSupport>>& support) {
  const size_t num_nodes = graph.nodes().size();
  for (size_t b = 0; b < support.size(); ++b) {
    if (support[b].size() != num_nodes) {
      return absl::InvalidArgumentError(absl::StrCat("backend ", b, " answered for ",
                                                     support[b].size(), " nodes of ", num_nodes));
    }
  }
  Partition partition;
  std::vector<Fallback> untaken;
  std::vector<size_t> backend_of(num_nodes);
  for (uint32_t n = 0; n < num_nodes; ++n) {
    size_t b = 0;
    while (b < support.size() && !support[b][n].claimed) ++b;
    backend_of[n] = b;
    if (b == 0 && !support.empty()) continue;
    Fallback fallback{n, graph.node(n).op, support.empty() ? "no backend" : support[0][n].reason};
    if (b == support.size()) untaken.push_back(fallback);
    partition.fallbacks.push_back(std::move(fallback));
  }
  if (!untaken.empty()) {
    return absl::UnimplementedError(absl::StrCat("fallback: ", DescribeFallbacks(untaken)));
  }
  partition.groups = Merger(graph, GroupByPhase(graph, backend_of)).Run();
  return partition;
}

std::string DescribeFallbacks(const std::vector<Fallback>& fallbacks) {
  std::map<absl::string_view, std::pair<size_t, absl::string_view>> by_op;
  for (const Fallback& fallback : fallbacks) {
    auto& [count, reason] = by_op[OpWithoutOverload(fallback.op)];
    if (count++ == 0) reason = fallback.reason;
  }
  return absl::StrJoin(by_op, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first, "=", entry.second.first, " (", entry.second.second, ")");
  });
}

GroupGraph ExtractGroup(const ir::Graph& graph, const Group& group) {
  return GroupExtractor(graph, group).Run();
}

}  // namespace ingot::plugin
