// Whether two tensors are close, by the defaults of torch.testing.assert_close.
#ifndef INGOT_TESTS_CONFORMANCE_COMPARE_H_
#define INGOT_TESTS_CONFORMANCE_COMPARE_H_

#include <string>

#include "tests/conformance/host_tensor.h"

namespace ingot::conformance {

// What is allowed on top, where the oracle itself is further from the truth.
struct Slack {
  double factor = 1;  // on both tolerances
  double half_ulps =
      0;  // added to the absolute one for f16 and bf16, in units of the dtype's epsilon
};

// Empty if `actual` has the type of `expected` and all elements satisfy |actual - expected| <= atol
// + rtol |expected|; else says where it first does not, and how many do not. NaN equals NaN.
// Integers must be equal. `slack` multiplies both tolerances.
std::string Difference(const HostTensor& actual, const HostTensor& expected,
                       const Slack& slack = {});

}  // namespace ingot::conformance

#endif  // INGOT_TESTS_CONFORMANCE_COMPARE_H_
