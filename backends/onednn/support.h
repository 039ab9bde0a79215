// What this backend claims, and from claimed nodes to a program.
#ifndef INGOT_BACKENDS_ONEDNN_SUPPORT_H_
#define INGOT_BACKENDS_ONEDNN_SUPPORT_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "backends/onednn/fusion.h"
#include "backends/onednn/program.h"
#include "backends/sdk/backend.h"
#include "core/ir/graph.h"

namespace ingot::onednn {

// OK: Compile takes the node. Else why not, for people. Thread-safe.
absl::Status Supports(const ir::Graph& graph, ir::NodeId node);

struct CompileOptions {
  int threads = 1;
  FusionOptions fusion;
  // Products and convolutions with constant weights round their factors to bf16 where this machine
  // multiplies bf16 (kernels/packed_gemm.h); all else stays f32.
  bool bf16 = false;
  // Of a core, by which chains of steps are judged; 0: this machine's.
  int64_t own_cache_bytes = 0;
};

// The program of a verified graph all of whose nodes are supported.
absl::StatusOr<std::unique_ptr<Program>> Compile(const ir::Graph& graph,
                                                 absl::Span<const sdk::ConstantView> constants,
                                                 const sdk::CompileContext& context,
                                                 const CompileOptions& options);

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_SUPPORT_H_
