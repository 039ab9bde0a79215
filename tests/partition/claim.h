// Which nodes the picky plugin takes: a pure function of a seed, shared with the test that checks
// the report.
#ifndef INGOT_TESTS_PARTITION_CLAIM_H_
#define INGOT_TESTS_PARTITION_CLAIM_H_

#include <cstdint>

namespace ingot::partition {

// The environment variable that holds the seed.
inline constexpr char kSeedVariable[] = "INGOT_PICKY_SEED";
// Why the plugin rejects a node that it could run.
inline constexpr char kReason[] = "not in the mood";

// Mixes as MurmurHash3's finaliser does.
inline uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
  return x ^ (x >> 33);
}

// Masks from almost empty to almost full, by seed.
inline bool IsClaimed(uint64_t seed, uint32_t node) {
  const uint64_t percent = 5 + Mix(seed) % 91;
  return Mix(seed * 0x9e3779b97f4a7c15u + node + 1) % 100 < percent;
}

}  // namespace ingot::partition

#endif  // INGOT_TESTS_PARTITION_CLAIM_H_
