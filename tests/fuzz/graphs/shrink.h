// Delta debugging: makes a failing case smaller as long as it fails.
//
//   const Case small = Shrink(c, [&](const Case& candidate) { return Fails(candidate); });
//
// First outputs, then nodes (in halves, quarters, … one by one), then sizes; and again until
// nothing more goes. Deterministic if `fails` is.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_SHRINK_H_
#define INGOT_TESTS_FUZZ_GRAPHS_SHRINK_H_

#include "absl/functional/function_ref.h"
#include "tests/fuzz/graphs/case.h"

namespace ingot::fuzz {

// `fails` is called at most `max_attempts` times.
Case Shrink(Case c, absl::FunctionRef<bool(const Case&)> fails, int max_attempts = 1000);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_SHRINK_H_
