// How much arithmetic and memory traffic a node takes at least, whatever runs it.
//
//   const Work work = WorkOf(graph, node);
//   const double gflops = work.flops / nanoseconds;
#ifndef INGOT_TOOLS_INGOT_WORK_H_
#define INGOT_TOOLS_INGOT_WORK_H_

#include "absl/types/span.h"
#include "core/ir/graph.h"

namespace ingot::tools {

struct Work {
  // Multiplications and additions of matrix products, convolutions, attention and recurrent layers;
  // 0 for other ops, whose time goes into memory.
  double flops = 0;
  // Of operands and results, each once.
  double bytes = 0;
};

// Of nodes that run as one step: what one of them hands to another moves no memory if nothing else
// uses it. `nodes` are ids of `graph`, whose ops the registry knows (others count bytes only).
Work WorkOf(const ir::Graph& graph, absl::Span<const ir::NodeId> nodes);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_WORK_H_
