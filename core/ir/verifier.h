// Checks a graph before anybody trusts it.
//
// Form: single definitions, topological order, ids in range, dense input and output indices, one
// seed at most, read as the last argument of random ops only, result structure consistent with the
// outputs. Meaning: each registered op has the arguments of its schema, in kind and number, and the
// types of its outputs are those that inference finds from its operands. A hand-made or corrupt
// file is thus refused before a backend sees it. Opaque ops are checked in form only.
#ifndef INGOT_CORE_IR_VERIFIER_H_
#define INGOT_CORE_IR_VERIFIER_H_

#include "absl/status/status.h"
#include "core/ir/graph.h"

namespace ingot::ir {

// InvalidArgument naming the first offending node or input. Thread-safe.
absl::Status Verify(const Graph& graph);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_VERIFIER_H_
