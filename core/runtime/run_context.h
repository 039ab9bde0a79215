// What one call of a compiled graph may bring along. A plain value; the pointers must outlive the
// call.
#ifndef INGOT_CORE_RUNTIME_RUN_CONTEXT_H_
#define INGOT_CORE_RUNTIME_RUN_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/ir/recording.h"

namespace ingot::runtime {

class State;

// Set once by any thread; a call that sees it stops between steps with Cancelled. It stays set.
class CancelToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

// One executed step: the node (of the compiled graph) it stands for, its implementation, and when
// it ran, in nanoseconds of the monotonic clock.
struct TraceEvent {
  ir::NodeId node;
  absl::string_view name;
  int64_t begin_ns, end_ns;
};

struct RunContext {
  // Seed of this call's random ops. Unset: the next of the session's stream.
  std::optional<uint64_t> seed;
  // Stops the call between steps. A call that has started a step finishes it; after the call has
  // returned nothing touches the caller's tensors.
  const CancelToken* cancel = nullptr;
  absl::Time deadline = absl::InfiniteFuture();
  // State of a stateful graph (CompiledGraph::NewState). nullptr: the compiled graph's own.
  State* state = nullptr;
  // Numbers for the signature's scalar slots, where the call has any.
  absl::Span<const ir::Scalar> scalars;
  // Called once a step, from the calling thread.
  const absl::FunctionRef<void(const TraceEvent&)>* trace = nullptr;
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_RUN_CONTEXT_H_
