#include "core/runtime/prepared_graph.h"

#include <utility>

#include "absl/base/casts.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "core/base/status_macros.h"
#include "core/ir/serialize.h"
#include "core/passes/pipeline.h"
#include "core/runtime/plan_builder.h"

namespace ingot::runtime {
namespace {

using Support = std::vector<plugin::NodeSupport>;

// "aten::sub" matches "aten::sub.Tensor" and "aten::sub"; "aten::sub.Tensor" only itself.
bool OpMatches(absl::string_view op, absl::string_view pattern) {
  return op == pattern ||
         (absl::StartsWith(op, pattern) && op.size() > pattern.size() && op[pattern.size()] == '.');
}

void ForceFallback(const ir::Graph& graph, const std::vector<std::string>& ops, Support& support) {
  for (ir::NodeId node = 0; node < graph.nodes().size(); ++node) {
    for (const std::string& pattern : ops) {
      if (OpMatches(graph.node(node).op, pattern))
        support[node] = {false, "forced by force_fallback"};
    }
  }
}

std::vector<plugin::Fallback> Rejected(const ir::Graph& graph, const Support& support) {
  std::vector<plugin::Fallback> rejected;
  for (ir::NodeId node = 0; node < support.size(); ++node) {
    if (!support[node].claimed)
      rejected.push_back({node, graph.node(node).op, support[node].reason});
  }
  return rejected;
}

std::vector<std::string> OpsOf(absl::Span<const plugin::Fallback> fallbacks) {
  std::vector<std::string> ops;
  for (const plugin::Fallback& fallback : fallbacks) ops.push_back(fallback.op);
  return ops;
}

// Which backends compile which nodes.
struct Assignment {
  std::vector<std::shared_ptr<const plugin::Backend>> backends;
  plugin::Partition partition;
};

// Without fallback: the first backend that takes the whole graph. `refused_ops`: what the first
// did not take.
absl::StatusOr<Assignment> AssignWhole(const ir::Graph& graph, const BackendChoice& choice,
                                       std::vector<std::string>& refused_ops) {
  std::vector<std::string> refusals;
  for (const auto& backend : choice.backends) {
    INGOT_ASSIGN_OR_RETURN(Support support, backend->Query(graph));
    ForceFallback(graph, choice.force_fallback, support);
    const std::vector<plugin::Fallback> rejected = Rejected(graph, support);
    if (rejected.empty()) {
      INGOT_ASSIGN_OR_RETURN(plugin::Partition partition, plugin::MakePartition(graph, {support}));
      return Assignment{{backend}, std::move(partition)};
    }
    if (refusals.empty()) refused_ops = OpsOf(rejected);
    refusals.push_back(absl::StrCat("backend ", backend->name(),
                                    ": fallback: ", plugin::DescribeFallbacks(rejected)));
  }
  return absl::UnimplementedError(
      absl::StrCat(absl::StrJoin(refusals, "; "), " (choose another backend, or allow fallback)"));
}

absl::StatusOr<Assignment> AssignWithFallback(const ir::Graph& graph, const BackendChoice& choice,
                                              std::vector<std::string>& refused_ops) {
  std::vector<Support> support;
  for (const auto& backend : choice.backends) {
    INGOT_ASSIGN_OR_RETURN(support.emplace_back(), backend->Query(graph));
  }
  ForceFallback(graph, choice.force_fallback, support[0]);
  INGOT_ASSIGN_OR_RETURN(plugin::Partition partition, plugin::MakePartition(graph, support));
  refused_ops = OpsOf(partition.fallbacks);
  return Assignment{choice.backends, std::move(partition)};
}

void Count(absl::Span<const std::string> refused_ops, Metrics& metrics) {
  for (const std::string& op : refused_ops) metrics.Count(absl::StrCat("fallback.", op));
}

// Framed by its length, so that ("ab", "c") and ("a", "bc") differ.
void AppendFramed(std::string& out, absl::string_view part) {
  absl::StrAppend(&out, part.size(), ":", part, ";");
}

void AppendNumber(std::string& out, const ir::Scalar& scalar) {
  struct Bits {
    std::string operator()(bool value) const { return value ? "1" : "0"; }
    std::string operator()(int64_t value) const { return absl::StrCat(value); }
    std::string operator()(double value) const {
      return absl::StrCat(absl::Hex(absl::bit_cast<uint64_t>(value)));
    }
    std::string operator()(const std::complex<double>& value) const {
      return absl::StrCat((*this)(value.real()), ",", (*this)(value.imag()));
    }
  };
  absl::StrAppend(&out, scalar.index(), "=", std::visit(Bits{}, scalar), ";");
}

// For each constant the first that has the same memory, or none if it has no memory: passes look
// at which is which, and BindConstants finds one by its memory.
void AppendSharing(std::string& out, absl::Span<const ir::Constant> constants) {
  absl::flat_hash_map<const void*, size_t> first;
  for (size_t i = 0; i < constants.size(); ++i) {
    if (constants[i].data == nullptr) {
      absl::StrAppend(&out, "-;");
    } else {
      absl::StrAppend(&out, first.emplace(constants[i].data, i).first->second, ";");
    }
  }
}

// Where the constants after passes come from. `recorded`: the memory of those before.
class ConstantSources {
 public:
  explicit ConstantSources(absl::Span<const ir::Constant> recorded) {
    for (size_t i = 0; i < recorded.size(); ++i) {
      if (recorded[i].data != nullptr) {
        by_memory_.emplace(std::make_pair(recorded[i].data, recorded[i].digest),
                           static_cast<uint32_t>(i));
      }
    }
  }

  std::vector<PreparedGraph::Constant> Trace(const ir::Recording& lowered) const {
    std::vector<PreparedGraph::Constant> traced;
    for (const ir::Constant& constant : lowered.constants) {
      PreparedGraph::Constant& source = traced.emplace_back();
      const auto it = by_memory_.find({constant.data, constant.digest});
      if (it != by_memory_.end()) source.recorded = it->second;
      source.value.digest = constant.digest;
      source.value.type = constant.type;
    }
    for (uint32_t index : ConstantResults(lowered.graph)) {
      if (!traced[index].recorded) traced[index].value = lowered.constants[index];
    }
    return traced;
  }

 private:
  static std::vector<uint32_t> ConstantResults(const ir::Graph& graph) {
    std::vector<uint32_t> indices;
    for (const ir::InputSpec& input : graph.inputs()) {
      if (input.role != ir::InputRole::kConstant) continue;
      for (const ir::OutputSpec& output : graph.outputs()) {
        if (output.value == input.value) indices.push_back(input.index);
      }
    }
    return indices;
  }

  absl::flat_hash_map<std::pair<const void*, ir::Digest>, uint32_t> by_memory_;
};

size_t ApproximateBytes(const ir::Graph& graph) {
  size_t bytes = sizeof(graph) + graph.num_values() * sizeof(ir::TensorType);
  for (const ir::InputSpec& input : graph.inputs()) bytes += sizeof(input) + input.name.size();
  for (const ir::Node& node : graph.nodes()) {
    bytes += sizeof(node) + node.op.size() + node.source.size() +
             node.args.size() * sizeof(ir::Argument) + node.outputs.size() * sizeof(ir::ValueId);
  }
  return bytes + graph.outputs().size() * sizeof(ir::OutputSpec);
}

}  // namespace

cache::Key RecordingKey(const ir::Recording& recording,
                        absl::Span<const std::string> force_fallback) {
  const ir::Graph& graph = recording.graph;
  std::string rest;
  for (const std::string& op : force_fallback) AppendFramed(rest, op);
  AppendFramed(rest, graph.name());
  for (const ir::InputSpec& input : graph.inputs()) AppendFramed(rest, input.name);
  for (const ir::Node& node : graph.nodes()) AppendFramed(rest, node.source);
  absl::StrAppend(&rest, "scalars;");
  for (const ir::ScalarBinding& binding : recording.scalars) {
    absl::StrAppend(&rest, binding.is_argument, ",", binding.argument, ",");
    AppendNumber(rest, binding.literal);
  }
  absl::StrAppend(&rest, "constants;");
  AppendSharing(rest, recording.constants);
  return cache::MakeKey(ir::ToCanonicalBytes(graph), std::move(rest));
}

absl::StatusOr<PreparedGraph> PrepareGraph(ir::Recording& recording, const BackendChoice& choice,
                                           Metrics& metrics) {
  const ConstantSources sources(recording.constants);
  const absl::Time start = absl::Now();
  INGOT_RETURN_IF_ERROR(passes::RunStandardPasses(recording));
  metrics.Record("PassTime", absl::Now() - start);

  PreparedGraph prepared;
  absl::StatusOr<Assignment> assignment =
      choice.allow_fallback ? AssignWithFallback(recording.graph, choice, prepared.refused_ops)
                            : AssignWhole(recording.graph, choice, prepared.refused_ops);
  Count(prepared.refused_ops, metrics);
  INGOT_RETURN_IF_ERROR(assignment.status());
  INGOT_ASSIGN_OR_RETURN(prepared.results, MakeResultSpecs(recording.graph));
  for (plugin::Group& group : assignment->partition.groups) {
    const auto& backend = assignment->backends[group.backend];
    plugin::GroupGraph mapping = plugin::ExtractGroup(recording.graph, group);
    cache::Key key = cache::MakeKey(ir::ToCanonicalBytes(mapping.graph), backend->fingerprint());
    prepared.groups.push_back(
        {backend, std::move(group.nodes), std::move(mapping), std::move(key)});
  }
  prepared.fallbacks = std::move(assignment->partition.fallbacks);
  prepared.constants = sources.Trace(recording);
  prepared.scalars = recording.scalars;
  prepared.graph = std::make_shared<const ir::Graph>(std::move(recording.graph));
  return prepared;
}

void CountFallbacks(const PreparedGraph& prepared, Metrics& metrics) {
  Count(prepared.refused_ops, metrics);
}

std::vector<ir::Constant> BindConstants(const PreparedGraph& prepared,
                                        absl::Span<const ir::Constant> recorded) {
  std::vector<ir::Constant> bound;
  for (const PreparedGraph::Constant& source : prepared.constants) {
    bound.push_back(source.recorded ? recorded[*source.recorded] : source.value);
    bound.back().type = source.value.type;
  }
  return bound;
}

size_t ApproximateBytes(const PreparedGraph& prepared) {
  size_t bytes = sizeof(prepared) + ApproximateBytes(*prepared.graph) +
                 prepared.constants.size() * sizeof(PreparedGraph::Constant);
  for (const PreparedGraph::Constant& constant : prepared.constants) {
    if (constant.value.data != nullptr)
      bytes += static_cast<size_t>(constant.value.type.NumBytes());
  }
  for (const PreparedGraph::Group& group : prepared.groups) {
    bytes += ApproximateBytes(group.mapping.graph) + group.key.graph.size() +
             group.key.backend.size() + group.nodes.size() * sizeof(ir::NodeId);
  }
  return bytes;
}

}  // namespace ingot::runtime
