// Operands for a call: valid for the op (indices in range, probabilities in [0,1] …), and the same
// for the same seed.
//
// A hint after an operand's type says more: positive (0.1 to 3), unit (0 to 1), distinct (no two
// alike), special (NaN, infinities, zeros, extremes among ordinary numbers), ones.
#ifndef INGOT_TESTS_CONFORMANCE_VALUES_H_
#define INGOT_TESTS_CONFORMANCE_VALUES_H_

#include <cstdint>
#include <vector>

#include "core/ops/call_text.h"
#include "tests/conformance/host_tensor.h"

namespace ingot::conformance {

// One tensor an operand of `call`; the seed operand of a random op is `seed`.
std::vector<HostTensor> MakeOperands(const ops::Call& call, uint64_t seed);

}  // namespace ingot::conformance

#endif  // INGOT_TESTS_CONFORMANCE_VALUES_H_
