#include "frontends/torch/result_pool.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/TensorImpl.h>

#include <utility>

#include "frontends/torch/tensor_adapter.h"
#include "frontends/torchscript/layout.h"

namespace ingot {
namespace {

using StoragePtr = c10::intrusive_ptr<c10::StorageImpl>;

// The same for all calls of a thread.
size_t Lane() {
  static std::atomic<size_t> threads = 0;
  thread_local const size_t lane = threads.fetch_add(1, std::memory_order_relaxed);
  return lane % ResultPool::kLanes;
}

// Whether `storage` and its memory are the pool's alone. A storage that was shared with another
// process, made copy-on-write or given other memory has lost the allocator's own deleter.
bool IsFree(const StoragePtr& storage, size_t bytes) {
  if (!storage || storage.use_count() != 1 || storage.weak_use_count() != 1) return false;
  // What the last owner wrote comes before what the next one writes.
  std::atomic_thread_fence(std::memory_order_acquire);
  return storage->nbytes() == bytes && storage->resizable() &&
         storage->data_ptr().get_deleter() == c10::GetCPUAllocator()->raw_deleter() &&
         storage->pyobj_slot()->load_pyobj() == nullptr;
}

}  // namespace

ResultPool::ResultPool(absl::Span<const runtime::ResultSpec> specs)
    : specs_(specs), places_(std::make_unique<Place[]>(specs.size() * kLanes)) {}

ResultPool::~ResultPool() {
  for (size_t i = 0; i < specs_.size() * kLanes; ++i) StoragePtr::reclaim(places_[i].last.load());
}

at::Tensor ResultPool::Take(size_t slot) {
  const runtime::ResultSpec& spec = specs_[slot];
  const auto bytes = static_cast<size_t>(spec.type.NumBytes());
  if (!spec.strides.empty() || bytes == 0 || bytes > kMaxBytes) return EmptyResult(spec);
  std::atomic<c10::StorageImpl*>& place = places_[slot * kLanes + Lane()].last;
  StoragePtr storage = StoragePtr::reclaim(place.exchange(nullptr, std::memory_order_acquire));
  if (!IsFree(storage, bytes)) {
    storage = c10::make_intrusive<c10::StorageImpl>(c10::StorageImpl::use_byte_size_t(), bytes,
                                                    c10::GetCPUAllocator(), /*resizable=*/true);
  }
  at::Tensor result = at::detail::make_tensor<c10::TensorImpl>(
      c10::Storage(storage), c10::DispatchKeySet(c10::DispatchKey::CPU),
      c10::scalarTypeToTypeMeta(torchscript::ToScalarType(spec.type.dtype)));
  result.unsafeGetTensorImpl()->set_sizes_contiguous(
      c10::IntArrayRef(spec.type.dims.data(), spec.type.dims.size()));
  // Another thread of this lane may have left one meanwhile: the older goes.
  StoragePtr::reclaim(place.exchange(storage.release(), std::memory_order_release));
  return result;
}

}  // namespace ingot
