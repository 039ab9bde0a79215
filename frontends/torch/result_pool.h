// New result tensors for a compiled graph, out of the memory of earlier ones that the caller has
// dropped: small graphs run faster than an allocation takes.
//
//   ResultPool pool(graph.results());
//   at::Tensor result = pool.Take(slot);  // contents unspecified
//
// Memory comes back by itself: the pool keeps a reference to the storage of the tensor that it gave
// out last, and gives that storage out again once nobody else has one (views, DLPack capsules and
// arrays included). The tensor on it is new: no name, gradient or version stays from the last one.
// Results of more than kMaxBytes, and those with strides of their own, are always newly allocated.
//
// A pool holds on to at most kLanes * kMaxBytes a slot. Thread-safe; threads keep to lanes of their
// own as long as there are no more than kLanes. May throw what LibTorch throws: callers are
// guarded.
#ifndef INGOT_FRONTENDS_TORCH_RESULT_POOL_H_
#define INGOT_FRONTENDS_TORCH_RESULT_POOL_H_

#include <ATen/core/Tensor.h>
#include <c10/core/StorageImpl.h>

#include <atomic>
#include <cstddef>
#include <memory>

#include "absl/types/span.h"
#include "core/runtime/compiled_graph.h"

namespace ingot {

class ResultPool {
 public:
  static constexpr size_t kMaxBytes = 16 * 1024;
  static constexpr size_t kLanes = 4;

  // `specs` must outlive the pool.
  explicit ResultPool(absl::Span<const runtime::ResultSpec> specs);
  ~ResultPool();
  ResultPool(const ResultPool&) = delete;
  ResultPool& operator=(const ResultPool&) = delete;

  // A tensor of the slot's type, of which the caller is the only owner. REQUIRES: not an alias.
  at::Tensor Take(size_t slot);

 private:
  struct alignas(64) Place {
    std::atomic<c10::StorageImpl*> last = nullptr;  // owns a reference
  };

  const absl::Span<const runtime::ResultSpec> specs_;
  const std::unique_ptr<Place[]> places_;  // [slot, lane]
};

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_RESULT_POOL_H_
