// The options that every verb with a model takes, and what they come to.
//
//   CommonFlags flags;
//   flags.Declare(options);                                              // in Verb::Declare
//   INGOT_ASSIGN_OR_RETURN(runtime::Options options, flags.Resolve());   // in Verb::Run
//
// Precedence: flag > environment (INGOT_BACKEND …) > --config file > artifact >
// default. Errors are of stage
// kUsage.
#ifndef INGOT_TOOLS_INGOT_COMMON_FLAGS_H_
#define INGOT_TOOLS_INGOT_COMMON_FLAGS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/options.h"
#include "tools/ingot/command_line.h"
#include "tools/ingot/compare.h"
#include "tools/ingot/sandbox.h"

namespace ingot::tools {

using Arguments = std::vector<runtime::HostTensor>;

struct CommonFlags {
  std::optional<std::string> backend, fallback, force_fallback, threads, precision, config,
      cache_dir, seed;
  std::optional<std::string> inputs;
  std::vector<std::string> input;
  std::optional<double> rtol, atol;
  bool json = false;
  bool untrusted = false;
  SandboxLimits sandbox;

  void Declare(OptionSet& options);

  // `stored`: options that a file was extracted with, by name; they count least.
  absl::StatusOr<runtime::Options> Resolve(
      const std::map<std::string, std::string>& stored = {}) const;
  // --seed, if given.
  absl::StatusOr<std::optional<uint64_t>> Seed() const;
  // Those given, else what `options` lead to.
  Tolerances tolerances(const runtime::Options& options) const;

  // Arguments from --inputs or --input; nullopt if neither is given.
  absl::StatusOr<std::optional<Arguments>> GivenArguments() const;
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_COMMON_FLAGS_H_
