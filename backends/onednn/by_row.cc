#include "backends/onednn/by_row.h"

#include <algorithm>

#include "absl/synchronization/mutex.h"
#include "backends/onednn/cache_sizes.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/weight_bytes.h"
#include "core/ops/registry.h"

namespace ingot::onednn {
namespace {

// Rows for each thread from which on an uneven share costs less than forks and joins in each step.
constexpr int64_t kManyRows = 4;
constexpr size_t kAlignment = 4096;

// What a node writes to memory of its own: chains of pointwise ops become part of the step before,
// and views write nothing.
bool WritesMemory(const ops::OpDef& def) {
  return !def.Is(ops::kPointwise) && !def.Is(ops::kView) && !def.Is(ops::kIdentity);
}

// Bytes written that a batch drives out of a core's cache before they are read, and a row does not
// drive out of the shared one.
int64_t DrivenOut(const ir::Graph& graph, int64_t batch) {
  const int64_t own = OwnCacheBytes(), shared = SharedCacheBytes();
  int64_t total = 0;
  for (const ir::Node& node : graph.nodes()) {
    const ops::OpDef* const def = ops::FindOp(node.op);
    if (def == nullptr || !WritesMemory(*def)) continue;
    for (const ir::ValueId value : node.outputs) {
      const int64_t bytes = value == ir::kNoValue ? 0 : graph.type(value).NumBytes();
      if (bytes > own && bytes / batch < shared / 2) total += bytes;
    }
  }
  return total;
}

}  // namespace

std::optional<passes::RowSplit> WorthSplitting(const ir::Graph& graph) {
  const int64_t batch = passes::BatchSize(graph);
  if (batch < 2) return std::nullopt;
  // Activations are written and read. Weights are read in order, ahead of their use, and half of
  // the time or more behind arithmetic: see "Batches row by row" in backends/onednn/docs/design.md.
  if (2 * DrivenOut(graph, batch) <= (batch - 1) * WeightBytes(graph) / 2) return std::nullopt;
  absl::StatusOr<passes::RowSplit> split = passes::SplitRows(graph, batch, 1);
  if (!split.ok()) return std::nullopt;
  return *std::move(split);
}

int ThreadsPerRow(int64_t batch, int threads) {
  return batch % threads == 0 || batch >= kManyRows * threads ? 1 : threads;
}

ByRow::ByRow(const ir::Graph& batch, const passes::RowSplit& split, int threads)
    : rows_(passes::BatchSize(batch)), lanes_(ThreadsPerRow(rows_, threads) == 1 ? threads : 1) {
  for (size_t i = 0; i < batch.inputs().size(); ++i) {
    const ir::InputSpec& input = batch.inputs()[i];
    if (input.role == ir::InputRole::kConstant) continue;
    row_bytes_.push_back(split.input_rows[i] > 0 ? split.graph.type(input.value).NumBytes() : 0);
  }
  for (const ir::OutputSpec& output : batch.outputs())
    row_bytes_.push_back(split.graph.type(output.value).NumBytes());
}

size_t ByRow::LaneBytes(const Program& row) {
  return (row.workspace_bytes() + kAlignment - 1) / kAlignment * kAlignment;
}

absl::Status ByRow::Run(const Program& row, const sdk::RunContext& context,
                        absl::Span<const ingot_tensor> inputs,
                        absl::Span<const ingot_tensor> outputs, void* workspace) const {
  const Addresses first = AddressesOf(inputs, outputs);
  absl::Mutex mutex;
  absl::Status status;
  const auto run_rows = [&](int64_t begin, int64_t end, int lane) {
    char* const memory = static_cast<char*>(workspace) + static_cast<size_t>(lane) * LaneBytes(row);
    Addresses addresses = first;
    for (int64_t i = begin; i < end; ++i) {
      for (size_t k = 0; k < first.size(); ++k) addresses[k] = first[k] + i * row_bytes_[k];
      const absl::Status result = row.RunAt(context, addresses, memory);
      if (result.ok()) continue;
      absl::MutexLock lock(&mutex);
      status.Update(result);
      return;
    }
  };
  // A trace is a list of steps one after the other.
  kernels::ParallelFor(context.tracing() ? 1 : lanes_, rows_, /*grain=*/1, run_rows);
  return status;
}

}  // namespace ingot::onednn
