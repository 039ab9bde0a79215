#include "core/plugin/partitioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"

namespace ingot::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ir::TensorType kType = {ir::DType::kFloat32, {2, 3}};

// A graph of opaque nodes with one output each; node n reads the nodes `operands[n]`, or the
// graph's argument if there are none. The last node is the result.
ir::Graph MakeGraph(const std::vector<std::vector<uint32_t>>& operands) {
  ir::Graph graph("test");
  ir::InputSpec input;
  const ir::ValueId argument = graph.AddInput(input, kType);
  for (size_t n = 0; n < operands.size(); ++n) {
    std::vector<ir::Argument> args;
    for (const uint32_t operand : operands[n]) {
      args.push_back(ir::ValueRef{graph.node(operand).outputs[0]});
    }
    if (args.empty()) args.push_back(ir::ValueRef{argument});
    graph.AddNode("test::op" + std::to_string(n) + ".overload", std::move(args), {kType});
  }
  graph.AddOutput(ir::OutputSpec{}, graph.nodes().back().outputs[0]);
  graph.set_result_structure(ir::Structure::Tensor(0));
  return graph;
}

// `masks[b]` has a letter a node: 'x' claimed, anything else not.
std::vector<std::vector<NodeSupport>> Support(const std::vector<std::string>& masks) {
  std::vector<std::vector<NodeSupport>> support;
  for (const std::string& mask : masks) {
    auto& list = support.emplace_back();
    for (const char c : mask) list.push_back({c == 'x', c == 'x' ? "" : "no kernel"});
  }
  return support;
}

std::vector<std::string> Describe(const Partition& partition) {
  std::vector<std::string> groups;
  for (const Group& group : partition.groups) {
    std::string text = std::to_string(group.backend) + ":";
    for (const ir::NodeId node : group.nodes) text += " " + std::to_string(node);
    groups.push_back(text);
  }
  return groups;
}

struct PartitionCase {
  const char* name;
  std::vector<std::vector<uint32_t>> operands;
  std::vector<std::string> masks;
  std::vector<std::string> groups;
};

class PartitionTest : public testing::TestWithParam<PartitionCase> {};

TEST_P(PartitionTest, YieldsTheGroups) {
  const PartitionCase& c = GetParam();
  const ir::Graph graph = MakeGraph(c.operands);
  const absl::StatusOr<Partition> partition = MakePartition(graph, Support(c.masks));
  ASSERT_THAT(partition, IsOk());
  EXPECT_EQ(Describe(*partition), c.groups);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PartitionTest,
    testing::ValuesIn(std::vector<PartitionCase>{
        {"OneBackendTakesAll", {{}, {0}, {}, {1, 2}}, {"xxxx"}, {"0: 0 1 2 3"}},
        {"UnconnectedNodesShareAGroup", {{}, {}, {}}, {"xxx"}, {"0: 0 1 2"}},
        {"FirstInTheListWins", {{}, {0}}, {"xx", "xx"}, {"0: 0 1"}},
        {"AHoleCutsAChain", {{}, {0}, {1}}, {"x-x", "-x-"}, {"0: 0", "1: 1", "0: 2"}},
        {"AHoleBesideAPathDoesNot", {{}, {}, {0, 1}}, {"x-x", "-x-"}, {"1: 1", "0: 0 2"}},
        {"GroupsDoNotWaitForEachOther",
         {{}, {}, {0}, {1}},
         {"x--x", "-xx-"},
         {"1: 1", "0: 0 3", "1: 2"}},
        {"LateAndEarlySourcesMerge", {{}, {0}, {}, {1, 2}}, {"-xxx", "x---"}, {"1: 0", "0: 1 2 3"}},
    }),
    [](const auto& info) { return info.param.name; });

TEST(MakePartitionTest, ListsWhatTheFirstBackendDidNotTake) {
  const absl::StatusOr<Partition> partition =
      MakePartition(MakeGraph({{}, {0}}), Support({"x-", "xx"}));
  ASSERT_THAT(partition, IsOk());
  ASSERT_EQ(partition->fallbacks.size(), 1u);
  EXPECT_EQ(partition->fallbacks[0].node, 1u);
  EXPECT_EQ(partition->fallbacks[0].op, "test::op1.overload");
  EXPECT_EQ(partition->fallbacks[0].reason, "no kernel");
}

TEST(MakePartitionTest, RefusesANodeThatNobodyTakes) {
  EXPECT_THAT(MakePartition(MakeGraph({{}, {0}}), Support({"x-", "--"})),
              StatusIs(absl::StatusCode::kUnimplemented, Eq("fallback: test::op1=1 (no kernel)")));
  EXPECT_THAT(MakePartition(MakeGraph({{}}), {}), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(MakePartitionTest, RefusesAListOfAnotherLength) {
  EXPECT_THAT(MakePartition(MakeGraph({{}, {0}}), Support({"x"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 nodes of 2")));
}

TEST(MakePartitionTest, TakesAnEmptyGraph) {
  const absl::StatusOr<Partition> partition = MakePartition(ir::Graph(), Support({""}));
  ASSERT_THAT(partition, IsOk());
  EXPECT_THAT(partition->groups, IsEmpty());
}

TEST(MakePartitionTest, TakesALongAlternatingChain) {
  constexpr uint32_t kNodes = 2000;
  std::vector<std::vector<uint32_t>> operands(kNodes);
  std::string first(kNodes, 'x');
  for (uint32_t n = 1; n < kNodes; ++n) operands[n] = {n - 1};
  for (uint32_t n = 0; n < kNodes; n += 2) first[n] = '-';
  const absl::StatusOr<Partition> partition =
      MakePartition(MakeGraph(operands), Support({first, std::string(kNodes, 'x')}));
  ASSERT_THAT(partition, IsOk());
  EXPECT_EQ(partition->groups.size(), kNodes);
}

TEST(DescribeFallbacksTest, CountsByOpAndGivesTheFirstReason) {
  EXPECT_EQ(DescribeFallbacks({{0, "aten::sub.Tensor", "forced"},
                               {1, "aten::add.Tensor", "no kernel for c64"},
                               {2, "aten::sub.Scalar", "other"}}),
            "aten::add=1 (no kernel for c64), aten::sub=2 (forced)");
}

// --- Properties, over random graphs ---

struct RandomCase {
  std::vector<std::vector<uint32_t>> operands;
  std::vector<std::string> masks;
};

RandomCase MakeRandomCase(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&random](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  RandomCase c;
  const uint32_t nodes = 1 + below(24);
  const uint32_t backends = 1 + below(3);
  for (uint32_t n = 0; n < nodes; ++n) {
    auto& operands = c.operands.emplace_back();
    for (uint32_t k = n == 0 ? 0 : below(4); k > 0; --k) operands.push_back(below(n));
  }
  for (uint32_t b = 0; b < backends; ++b) {
    std::string mask(nodes, 'x');
    // The last backend takes everything.
    for (char& letter : mask) letter = b + 1 == backends || below(2) == 0 ? 'x' : '-';
    c.masks.push_back(mask);
  }
  return c;
}

using Reach = std::vector<std::vector<bool>>;

// Transitive closure by Warshall's algorithm.
Reach Close(Reach reach) {
  for (size_t k = 0; k < reach.size(); ++k) {
    for (size_t i = 0; i < reach.size(); ++i) {
      for (size_t j = 0; j < reach.size(); ++j) {
        if (reach[i][k] && reach[k][j]) reach[i][j] = true;
      }
    }
  }
  return reach;
}

// Which group is reached from which, when node n is in group `group_of[n]`.
Reach GroupReach(const RandomCase& c, const std::vector<size_t>& group_of, size_t groups) {
  Reach reach(groups, std::vector<bool>(groups, false));
  for (size_t n = 0; n < c.operands.size(); ++n) {
    for (const uint32_t operand : c.operands[n]) {
      if (group_of[operand] != group_of[n]) reach[group_of[operand]][group_of[n]] = true;
    }
  }
  return Close(reach);
}

bool HasCycle(const Reach& reach) {
  for (size_t g = 0; g < reach.size(); ++g) {
    if (reach[g][g]) return true;
  }
  return false;
}

class PartitionPropertyTest : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    case_ = MakeRandomCase(GetParam());
    graph_ = MakeGraph(case_.operands);
    absl::StatusOr<Partition> partition = MakePartition(graph_, Support(case_.masks));
    ASSERT_THAT(partition, IsOk());
    partition_ = *std::move(partition);
    group_of_.assign(case_.operands.size(), partition_.groups.size());
    for (size_t g = 0; g < partition_.groups.size(); ++g) {
      for (const ir::NodeId node : partition_.groups[g].nodes) {
        ASSERT_EQ(group_of_[node], partition_.groups.size()) << "node " << node << " twice";
        group_of_[node] = g;
      }
    }
  }

  RandomCase case_;
  ir::Graph graph_;
  Partition partition_;
  std::vector<size_t> group_of_;
};

TEST_P(PartitionPropertyTest, EveryNodeIsInAGroupOfItsFirstClaimant) {
  for (size_t n = 0; n < group_of_.size(); ++n) {
    ASSERT_LT(group_of_[n], partition_.groups.size());
    size_t first = 0;
    while (case_.masks[first][n] != 'x') ++first;
    EXPECT_EQ(partition_.groups[group_of_[n]].backend, first);
  }
}

TEST_P(PartitionPropertyTest, GroupsAreConvexAndAscending) {
  const size_t nodes = case_.operands.size();
  Reach reach(nodes, std::vector<bool>(nodes, false));
  for (size_t n = 0; n < nodes; ++n) {
    for (const uint32_t operand : case_.operands[n]) reach[operand][n] = true;
  }
  reach = Close(reach);
  for (const Group& group : partition_.groups) {
    EXPECT_TRUE(std::is_sorted(group.nodes.begin(), group.nodes.end()));
    const std::set<uint32_t> members(group.nodes.begin(), group.nodes.end());
    for (const uint32_t from : members) {
      for (const uint32_t to : members) {
        for (uint32_t between = 0; between < nodes; ++between) {
          const bool on_path = reach[from][between] && reach[between][to];
          EXPECT_FALSE(on_path && members.count(between) == 0);
        }
      }
    }
  }
}

TEST_P(PartitionPropertyTest, GroupsCanRunInTheirOrder) {
  for (size_t n = 0; n < group_of_.size(); ++n) {
    for (const uint32_t operand : case_.operands[n]) EXPECT_LE(group_of_[operand], group_of_[n]);
  }
}

TEST_P(PartitionPropertyTest, NoTwoGroupsCouldBeMerged) {
  const size_t groups = partition_.groups.size();
  for (size_t a = 0; a < groups; ++a) {
    for (size_t b = a + 1; b < groups; ++b) {
      if (partition_.groups[a].backend != partition_.groups[b].backend) continue;
      std::vector<size_t> merged = group_of_;
      std::replace(merged.begin(), merged.end(), b, a);
      EXPECT_TRUE(HasCycle(GroupReach(case_, merged, groups))) << a << " and " << b;
    }
  }
}

TEST_P(PartitionPropertyTest, ExtractedGroupsFitTogether) {
  std::set<ir::ValueId> available;
  for (const ir::InputSpec& input : graph_.inputs()) available.insert(input.value);
  for (const Group& group : partition_.groups) {
    const GroupGraph extracted = ExtractGroup(graph_, group);
    ASSERT_EQ(extracted.graph.nodes().size(), group.nodes.size());
    for (size_t k = 0; k < group.nodes.size(); ++k) {
      EXPECT_EQ(extracted.graph.nodes()[k].op, graph_.node(group.nodes[k]).op);
    }
    EXPECT_EQ(extracted.graph.inputs().size(), extracted.inputs.size());
    for (const ir::ValueId value : extracted.inputs) EXPECT_EQ(available.count(value), 1u);
    EXPECT_EQ(extracted.graph.outputs().size(), extracted.outputs.size());
    available.insert(extracted.outputs.begin(), extracted.outputs.end());
  }
  EXPECT_EQ(available.count(graph_.outputs()[0].value), 1u);
}

INSTANTIATE_TEST_SUITE_P(Random, PartitionPropertyTest, testing::Range(0u, 400u));

// --- ExtractGroup ---

TEST(ExtractGroupTest, KeepsTheRolesOfInputs) {
  ir::Graph graph;
  const auto add_input = [&graph](ir::InputRole role, uint32_t index, uint8_t digest = 0) {
    ir::InputSpec spec;
    spec.role = role;
    spec.index = index;
    spec.digest.bytes[0] = digest;
    return graph.AddInput(spec, kType);
  };
  const ir::ValueId argument = add_input(ir::InputRole::kArgument, 0);
  add_input(ir::InputRole::kConstant, 0, 10);
  const ir::ValueId weight = add_input(ir::InputRole::kConstant, 1, 11);
  const ir::ValueId state = add_input(ir::InputRole::kState, 0);
  add_input(ir::InputRole::kScalar, 0);
  const ir::ValueId scalar = add_input(ir::InputRole::kScalar, 1);
  const ir::ValueId seed = add_input(ir::InputRole::kSeed, 0);
  graph.AddNode("test::first", {ir::ValueRef{argument}}, {kType});
  const ir::ValueId first = graph.node(0).outputs[0];
  graph.AddNode("test::second",
                {ir::ValueRef{first}, ir::ValueRef{state}, ir::ValueRefList{{weight, ir::kNoValue}},
                 ir::ValueRef{scalar}, ir::ValueRef{seed}, ir::ValueRef{state}},
                {kType, kType, kType}, "model.py:3");
  graph.mutable_nodes()[1].outputs[1] = ir::kNoValue;
  const ir::ValueId result = graph.node(1).outputs[2];
  graph.AddOutput(ir::OutputSpec{}, result);

  const GroupGraph group = ExtractGroup(graph, {0, {1}});
  std::vector<ir::InputRole> roles;
  std::vector<uint32_t> indices;
  for (const ir::InputSpec& input : group.graph.inputs()) {
    roles.push_back(input.role);
    indices.push_back(input.index);
  }
  EXPECT_THAT(roles,
              ElementsAre(ir::InputRole::kArgument, ir::InputRole::kArgument,
                          ir::InputRole::kConstant, ir::InputRole::kScalar, ir::InputRole::kSeed));
  EXPECT_THAT(indices, ElementsAre(0, 1, 0, 0, 0));
  EXPECT_EQ(group.graph.inputs()[2].digest.bytes[0], 11);
  EXPECT_THAT(group.inputs, ElementsAre(first, state, scalar, seed));
  EXPECT_THAT(group.constants, ElementsAre(1));
  EXPECT_THAT(group.outputs, ElementsAre(result));
  const ir::Node& node = group.graph.node(0);
  EXPECT_EQ(node.source, "model.py:3");
  EXPECT_EQ(node.outputs[1], ir::kNoValue);
  EXPECT_EQ(std::get<ir::ValueRefList>(node.args[2]).ids[1], ir::kNoValue);
  EXPECT_EQ(group.graph.outputs()[0].value, node.outputs[2]);
  EXPECT_EQ(group.graph.result_structure(), ir::Structure::Tensor(0));
}

TEST(ExtractGroupTest, YieldsWhatOthersUseAndNothingElse) {
  const ir::Graph graph = MakeGraph({{}, {0}, {1}, {0, 2}});
  const GroupGraph group = ExtractGroup(graph, {0, {0, 1, 2}});
  EXPECT_THAT(group.outputs, ElementsAre(graph.node(0).outputs[0], graph.node(2).outputs[0]));
  EXPECT_EQ(group.graph.result_structure(),
            ir::Structure::Tuple({ir::Structure::Tensor(0), ir::Structure::Tensor(1)}));
}

}  // namespace
}  // namespace ingot::plugin
