// The program that computes some rows of a batch, from the program that computes them all.
//
//   INGOT_ASSIGN_OR_RETURN(RowSplit split, SplitRows(graph, /*batch=*/8, /*rows=*/1));
//
// Run on one row of each input after the other, `split.graph` gives the rows of the results one
// after the other. A batch's activations leave the caches between two layers; a row's may not.
//
// The smaller graph is guessed, by the sizes that axis 0 of the arguments has, and then proved:
// types are inferred anew, and ProveRowwise (rowwise.h) shows that both are one program, whose ops
// keep rows apart. What can't be guessed is refused, not split. Thread-safe (no state).
#ifndef INGOT_CORE_PASSES_SPLIT_ROWS_H_
#define INGOT_CORE_PASSES_SPLIT_ROWS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/graph.h"

namespace ingot::passes {

struct RowSplit {
  ir::Graph graph;  // the same inputs, nodes, outputs and value ids; smaller types
  // How many elements of axis 0 make one row; 0: an input that all rows share.
  std::vector<int64_t> input_rows;   // by position in graph.inputs()
  std::vector<int64_t> output_rows;  // by position in graph.outputs(); never 0
};

// The leading size of the largest argument of rank 2 or more; 1 if there is none.
int64_t BatchSize(const ir::Graph& graph);

// FailedPrecondition, naming the node: it can't be split so. REQUIRES: `graph` verifies; 0 < rows <
// batch.
absl::StatusOr<RowSplit> SplitRows(const ir::Graph& graph, int64_t batch, int64_t rows);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_SPLIT_ROWS_H_
