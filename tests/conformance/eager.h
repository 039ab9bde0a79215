// The oracle: the same call on LibTorch eager, through its dispatcher, by name.
//
// eager.cc is the one unit of the suite that includes LibTorch; its exceptions end there.
#ifndef INGOT_TESTS_CONFORMANCE_EAGER_H_
#define INGOT_TESTS_CONFORMANCE_EAGER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/ops/call_text.h"
#include "tests/conformance/host_tensor.h"

namespace ingot::conformance {

// The results of `call` on `operands`, Tensor[] flattened. FailedPrecondition with LibTorch's
// message if it throws.
absl::StatusOr<std::vector<HostTensor>> RunEager(const ops::Call& call,
                                                 const std::vector<HostTensor>& operands);

}  // namespace ingot::conformance

#endif  // INGOT_TESTS_CONFORMANCE_EAGER_H_
