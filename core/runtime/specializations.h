// The compiled graphs of one program: one a signature.
//
//   Specializations graphs(options.cache_bytes, options.max_specializations);
//   INGOT_ASSIGN_OR_RETURN(Specializations::Graph graph,
//                          graphs.GetOrCompile(signature, [&] { return Compile(signature); }));
//
// The guard is equality of the whole signature: dtypes, sizes, strides, who shares memory with
// whom, nesting, and the numbers and strings that are structure. A signature is compiled once,
// however many threads ask. Graphs are dropped, least recently used first, when together they
// retain more than the capacity, but never the newest; who holds one keeps it. Every compilation is
// remembered with its reason. Thread-safe.
#ifndef INGOT_CORE_RUNTIME_SPECIALIZATIONS_H_
#define INGOT_CORE_RUNTIME_SPECIALIZATIONS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/cache/compile_cache.h"
#include "core/ir/recording.h"
#include "core/runtime/compiled_graph.h"

namespace ingot::runtime {

// Where a call's signature differs from the one that a graph was compiled for: "argument 1 is
// f32[4,3], not f32[2,3]". Empty if they are equal.
std::string Difference(const ir::Signature& call, const ir::Signature& compiled);

// An injective encoding of a signature: equal keys are equal signatures.
std::string SignatureKey(const ir::Signature& signature);

class Specializations {
 public:
  using Graph = std::shared_ptr<const CompiledGraph>;
  using Compile = std::function<absl::StatusOr<Graph>()>;

  Specializations(size_t capacity_bytes, int max_signatures);

  // ResourceExhausted: since the last Clear the program has been compiled for max_signatures other
  // signatures. One that was compiled before is never refused, whatever became of its graph. Else
  // whatever `compile` returns; failures are not kept.
  absl::StatusOr<Graph> GetOrCompile(const ir::Signature& signature, const Compile& compile);

  // Drops all graphs; the next calls compile again, for `reason`. Signatures are counted anew.
  void Clear(std::string reason);

  // A compilation that succeeded.
  struct Event {
    std::string signature;
    std::string reason;  // "first call", or where the nearest earlier signature differed
    absl::Duration duration;
  };
  // Oldest first; the newest kMaxEvents.
  static constexpr size_t kMaxEvents = 256;
  std::vector<Event> events() const;

 private:
  absl::StatusOr<Graph> CompileNew(const ir::Signature& signature, const std::string& key,
                                   const Compile& compile);
  // Whether the signature was not counted yet. ResourceExhausted: it would be one too many.
  absl::StatusOr<bool> Count(const std::string& key);
  std::string ReasonFor(const ir::Signature& signature) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_signatures_;
  cache::CompileCache graphs_;
  mutable absl::Mutex mutex_;
  // Keys of the signatures that were compiled since the last Clear, or are being compiled.
  absl::flat_hash_set<std::string> counted_ ABSL_GUARDED_BY(mutex_);
  // The newest graph may be larger than the capacity, and is kept all the same.
  std::string newest_key_ ABSL_GUARDED_BY(mutex_);
  Graph newest_ ABSL_GUARDED_BY(mutex_);
  uint64_t clears_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string cleared_ ABSL_GUARDED_BY(mutex_);  // reason of a Clear since the last compilation
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  std::deque<ir::Signature> signatures_ ABSL_GUARDED_BY(mutex_);  // parallel to events_
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_SPECIALIZATIONS_H_
