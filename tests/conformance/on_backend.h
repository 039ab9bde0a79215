// One call as a graph of one node, compiled and run on a backend through the host's own wrappers.
#ifndef INGOT_TESTS_CONFORMANCE_ON_BACKEND_H_
#define INGOT_TESTS_CONFORMANCE_ON_BACKEND_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/ops/call_text.h"
#include "core/plugin/backend.h"
#include "tests/conformance/host_tensor.h"

namespace ingot::conformance {

// How operands reach the node. Backends prepare each differently.
enum class Passing {
  kArguments,  // all tensors are arguments, numbers are literals
  kNumbers,    // as above, but numbers that are data are scalar inputs
  kConstants,  // all tensors but the first are constants
};
const char* Name(Passing passing);

// Whether the call has anything to pass in this way.
bool Applies(const ops::Call& call, Passing passing);

// The results. Runs twice, with different bytes in workspace and outputs before: results must be
// the same bits, guards intact and inputs untouched, or it is an Internal error. Unimplemented,
// with the backend's reason, if the backend rejects the node.
absl::StatusOr<std::vector<HostTensor>> RunOnBackend(const plugin::Backend& backend,
                                                     const ops::Call& call,
                                                     const std::vector<HostTensor>& operands,
                                                     Passing passing);

}  // namespace ingot::conformance

#endif  // INGOT_TESTS_CONFORMANCE_ON_BACKEND_H_
