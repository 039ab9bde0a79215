// A program of one row of a batch, run on each row: image by image instead of layer by layer.
//
//   std::optional<passes::RowSplit> split = WorthSplitting(graph);
//   … program = Compile(split->graph, …, ThreadsPerRow(batch, threads)) …
//   ByRow by_row(graph, *split, threads);
//   by_row.Run(*program, context, inputs, outputs, workspace);
//
// Why: between two layers of a convolutional network the activations of eight images don't fit the
// caches, those of one do. And rows need no waiting for each other: threads take rows of their own,
// with no fork and join in each step. What it costs is that the weights are read once a row.
#ifndef INGOT_BACKENDS_ONEDNN_BY_ROW_H_
#define INGOT_BACKENDS_ONEDNN_BY_ROW_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "backends/onednn/program.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"
#include "core/passes/split_rows.h"

namespace ingot::onednn {

// How `graph` splits into single rows, if it does and that is estimated to pay: the bytes that then
// stay in the caches, against those of the weights that are read again.
std::optional<passes::RowSplit> WorthSplitting(const ir::Graph& graph);

// Threads for the program of a row: one if there are rows enough to give each thread its own, else
// all of them.
int ThreadsPerRow(int64_t batch, int threads);

// Where the rows of an execution lie. Immutable, thread-safe.
class ByRow {
 public:
  // `threads` of a whole execution.
  ByRow(const ir::Graph& batch, const passes::RowSplit& split, int threads);

  int64_t rows() const { return rows_; }
  // For all rows that run at the same time.
  size_t workspace_bytes(const Program& row) const { return lanes_ * LaneBytes(row); }
  // As Program::Run, of tensors with all rows. The first error of a row is returned; rows after it
  // may not have been run.
  absl::Status Run(const Program& row, const sdk::RunContext& context,
                   absl::Span<const ingot_tensor> inputs, absl::Span<const ingot_tensor> outputs,
                   void* workspace) const;

 private:
  static size_t LaneBytes(const Program& row);

  int64_t rows_;
  int lanes_;                       // rows that run at the same time
  std::vector<int64_t> row_bytes_;  // by input, then output; 0: shared by all rows
};

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_BY_ROW_H_
