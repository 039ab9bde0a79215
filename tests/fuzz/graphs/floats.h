// Stores numbers into tensors of any real dtype: floats round to nearest even, integers wrap.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_FLOATS_H_
#define INGOT_TESTS_FUZZ_GRAPHS_FLOATS_H_

#include <cstddef>
#include <cstdint>

#include "core/runtime/host_tensor.h"

namespace ingot::fuzz {

// Bits of the nearest half; values too large become infinities.
uint16_t ToFloat16Bits(double value);
uint16_t ToBFloat16Bits(double value);

// Element `i` in memory order. REQUIRES: a floating dtype; an integral dtype or bool.
void StoreFloat(const runtime::HostTensor& tensor, size_t i, double value);
void StoreInt(const runtime::HostTensor& tensor, size_t i, int64_t value);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_FLOATS_H_
