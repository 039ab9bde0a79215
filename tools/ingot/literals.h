// Tensor literals of the command line.
//
//   --input=2x3xf32=1,2,3,4,5,6     six elements, row-major
//   --input=1x3x224x224xf32         seeded random elements
//   --input=f32=1.5                 rank 0
//
// Element types are those of the text form: b8 u8 i8 i16 i32 i64 f16 bf16 f32 f64 c64 c128. Values:
// decimal numbers, inf, nan; true and false for b8; 1+2j for complex numbers.
#ifndef INGOT_TOOLS_INGOT_LITERALS_H_
#define INGOT_TOOLS_INGOT_LITERALS_H_

#include <random>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/runtime/host_tensor.h"

namespace ingot::tools {

// Source of the CLI's random numbers; the same everywhere for one seed.
using Random = std::mt19937_64;

// Standard normal floats; integers are 0 or 1, which are valid as indices, masks and flags.
absl::StatusOr<runtime::HostTensor> RandomTensor(const ir::TensorType& type, Random& random);

// InvalidArgument: with the literal and the column (from 1) of what is wrong.
absl::StatusOr<runtime::HostTensor> ParseLiteral(absl::string_view literal, Random& random);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_LITERALS_H_
