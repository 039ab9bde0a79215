#include "frontends/torchscript/dead_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/TensorImpl.h>

#include <algorithm>
#include <utility>

namespace ingot::torchscript {

void DeadMemory::Hold(const at::Tensor& tensor, uint32_t references) {
  Object& held = objects_[tensor.unsafeGetTensorImpl()];
  held.references += references;
  if (held.is_listed) return;
  List(tensor, held);
  // A view refers to the object that it was taken from, of which there may be no other trace: an op
  // inside of another made it.
  if (!tensor.is_view()) return;
  const at::TensorBase& base = tensor._base();
  Object& held_base = objects_[base.unsafeGetTensorImpl()];
  ++held_base.references;
  if (!held_base.is_listed) List(base, held_base);
}

void DeadMemory::List(const at::TensorBase& tensor, Object& object) {
  object.is_listed = true;
  c10::StorageImpl* const storage = tensor.storage().unsafeGetStorageImpl();
  if (storage->nbytes() < kMinBytes) return;
  const auto [position, is_new] = position_.try_emplace(storage, candidates_.size());
  if (is_new) candidates_.push_back({storage, {}});
  candidates_[position->second].objects.push_back(tensor.unsafeGetTensorImpl());
}

bool DeadMemory::IsDead(const Candidate& candidate) const {
  if (c10::raw::intrusive_ptr::use_count(candidate.storage) != candidate.objects.size())
    return false;
  return std::all_of(
      candidate.objects.begin(), candidate.objects.end(), [&](const c10::TensorImpl* object) {
        const auto held = objects_.find(object);
        return c10::raw::intrusive_ptr::use_count(const_cast<c10::TensorImpl*>(object)) ==
               held->second.references;
      });
}

void DeadMemory::Collect(absl::FunctionRef<bool(const c10::StorageImpl*)> is_allowed) {
  for (size_t probes = std::min(kProbes, candidates_.size()); probes > 0; --probes) {
    if (next_ >= candidates_.size()) next_ = 0;
    Candidate& candidate = candidates_[next_];
    if (!is_allowed(candidate.storage) || !IsDead(candidate)) {
      ++next_;
      continue;
    }
    candidate.storage->set_data_ptr_noswap(
        c10::DataPtr(nullptr, c10::Device(c10::DeviceType::CPU)));
    position_.erase(candidate.storage);
    if (next_ + 1 != candidates_.size()) {
      candidate = std::move(candidates_.back());
      position_[candidate.storage] = next_;
    }
    candidates_.pop_back();
  }
}

}  // namespace ingot::torchscript
