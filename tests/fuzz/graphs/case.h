// One test case: a graph or a program, and how its inputs are drawn. It is text, so that a failure
// can be handed on as a file.
//
//   #! graph                              (or: program)
//   #! seed 17
//   #! argument 0 grid -2 2 strides=1,4
//   #! argument 1 view of=0 strides=2 offset=1
//   #! scalar 0 2.5
//   graph "fuzz" { … }                    (core/ir/text.h)
//
// A *graph* is a functional recording. A *program* is a list of LibTorch calls, in-place ones and
// views included, written as a graph whose values are tensor objects: the frontend records it. The
// results of a program are the values of its results, as the objects that they are.
//
// A node marked "exact" (in place of a source position) adds no rounding error to what its operands
// have.
#ifndef INGOT_TESTS_FUZZ_GRAPHS_CASE_H_
#define INGOT_TESTS_FUZZ_GRAPHS_CASE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ir/graph.h"
#include "core/ir/recording.h"
#include "core/runtime/host_tensor.h"

namespace ingot::fuzz {

inline constexpr char kExact[] = "exact";

// What an input contains. Bounds are included; integers are whole numbers within them.
struct Domain {
  enum class Kind {
    kGrid,      // floats: multiples of 1/8
    kSmooth,    // floats: any
    kDistinct,  // no two alike, around 0 (from 0 for u8): bounds don't count
    kSpecial,   // floats: as kGrid, every third one NaN, an infinity, or a zero of either sign
  };
  Kind kind = Kind::kGrid;
  double low = -2, high = 2;
};

// Memory of an argument: empty strides are row-major. With `view_of` it is that of an earlier
// argument, from element `offset` on.
struct Placement {
  ir::Dims strides;
  int view_of = -1;
  int64_t offset = 0;
};

struct Case {
  bool is_program = false;
  uint64_t seed = 0;
  ir::Graph graph;
  std::vector<Domain> arguments, constants, states;  // by index of the inputs
  std::vector<Placement> placements;                 // by argument
  std::vector<ir::Scalar> scalars;                   // by index of the scalar inputs
};

std::string Print(const Case& c);
// InvalidArgument with the line, or what the graph's parser says. Digests of constants are those of
// the contents that the seed gives, whatever the text says.
absl::StatusOr<Case> Parse(absl::string_view text);

// The values of inputs of a role, by index.
std::vector<ir::ValueId> Inputs(const ir::Graph& graph, ir::InputRole role);

// Contents of input `index` of `role`, the same for the same case; arguments differ from call to
// call, all else does not.
absl::StatusOr<runtime::HostTensor> Contents(const Case& c, ir::InputRole role, uint32_t index,
                                             int call);

// Sets the digests of constants to those of their contents. REQUIRES: no constant is too large.
absl::Status SetDigests(Case& c);

// Constants, initial state and numbers; the signature is the caller's.
absl::StatusOr<ir::Recording> ToRecording(const Case& c);

}  // namespace ingot::fuzz

#endif  // INGOT_TESTS_FUZZ_GRAPHS_CASE_H_
