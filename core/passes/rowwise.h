// Proves that a program treats the rows of a batch alike, so that a graph compiled for a larger
// batch serves a smaller one: pad the arguments to its size, cut the results.
//
//   RunStandardPasses(five); RunStandardPasses(eight);     // recordings for two leading sizes
//   INGOT_ASSIGN_OR_RETURN(RowPlan plan, ProveRowwise(five, eight, 5, 8));
//
// What is proved: row i of each result of `large`, for i < rows, is what `small` computes, whatever
// the other rows hold. Two recordings are needed because one can't show what of a program follows
// its batch size (`x / x.size(0)`, `if x.size(0) > 4`): the two must be node by node the same
// program, apart from sizes that are the batch times a constant, and each op must compute the rows
// of its results from the same rows of its operands, by the table in row_rules.cc. An op that is
// not in the table is refused, as are random ops and rows that end up in state or in arguments.
//
// Rows lie along any axis of a value, `count` neighbours each ([batch * heads, …]); along axis 0 of
// arguments and results. Thread-safe (no state).
#ifndef INGOT_CORE_PASSES_ROWWISE_H_
#define INGOT_CORE_PASSES_ROWWISE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/recording.h"

namespace ingot::passes {

struct RowPlan {
  // Of the tensors with rows: how many elements of axis 0 make one row; 0 for tensors without.
  std::vector<int64_t> argument_rows;  // by tensor slot
  std::vector<int64_t> result_rows;    // by result slot
};

// Payload of the status of a program that can't be shown to treat rows alike.
inline constexpr absl::string_view kNotRowwise = "ingot/not-rowwise";
inline bool IsNotRowwise(const absl::Status& status) {
  return status.GetPayload(kNotRowwise).has_value();
}

// FailedPrecondition with the payload, naming the node or input that stands against it. REQUIRES:
// both recordings verify and went through the standard passes; 0 < small_size < large_size.
absl::StatusOr<RowPlan> ProveRowwise(const ir::Recording& small, const ir::Recording& large,
                                     int64_t small_size, int64_t large_size);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_ROWWISE_H_
