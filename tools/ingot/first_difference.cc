#include "tools/ingot/first_difference.h"

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/recording.h"

namespace ingot::tools {
namespace {

struct Watched {
  ir::NodeId node;
  uint32_t slot;
};

// Makes every value that a node computes a result; returns which slot shows which node.
std::vector<Watched> ExposeIntermediates(ir::Graph& graph) {
  uint32_t slot = 0;
  for (const ir::OutputSpec& output : graph.outputs()) {
    if (output.role == ir::OutputRole::kResult || output.role == ir::OutputRole::kAlias) ++slot;
  }
  std::vector<ir::Structure> children = {graph.result_structure()};
  std::vector<Watched> watched;
  for (ir::NodeId n = 0; n < graph.nodes().size(); ++n) {
    for (const ir::ValueId value : graph.node(n).outputs) {
      if (value == ir::kNoValue) continue;
      graph.AddOutput({ir::OutputRole::kResult, slot}, value);
      children.push_back(ir::Structure::Tensor(static_cast<int32_t>(slot)));
      watched.push_back({n, slot++});
    }
  }
  graph.set_result_structure(ir::Structure::Tuple(std::move(children)));
  return watched;
}

absl::StatusOr<Call> RunOn(runtime::Session& session, const ir::Recording& recording,
                           const Arguments& arguments, uint64_t seed) {
  INGOT_ASSIGN_OR_RETURN(const std::shared_ptr<const runtime::CompiledGraph> graph,
                         session.Compile(recording));
  INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(graph, arguments));
  runtime::RunContext context;
  context.seed = seed;
  INGOT_RETURN_IF_ERROR(call.Run(context));
  return call;
}

}  // namespace

absl::StatusOr<std::string> FirstDifference(const ir::Recording& recording,
                                            runtime::Session& session, runtime::Session& peer,
                                            const Arguments& arguments, uint64_t seed,
                                            const Tolerances& tolerances) {
  ir::Recording exposed = recording;
  const std::vector<Watched> watched = ExposeIntermediates(exposed.graph);
  INGOT_ASSIGN_OR_RETURN(const Call actual, RunOn(session, exposed, arguments, seed));
  INGOT_ASSIGN_OR_RETURN(const Call expected, RunOn(peer, exposed, arguments, seed));
  for (const Watched& w : watched) {
    const Comparison comparison =
        Compare(actual.result(w.slot), expected.result(w.slot), tolerances);
    if (!comparison.ok) {
      return absl::StrCat(ir::Describe(recording.graph, w.node), ": ", comparison.message);
    }
  }
  return std::string("no single op differs when every intermediate value is kept");
}

}  // namespace ingot::tools
