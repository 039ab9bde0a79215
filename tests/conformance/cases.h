// The calls that every backend must get right: tables of text.
//
// A line of cases/*.txt is `op | dtypes | arguments`, in the notation of core/ops/call_text.h. `$`
// in the arguments stands for each of the dtypes: a name (f32), a set (real, number, float, int),
// or several with commas; `-` if there is no `$`. Empty lines and lines that start with # are left
// out. A line of the recorded calls of core/ops is `op | arguments | result`; refused ones
// (`error`) are left out.
#ifndef INGOT_TESTS_CONFORMANCE_CASES_H_
#define INGOT_TESTS_CONFORMANCE_CASES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace ingot::conformance {

struct Case {
  std::string args;
  bool recorded = false;  // one of very many: only run with plain arguments
};

using CasesByOp = std::map<std::string, std::vector<Case>>;

// Adds the cases of the file at `path`. NotFound, or InvalidArgument with the line.
absl::Status AddTable(const std::string& path, CasesByOp& cases);
absl::Status AddRecorded(const std::string& path, CasesByOp& cases);

}  // namespace ingot::conformance

#endif  // INGOT_TESTS_CONFORMANCE_CASES_H_
