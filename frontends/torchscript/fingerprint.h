// Tells whether memory changed between two looks at it. Not an identity of content: see
// core/ir/digest.h for that.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_FINGERPRINT_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_FINGERPRINT_H_

#include <c10/core/StorageImpl.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ingot::torchscript {

inline uint64_t Fingerprint(const c10::StorageImpl* storage) {
  const auto* bytes = static_cast<const char*>(storage->data());
  const size_t size = bytes == nullptr ? 0 : storage->nbytes();
  uint64_t hash = size;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  for (; i < size; ++i) hash = (hash ^ static_cast<uint8_t>(bytes[i])) * 0x100000001b3u;
  return hash;
}

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_FINGERPRINT_H_
