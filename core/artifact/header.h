// artifact.fbs to and from a Recording. Private to core/artifact: artifact.h is the interface.
#ifndef INGOT_CORE_ARTIFACT_HEADER_H_
#define INGOT_CORE_ARTIFACT_HEADER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/artifact/artifact.h"
#include "core/ir/recording.h"

namespace ingot::artifact {

// The header of `recording`. `offsets`: the weights' places in the file, constants first, then
// initial states; its size does not depend on them as long as none is 0. Empty: the header travels
// without weights.
std::string PackHeader(const ir::Recording& recording, const Options& options,
                       const std::vector<uint64_t>& offsets);

// One weight as the header describes it.
struct WeightEntry {
  const ir::Constant* constant = nullptr;  // without data
  std::string name;                        // for messages: constant 3 "fc1.weight"
  uint64_t offset = 0;
  uint64_t size = 0;
};

// Finds the bytes of a weight.
using FindWeight = absl::FunctionRef<absl::StatusOr<WeightBytes>(size_t index, const WeightEntry&)>;

// Parses and checks a header; InvalidArgument. `bytes` need not be aligned.
absl::StatusOr<Artifact> UnpackHeader(absl::string_view bytes, FindWeight find);

}  // namespace ingot::artifact

#endif  // INGOT_CORE_ARTIFACT_HEADER_H_
