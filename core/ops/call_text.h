// Calls of ops as text, for tests: what testdata/inference.txt and tests/conformance/cases are
// written in.
//
//   ParseCall("aten::addcmul", "f32[2,3] ; f32[3] ; f32[]:special ; 2.5")
//
// All arguments in schema order (missing trailing ones get their defaults), separated by " ; ":
// tensors by type, lists in brackets with blanks ("[1 2]", "[f32[2] None]"), numbers, true, false,
// "text", None, a dtype's name. A tensor may be followed by ":hint", which is handed through.
#ifndef INGOT_CORE_OPS_CALL_TEXT_H_
#define INGOT_CORE_OPS_CALL_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ops/registry.h"

namespace ingot::ops {

struct Call {
  const OpDef* def = nullptr;
  std::vector<ir::Argument> args;  // with the seed, for a random op
  // By the value ids in `args`; the seed of a random op is the last one.
  std::vector<ir::TensorType> operands;
  std::vector<std::string> hints;  // "" where there is none
  std::vector<int> positions;      // argument that the operand stands in

  absl::StatusOr<std::vector<ir::TensorType>> Infer() const;
};

// InvalidArgument if the op is unknown or the text is not of its schema.
absl::StatusOr<Call> ParseCall(absl::string_view op, absl::string_view args);

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_CALL_TEXT_H_
