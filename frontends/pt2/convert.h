// From an exported program to a recording.
//
//   INGOT_ASSIGN_OR_RETURN(ir::Recording recording, Convert(*archive, {{kFloat32, {4, 8}}}));
//
// The graph is specialised to the arguments' sizes: symbols take the values that the arguments give
// them, within the file's range constraints, and sizes computed from them become numbers. Every
// type is inferred anew and compared with the file's. Buffers that the program writes are state,
// arguments that it writes are written back. Weights are not copied unless their strides need it;
// they keep the archive's memory alive. Thread-safe.
//
// Arguments are the tensor leaves of the program's inputs in order; keyword arguments follow the
// positional ones, in the order that the program was exported with. Numbers, strings and None among
// the inputs are part of the program: torch.export fixes them. A size that is an input itself has
// the value that the program was exported with.
#ifndef INGOT_FRONTENDS_PT2_CONVERT_H_
#define INGOT_FRONTENDS_PT2_CONVERT_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/ir/recording.h"
#include "frontends/pt2/archive.h"

namespace ingot::pt2 {

// InvalidArgument: arguments that the program does not take (the message names argument and
// dimension), or a program that makes no sense. FailedPrecondition: sizes or numbers that follow
// from elements. Unimplemented: what graphs cannot hold. Messages name op and source line.
absl::StatusOr<ir::Recording> Convert(const Archive& archive,
                                      const std::vector<ir::TensorType>& arguments);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_CONVERT_H_
