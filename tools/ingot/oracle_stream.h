// An oracle's calls and what came of them as bytes, between this program and a child of its own
// that it does not trust (sandboxed_child.h).
//
//   INGOT_RETURN_IF_ERROR(AppendCall(arguments, seed, calls));                       // asks
//   INGOT_ASSIGN_OR_RETURN(std::vector<OracleCall> calls, ReadCalls(bytes));         // answers
//   INGOT_ASSIGN_OR_RETURN(std::string bytes, WriteOutcome(outcome));
//   INGOT_ASSIGN_OR_RETURN(Outcome outcome, ReadOutcome(bytes));                     // believes
//   little
//
// Lists of tensors (tensor_stream.h): of a call its seed and its arguments; of an outcome its
// results, then its arguments.
#ifndef INGOT_TOOLS_INGOT_ORACLE_STREAM_H_
#define INGOT_TOOLS_INGOT_ORACLE_STREAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/ingot/call.h"
#include "tools/ingot/oracle.h"

namespace ingot::tools {

struct OracleCall {
  uint64_t seed = 0;
  Arguments arguments;
};

absl::Status AppendCall(const Arguments& arguments, uint64_t seed, std::string& calls);
// DataLoss: no such bytes.
absl::StatusOr<std::vector<OracleCall>> ReadCalls(absl::string_view calls);

absl::StatusOr<std::string> WriteOutcome(const Outcome& outcome);
// DataLoss: no such bytes.
absl::StatusOr<Outcome> ReadOutcome(absl::string_view bytes);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_ORACLE_STREAM_H_
