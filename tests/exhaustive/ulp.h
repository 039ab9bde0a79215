// Distances between floating numbers in units in the last place.
#ifndef INGOT_TESTS_EXHAUSTIVE_ULP_H_
#define INGOT_TESTS_EXHAUSTIVE_ULP_H_

#include <cstdint>

namespace ingot::exhaustive {

// A number's place among all numbers of its format, given by its bits; both zeros are 0.
inline int64_t Place(uint64_t bits, int width) {
  const uint64_t sign = uint64_t{1} << (width - 1);
  const auto magnitude = static_cast<int64_t>(bits & (sign - 1));
  return (bits & sign) != 0 ? -magnitude : magnitude;
}

// Steps from one number to the other. REQUIRES: neither is NaN.
inline int64_t UlpDistance(uint64_t a, uint64_t b, int width) {
  const int64_t distance = Place(a, width) - Place(b, width);
  return distance < 0 ? -distance : distance;
}

}  // namespace ingot::exhaustive

#endif  // INGOT_TESTS_EXHAUSTIVE_ULP_H_
