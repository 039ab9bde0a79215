// NumPy's .npz archives: named arrays in a zip file.
//
//   INGOT_ASSIGN_OR_RETURN(std::vector<NamedTensor> arrays, ReadNpz("inputs.npz"));
//   INGOT_RETURN_IF_ERROR(WriteNpz("outputs.npz", {{"result0", view}}));
//
// bfloat16, which NumPy lacks, travels as uint16 bits in an array whose name ends in ".bf16"
// ("arg0.bf16"); readers give it back as bf16 under the name without the suffix. Other arrays of
// uint16 are refused. Input is untrusted: sizes are checked against the file before memory is
// taken.
#ifndef INGOT_TOOLS_INGOT_NPZ_H_
#define INGOT_TOOLS_INGOT_NPZ_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/runtime/host_tensor.h"

namespace ingot::tools {

struct NamedTensor {
  std::string name;
  runtime::HostTensor tensor;
};

// All arrays, row-major, in the archive's order. NotFound: no such file. InvalidArgument: not a zip
// archive, or an array of a kind that is not supported. DataLoss: cut off, or a checksum is wrong.
// Texts name the file and the array.
absl::StatusOr<std::vector<NamedTensor>> ReadNpz(const std::string& path);

// The arrays arg0, arg1, … in order. InvalidArgument if one is missing or there are others.
absl::StatusOr<std::vector<runtime::HostTensor>> ReadArguments(const std::string& path);

// The file appears whole or not at all (files.h).
absl::Status WriteNpz(const std::string& path,
                      absl::Span<const std::pair<std::string, ingot_tensor>> arrays);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_NPZ_H_
