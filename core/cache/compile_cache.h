// In-memory cache of compiled executables: LRU by bytes, single flight, full-key equality on a hit.
//
//   CompileCache cache(256 << 20);
//   INGOT_ASSIGN_OR_RETURN(const CompileCache::Entry entry,
//                          cache.GetOrCompile(key, [&] { return Compile(graph); }));
//
// Entries are shared: eviction drops the cache's reference only, so an executable in use can't be
// broken by it. When several threads ask for one missing key, one of them compiles, outside all
// locks; the others wait for its result. A failure goes to all who waited and is not kept; but when
// the compiling thread was cancelled or ran out of time, which is no business of the others, one of
// them compiles instead. `Clear` also detaches compilations under way: their result reaches those
// who wait, but does not enter the cache. Thread-safe.
//
// One lock, held for a lookup and no longer: executables are few and large, so that shards, each
// with its part of the capacity, would refuse models that fit.
#ifndef INGOT_CORE_CACHE_COMPILE_CACHE_H_
#define INGOT_CORE_CACHE_COMPILE_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

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
  // What is cached. `bytes`, and the size of the key, are charged against the capacity.
  struct Entry {
    std::shared_ptr<const void> value;
    size_t bytes = 0;
  };
  using Compile = std::function<absl::StatusOr<Entry>()>;

  // capacity 0: nothing is kept; single flight still holds.
  explicit CompileCache(size_t capacity_bytes);
  ~CompileCache();

  // The entry of `key`, compiled by `compile` if it is missing. `hit` (may be null) tells whether
  // this call did not compile. An entry larger than the capacity is returned but not kept; nor is
  // one whose digest is that of another key. REQUIRES: `compile` does not ask for `key` itself.
  absl::StatusOr<Entry> GetOrCompile(const Key& key, const Compile& compile, bool* hit = nullptr);

  // Why `key` would miss: "nothing is cached", or "the nearest entry differs in: backend" (the part
  // or parts). Empty if it would hit.
  std::string Explain(const Key& key) const;

  void Clear();
  CacheStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ingot::cache

#endif  // INGOT_CORE_CACHE_COMPILE_CACHE_H_
