// The inside of CompiledGraph, shared by compiled_graph.cc (calls) and session.cc
// (construction).
#ifndef INGOT_CORE_RUNTIME_COMPILED_GRAPH_IMPL_H_
#define INGOT_CORE_RUNTIME_COMPILED_GRAPH_IMPL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/aligned_buffer.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/run_plan.h"
#include "core/runtime/seed_stream.h"

namespace ingot::runtime {

// An argument as the hot path checks it.
struct ExpectedTensor {
  ir::TensorType type;
  ir::Dims strides;  // never empty for rank > 0
  uint8_t dtype_code = 0, dtype_bits = 0;
};
ExpectedTensor Expect(const ir::TensorType& type, const ir::Dims& strides);

struct CompiledGraph::Impl {
  std::shared_ptr<const ir::Graph> graph;
  ir::Signature signature;
  std::vector<ResultSpec> results;
  std::vector<ExpectedTensor> expected_arguments, expected_results;
  std::vector<uint32_t> written;
  std::vector<ir::ScalarBinding> scalars;
  std::vector<ir::Constant>
      constants;  // those that are copied to results; others have no data here
  std::shared_ptr<const StateLayout> state_layout;
  bool random = false;
  RunPlan plan;
  std::vector<GroupReport> groups;
  std::vector<plugin::Fallback> fallbacks;
  std::shared_ptr<SeedStream> seeds;
  mutable FramePool frames;
  mutable std::unique_ptr<State> state;

  absl::StatusOr<std::unique_ptr<Frame>> NewFrame() const;
};

// Makes compiled graphs; the only one who may.
class CompiledGraphBuilder {
 public:
  using Impl = CompiledGraph::Impl;
  // `impl` has graph, results, scalars, plan, groups, fallbacks and seeds. `recording` has the
  // signature, the states, and the constants of `impl`'s graph; its own graph is not looked at.
  // `program` null: the graph is a program of its own.
  static std::shared_ptr<const CompiledGraph> Finish(std::unique_ptr<Impl> impl,
                                                     ir::Recording recording, Program program);
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_COMPILED_GRAPH_IMPL_H_
