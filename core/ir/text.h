// The text form of graphs, for people, golden files and tests. It round-trips: Parse(Print(g)) == g
// after Renumber (debug source positions included).
//
//   graph "mlp" {
//     %0 : f32[8,64] = argument 0
//     %1 : f32[256,64] = constant 0 "fc1.weight" sha256:9f86…(64 digits)
//     %2 : f64[] = scalar 0
//     %3 : i64[] = seed
//     %4 : f32[8,256] = aten::linear(%0, %1, None) "mlp.py:7"
//     %5, _ : i64[2], _ = aten::foo(f32, true, 1, 1.5, "text", [1, 2], [%0, None], [1.0], [true])
//     result 0 = %4 strides [1, 8]
//     writeback 1 = %5
//     state 0 = %6
//     alias 1 = %4 of argument 0 strides [3, 1] offset 2
//     returns (T0, [T1, None], {"a": 3})
//   }
//
// `_` stands for an output that the node leaves undefined; a node without outputs begins with `=`.
// Integers and floats are told apart by a point, exponent, inf or nan; floats print with the fewest
// digits that round-trip. Int lists print as [1, 2], float lists as [1.0, 2.0]; empty lists carry
// their kind: int[], float[], bool[], value[]. A complex literal prints as complex(1.0, -2.0); a
// dtype as its name. `#` begins a comment.
#ifndef INGOT_CORE_IR_TEXT_H_
#define INGOT_CORE_IR_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/graph.h"

namespace ingot::ir {

std::string PrintGraph(const Graph& graph);

// InvalidArgument with line and column on malformed text.
absl::StatusOr<Graph> ParseGraph(absl::string_view text);

// Graphviz dot: one box a node (op and output type), weights folded into the box.
std::string PrintDot(const Graph& graph);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_TEXT_H_
