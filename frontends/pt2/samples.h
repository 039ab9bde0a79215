// The arguments that a program was exported with, out of its archive.
#ifndef INGOT_FRONTENDS_PT2_SAMPLES_H_
#define INGOT_FRONTENDS_PT2_SAMPLES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "frontends/pt2/archive.h"
#include "frontends/pt2/constants.h"

namespace ingot::pt2 {

// The tensors in the order of the program's arguments (convert.h), row-major copies. NotFound if
// the archive has none; the errors of unpickle.h; InvalidArgument if they do not have the nesting
// that the program takes. Thread-safe.
absl::StatusOr<std::vector<HostConstant>> SampleArguments(const Archive& archive);

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_SAMPLES_H_
