// The `.ingot` file: a recording with its weights, ready to compile. docs/ingot-file.md has the
// bytes.
//
//   INGOT_RETURN_IF_ERROR(WriteArtifact("m.ingot", recording, {{"backend", "onednn"}}));
//   INGOT_ASSIGN_OR_RETURN(Artifact artifact, ReadArtifact("m.ingot"));
//
// Weights are not copied on reading: constants point into a mapping of the file that their `owner`
// keeps alive. Initial states too; whoever changes a state copies it first. Thread-safe.
//
// Errors: NotFound (no such file), DataLoss (not an `.ingot` file, truncated, corrupt, or parts
// that do not fit each other), FailedPrecondition (a format that this build does not read), and
// those of Env.
#ifndef INGOT_CORE_ARTIFACT_ARTIFACT_H_
#define INGOT_CORE_ARTIFACT_ARTIFACT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/env.h"
#include "core/ir/recording.h"

namespace ingot::artifact {

// The options that the recording was extracted with: "backend", "fallback", …
using Options = std::map<std::string, std::string>;

struct Artifact {
  ir::Recording recording;
  Options options;
  std::string producer;  // "ingot 0.1.0": who wrote it
};

// Writes the file in one step: afterwards `path` holds either all of it or what it held before.
// Weights of equal bytes are stored once. InvalidArgument if the recording's parts do not fit each
// other, Internal if the bytes of a weight are no longer those of its digest.
absl::Status WriteArtifact(const std::string& path, const ir::Recording& recording,
                           const Options& options = {}, Env& env = Env::Default());

struct ReadOptions {
  // Compares the weights with their digests, at about 2 GB/s a core with SHA instructions.
  // Without it only the header is checked, and pages of weights are read when they are first used.
  bool verify_weights = true;
};

absl::StatusOr<Artifact> ReadArtifact(const std::string& path, const ReadOptions& options = {},
                                      Env& env = Env::Default());

// The header alone, as it travels between a frontend and its host: a FlatBuffer of artifact.fbs
// whose entries have no place in a file.
std::string SerializeHeader(const ir::Recording& recording, const Options& options = {});

// Memory of one weight that travels beside a header.
struct WeightBytes {
  const void* data = nullptr;
  uint64_t size = 0;
  std::shared_ptr<const void> owner;
  const ReadableMapping* file = nullptr;  // see ir::Constant
};

// Inverse of SerializeHeader. `weights`: constants first, then initial states, as many as the
// header has. InvalidArgument if the header is malformed, its parts do not fit each other, or a
// size is wrong. Digests are not compared with the bytes.
absl::StatusOr<Artifact> ParseHeader(absl::string_view header,
                                     absl::Span<const WeightBytes> weights);

}  // namespace ingot::artifact

#endif  // INGOT_CORE_ARTIFACT_ARTIFACT_H_
