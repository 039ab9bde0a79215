// Random cases: graphs and programs of 10 to 60 steps over the registry's ops, the same for the
// same seed on every machine.
//
//   const Case c = Generate(17);
//
// Every third seed is a program. Results are well conditioned by construction (gen.h says how), so
// that backends that compute correctly agree. Thread-safe.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_GENERATOR_H_
#define INGOT_TESTS_FUZZ_GRAPHS_GENERATOR_H_

#include <cstdint>
#include <map>
#include <string>

#include "tests/fuzz/graphs/case.h"

namespace ingot::fuzz {

Case Generate(uint64_t seed);

// How many nodes of each op a case has, added to `counts`.
void CountOps(const Case& c, std::map<std::string, int64_t>& counts);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_GENERATOR_H_
