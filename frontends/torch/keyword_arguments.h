// Keyword arguments put where the schema of a method has them.
//
//   INGOT_ASSIGN_OR_RETURN(std::vector<c10::IValue> all, ToPositional(schema, {x},
//   {{"scale", 2.0}}));
//
// Thread-safe (no state).
#ifndef INGOT_FRONTENDS_TORCH_KEYWORD_ARGUMENTS_H_
#define INGOT_FRONTENDS_TORCH_KEYWORD_ARGUMENTS_H_

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

namespace ingot {

using KeywordArguments = std::unordered_map<std::string, c10::IValue>;

// All arguments of `schema` but self, in its order, defaults filled in. InvalidArgument for too
// many arguments, one that is missing or given twice, and a keyword that the method doesn't have;
// the message names it.
absl::StatusOr<std::vector<c10::IValue>> ToPositional(const c10::FunctionSchema& schema,
                                                      const std::vector<c10::IValue>& arguments,
                                                      const KeywordArguments& keywords);

}  // namespace ingot

#endif  // INGOT_FRONTENDS_TORCH_KEYWORD_ARGUMENTS_H_
