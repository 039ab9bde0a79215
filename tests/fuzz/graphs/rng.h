// A small generator of random numbers that draws the same on every machine and with every standard
// library.
//
//   Rng rng(seed);
//   int64_t size = rng.Int(1, 8);       // both included
//
// SplitMix64 (https://prng.di.unimi.it/splitmix64.c). Not thread-safe.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_RNG_H_
#define INGOT_TESTS_FUZZ_GRAPHS_RNG_H_

#include <cstddef>
#include <cstdint>

namespace ingot::fuzz {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // REQUIRES: low <= high.
  int64_t Int(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Next() % (static_cast<uint64_t>(high - low) + 1));
  }
  bool OneIn(int64_t n) { return Int(1, n) == 1; }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }  // [0, 1)

  // An element of an array or vector that is not empty.
  template <typename Container>
  const auto& Pick(const Container& from) {
    return from[static_cast<size_t>(Int(0, static_cast<int64_t>(from.size()) - 1))];
  }
  template <typename T, size_t n>
  const T& Pick(const T (&from)[n]) {
    return from[Int(0, n - 1)];
  }

 private:
  uint64_t state_;
};

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_RNG_H_
