// In-memory cache of compiled executables: LRU by bytes, single flight, full-key equality on a hit.
//
// Entries are shared: eviction drops the cache's reference only, so an executable in use can't be
// broken by it. When several threads ask for one missing key, one of them compiles, outside all
// locks; the others wait for its result. A failure goes to all who waited and is not kept. `Clear`
// also detaches compilations under way: their result reaches those who wait, but does not enter the
// cache. Thread-safe.
#ifndef INGOT_CORE_CACHE_COMPILE_CACHE_H_
#define INGOT_CORE_CACHE_COMPILE_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "core/cache/key.h"

namespace ingot::cache {

struct CacheStats {
  uint64_t hits = 0;      // found in memory
  uint64_t joined = 0;    // waited for another thread's compilation
  uint64_t misses = 0;    // compiled
  uint64_t failures = 0;  // compilations that failed
  uint64_t evictions = 0;
  uint64_t collisions = 0;  // equal digest, different key: never served
  size_t entries = 0;
  size_t bytes = 0;
};

class CompileCache {
 public:
  // What is cached. `bytes` is charged against the capacity.
  struct Entry {
    std::shared_ptr<const void> value;
    size_t bytes = 0;
  };
  using Compile = std::function<absl::StatusOr<Entry>()>;

  // capacity 0: nothing is kept; single flight still holds.
  explicit CompileCache(size_t capacity_bytes);
  ~CompileCache();

  // The entry of `key`, compiled by `compile` if it is missing. `hit` (may be null) tells whether
  // this call did not compile. An entry larger than the capacity is returned but not kept.
  absl::StatusOr<Entry> GetOrCompile(const Key& key, const Compile& compile, bool* hit = nullptr);

  // Why `key` would miss: "nothing cached", or which part differs from the nearest entry. Empty if
  // it would hit.
  std::string Explain(const Key& key) const;

  void Clear();
  CacheStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ingot::cache

#endif  // INGOT_CORE_CACHE_COMPILE_CACHE_H_
