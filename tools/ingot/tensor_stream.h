// Tensors as bytes, between this program and a child of its own that it does not trust.
//
//   std::string bytes = WriteTensors(arguments);
//   INGOT_ASSIGN_OR_RETURN(Arguments arguments, ReadTensors(bytes));
//
// For each: dtype and rank (int32), sizes and strides (int64), elements row-major. Both sides are
// of one build and one machine.
#ifndef INGOT_TOOLS_INGOT_TENSOR_STREAM_H_
#define INGOT_TOOLS_INGOT_TENSOR_STREAM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/ingot/call.h"

namespace ingot::tools {

absl::StatusOr<std::string> WriteTensors(const Arguments& tensors);

// DataLoss: no such bytes; every size is checked against what is there before memory is taken.
absl::StatusOr<Arguments> ReadTensors(absl::string_view bytes);

// Several lists behind each other, each with its size in bytes (int64) before it.
absl::Status AppendList(const Arguments& tensors, std::string& lists);
absl::StatusOr<std::vector<Arguments>> ReadLists(absl::string_view lists);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_TENSOR_STREAM_H_
