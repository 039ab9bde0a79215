// Numbers for kernels' tests, the same in each run. Test-only.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_TEST_RANDOM_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_TEST_RANDOM_H_

#include <cstdint>
#include <random>
#include <vector>

namespace ingot::kernels {

struct Normal {
  float mean = 0, deviation = 1;
};

// `n` normally distributed values.
inline std::vector<float> Random(int64_t n, int seed, Normal spread = {}) {
  std::mt19937 generator(static_cast<uint32_t>(seed));
  std::normal_distribution<float> normal(spread.mean, spread.deviation);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = normal(generator);
  return values;
}

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_TEST_RANDOM_H_
