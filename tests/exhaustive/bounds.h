// Where a backend may differ from eager, how far, and why.
#ifndef INGOT_TESTS_EXHAUSTIVE_BOUNDS_H_
#define INGOT_TESTS_EXHAUSTIVE_BOUNDS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/ir/dtype.h"

namespace ingot::exhaustive {

struct Bound {
  const char* backend = "";
  const char* call = "";  // Call::name
  ir::DType dtype{};      // of the operand
  int64_t ulps = 0;       // units in the last place, among finite results
  int64_t specials = 0;   // operands for which NaN, infinity or the sign of a zero differ
  const char* reason = "";
};

// nullptr: the same bits.
const Bound* FindBound(absl::string_view backend, absl::string_view call, ir::DType dtype);

}  // namespace ingot::exhaustive

#endif  // INGOT_TESTS_EXHAUSTIVE_BOUNDS_H_
