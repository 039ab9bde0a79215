// Makes a run plan from a graph and its compiled groups: where every value lives, what is copied
// when.
#ifndef INGOT_CORE_RUNTIME_PLAN_BUILDER_H_
#define INGOT_CORE_RUNTIME_PLAN_BUILDER_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/graph.h"
#include "core/ir/recording.h"
#include "core/plugin/backend.h"
#include "core/plugin/partitioner.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/run_plan.h"

namespace ingot::runtime {

struct CompiledGroup {
  const plugin::GroupGraph* mapping = nullptr;  // not owned
  std::vector<ir::NodeId> nodes;                // of the whole graph
  std::shared_ptr<const plugin::Executable> executable;
};

// The result slots of a graph, by slot. InvalidArgument if a slot is missing.
absl::StatusOr<std::vector<ResultSpec>> MakeResultSpecs(const ir::Graph& graph);

// `groups` in order of execution. Internal if a value is used that no input or group provides.
absl::StatusOr<RunPlan> MakeRunPlan(const ir::Graph& graph, const ir::Signature& signature,
                                    const std::vector<ResultSpec>& results,
                                    const std::vector<CompiledGroup>& groups);

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_PLAN_BUILDER_H_
