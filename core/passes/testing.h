// Recordings from text, for tests of passes.
//
//   ir::Recording r = MakeRecording("%0 : f32[2] = argument 0  %1 : f32[] = constant 0 sha256:$0
//   …",
//                                   {Floats({}, {0.5})});
//   EXPECT_TRUE(Change(Canonicalize, r));          // runs, verifies, renumbers
//   EXPECT_EQ(Nodes(r), "%2 = aten::mul.Scalar(%0, 0.5)\n");
#ifndef INGOT_CORE_PASSES_TESTING_H_
#define INGOT_CORE_PASSES_TESTING_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/ir/recording.h"
#include "core/passes/pass.h"

namespace ingot::passes {

// Row-major constants that own their bytes.
ir::Constant Floats(ir::Dims dims, std::initializer_list<float> values);
ir::Constant Doubles(ir::Dims dims, std::initializer_list<double> values);
ir::Constant Int64s(ir::Dims dims, std::initializer_list<int64_t> values);

// The graph `body` (without its frame, "returns" included), verified. `$k` stands for the digest of
// constant k; scalar inputs are bound to the literals 0, 1, 2 … in their dtypes. A test failure if
// anything is wrong.
ir::Recording MakeRecording(absl::string_view body, std::vector<ir::Constant> constants = {});

// Runs the pass; a test failure if it fails or leaves a graph that does not verify, or constants or
// scalars out of step. Renumbers the graph. Whether the pass says that it changed anything.
bool Change(absl::StatusOr<bool> (*pass)(ir::Recording&), ir::Recording& recording);

// One line a node, without types.
std::string Nodes(const ir::Recording& recording);

}  // namespace ingot::passes

#endif  // INGOT_CORE_PASSES_TESTING_H_
