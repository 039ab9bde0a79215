// Sizes of this machine's caches, in bytes: of one core's second level and of the shared third.
// Where the system does not tell, usual ones. Thread-safe.
#ifndef INGOT_BACKENDS_ONEDNN_CACHE_SIZES_H_
#define INGOT_BACKENDS_ONEDNN_CACHE_SIZES_H_

#include <unistd.h>

#include <cstdint>

namespace ingot::onednn {

inline int64_t CacheBytes(int name, int64_t fallback) {
  const int64_t size = sysconf(name);
  return size > 0 ? size : fallback;
}

inline int64_t OwnCacheBytes() { return CacheBytes(_SC_LEVEL2_CACHE_SIZE, int64_t{1} << 20); }
inline int64_t SharedCacheBytes() { return CacheBytes(_SC_LEVEL3_CACHE_SIZE, int64_t{16} << 20); }

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_CACHE_SIZES_H_
