// The calls to try: functions of one tensor, from the registry and from a table of calls with
// numbers.
#ifndef INGOT_TESTS_EXHAUSTIVE_CALLS_H_
#define INGOT_TESTS_EXHAUSTIVE_CALLS_H_

#include <string>
#include <vector>

#include "core/ir/argument.h"

namespace ingot::exhaustive {

struct Call {
  std::string name;  // "aten_gelu_tanh": unique, for the test's name
  std::string op;
  std::vector<ir::Argument> rest;  // arguments after the tensor
};

// Sorted by name.
std::vector<Call> AllCalls();

}  // namespace ingot::exhaustive

#endif  // INGOT_TESTS_EXHAUSTIVE_CALLS_H_
