// Objects that calls take and give back: what one call needs and the next can use again.
//
//   std::unique_ptr<Frame> frame = pool.Acquire();
//   if (frame == nullptr) frame = NewFrame();
//   ...
//   pool.Release(std::move(frame));
//
// The object given back last is taken first, without a lock, so that one caller keeps using warm
// memory. The pool never shrinks: it holds as many objects as were ever in use at once.
// Thread-safe.
#ifndef INGOT_CORE_BASE_OBJECT_POOL_H_
#define INGOT_CORE_BASE_OBJECT_POOL_H_

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace ingot {

template <typename T>
class ObjectPool {
 public:
  ObjectPool() = default;
  ~ObjectPool() { delete hot_.load(std::memory_order_relaxed); }
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  // nullptr if none is at rest.
  std::unique_ptr<T> Acquire() {
    if (T* object = hot_.exchange(nullptr, std::memory_order_acquire)) {
      return std::unique_ptr<T>(object);
    }
    absl::MutexLock lock(&mutex_);
    if (cold_.empty()) return nullptr;
    std::unique_ptr<T> object = std::move(cold_.back());
    cold_.pop_back();
    return object;
  }

  void Release(std::unique_ptr<T> object) {
    T* none = nullptr;
    if (hot_.compare_exchange_strong(none, object.get(), std::memory_order_release,
                                     std::memory_order_relaxed)) {
      object.release();
      return;
    }
    absl::MutexLock lock(&mutex_);
    cold_.push_back(std::move(object));
  }

 private:
  std::atomic<T*> hot_{nullptr};
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<T>> cold_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ingot

#endif  // INGOT_CORE_BASE_OBJECT_POOL_H_
