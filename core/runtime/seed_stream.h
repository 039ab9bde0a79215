// The stream of seeds from which calls without a seed of their own draw. Thread-safe, lock-free.
#ifndef INGOT_CORE_RUNTIME_SEED_STREAM_H_
#define INGOT_CORE_RUNTIME_SEED_STREAM_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <random>

namespace ingot::runtime {

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijective mixer of 64 bits.
inline uint64_t SplitMix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class SeedStream {
 public:
  // Without a seed the stream starts at a random place.
  explicit SeedStream(std::optional<uint64_t> seed) : base_(seed ? *seed : FromSystem()) {}

  // Non-negative as int64, as PyTorch's seeds in messages are.
  uint64_t Next() {
    return SplitMix64(base_ +
                      next_.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15u) >>
           1;
  }

 private:
  static uint64_t FromSystem() {
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
  }
  const uint64_t base_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_SEED_STREAM_H_
