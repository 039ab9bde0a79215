// What compiling makes of a recording before a backend compiles any of it: the graph after passes,
// and which backend gets which part of it.
//
// It depends on the recorded graph, its numbers, the contents of its constants, the backends and
// the ops that are forced to fall back, all of which RecordingKey names; on no memory. So a session
// keeps it for the next recording that is equal, which then needs no passes and no queries.
// Immutable once prepared, and thread-safe then.
#ifndef INGOT_CORE_RUNTIME_PREPARED_GRAPH_H_
#define INGOT_CORE_RUNTIME_PREPARED_GRAPH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/cache/key.h"
#include "core/ir/graph.h"
#include "core/ir/recording.h"
#include "core/plugin/backend.h"
#include "core/plugin/partitioner.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/metrics.h"

namespace ingot::runtime {

struct PreparedGraph {
  struct Constant {
    // The recording's constant whose memory it is, perhaps under another type; none: computed by a
    // pass.
    std::optional<uint32_t> recorded;
    // Without memory, unless it was computed by a pass and is a result as it is.
    ir::Constant value;
  };
  struct Group {
    std::shared_ptr<const plugin::Backend> backend;
    std::vector<ir::NodeId> nodes;  // of `graph`, by node of the group's
    plugin::GroupGraph mapping;
    cache::Key key;  // of its executable, as long as no memory matters
  };

  std::shared_ptr<const ir::Graph> graph;  // after passes
  std::vector<Constant> constants;         // by index of the constant inputs
  std::vector<ir::ScalarBinding> scalars;  // by index of the scalar inputs
  std::vector<ResultSpec> results;
  std::vector<Group> groups;  // in an order of execution
  std::vector<plugin::Fallback> fallbacks;
  std::vector<std::string> refused_ops;  // of nodes that the first backend did not take
};

// Who may compile.
struct BackendChoice {
  std::vector<std::shared_ptr<const plugin::Backend>> backends;  // in order of priority
  bool allow_fallback = true;
  std::vector<std::string> force_fallback;
};

// Names all that PrepareGraph depends on besides the backends: graph, debug names (messages have
// them), numbers, which constants share memory, and `force_fallback`. REQUIRES: ir::Verify accepts
// the graph.
cache::Key RecordingKey(const ir::Recording& recording,
                        absl::Span<const std::string> force_fallback);

// Runs the passes, asks the backends, and partitions. Afterwards `recording` has no graph; its
// constants and scalars are those of the result, with all their memory. Records "PassTime", and
// counts "fallback.<op>" for each node that the first backend did not take.
// Unimplemented: no backend takes a node, or, without fallback, none takes the whole graph.
absl::StatusOr<PreparedGraph> PrepareGraph(ir::Recording& recording, const BackendChoice& choice,
                                           Metrics& metrics);
// Counts the same fallbacks for a recording that needed no preparation.
void CountFallbacks(const PreparedGraph& prepared, Metrics& metrics);

// The constants of `prepared` for a recording of the same key: `recorded` are that recording's.
// What a pass computed has no memory, unless it is a result as it is.
std::vector<ir::Constant> BindConstants(const PreparedGraph& prepared,
                                        absl::Span<const ir::Constant> recorded);

// About what it occupies, keys included.
size_t ApproximateBytes(const PreparedGraph& prepared);

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_PREPARED_GRAPH_H_
