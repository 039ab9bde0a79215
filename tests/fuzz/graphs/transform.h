// Makes cases smaller, keeping them valid: for the shrinker, and to leave out what eager refuses.
//
// What a removed node made comes from its first operand of that type, or else from a new argument
// of small numbers; where it was a result, the node's operand is the result. Afterwards inputs and
// nodes that nothing uses are gone. Thread-safe.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_TRANSFORM_H_
#define INGOT_TESTS_FUZZ_GRAPHS_TRANSFORM_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/fuzz/graphs/case.h"

namespace ingot::fuzz {

// Without the nodes that are marked.
absl::StatusOr<Case> Without(const Case& c, const std::vector<bool>& nodes);

// Without the outputs that are marked; one result remains.
absl::StatusOr<Case> WithoutOutputs(const Case& c, const std::vector<bool>& outputs);

// Dimensions of inputs of size `from` get size `to`, types follow. InvalidArgument if an op does
// not take it.
absl::StatusOr<Case> Resized(const Case& c, int64_t from, int64_t to);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_TRANSFORM_H_
