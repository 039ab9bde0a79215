// Calls with one batch size, served by a graph compiled for a larger one: arguments padded, results
// cut.
//
// May throw what LibTorch throws: callers are guarded. Thread-safe (values).
#ifndef INGOT_FRONTENDS_TORCH_BATCH_BUCKETS_H_
#define INGOT_FRONTENDS_TORCH_BATCH_BUCKETS_H_

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/recording.h"
#include "core/passes/rowwise.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/run_context.h"
#include "frontends/torch/tensor_adapter.h"

namespace ingot {

// The batch size of a call: the leading size of its first tensor that has one. nullopt: there is
// none.
std::optional<int64_t> BatchSize(const ir::Signature& signature);

// The next power of two, from `size` on.
int64_t BucketSize(int64_t size);

// The arguments with each tensor whose leading size is `size` padded to `bucket` rows by copies of
// its first row, so that indices stay valid; row-major copies. REQUIRES: 0 < size < bucket.
std::vector<c10::IValue> PadArguments(const std::vector<c10::IValue>& arguments, int64_t size,
                                      int64_t bucket);

// How calls of one signature are served.
struct BatchBucket {
  std::shared_ptr<const runtime::CompiledGraph> graph;  // for `bucket` rows
  passes::RowPlan plan;
  int64_t size = 0, bucket = 0;
  ir::Structure arguments_structure;  // of the call
};

// One call; `arguments` have the signature that the bucket was made for.
absl::StatusOr<c10::IValue> CallInBucket(const BatchBucket& bucket, const FlatArguments& arguments,
                                         const runtime::RunContext& context);

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_BATCH_BUCKETS_H_
