// What a user may choose, and where a choice comes from.
//
// Precedence: call > flag > environment > file > default. Each layer is an `OptionOverrides` that
// sets some fields; `ResolveOptions` lays them over each other.
//
//   OptionOverrides flags; flags.backend = "onednn";
//   INGOT_ASSIGN_OR_RETURN(OptionOverrides env, OptionsFromEnvironment());
//   INGOT_ASSIGN_OR_RETURN(Options options, ResolveOptions({flags, env}));   // strongest first
#ifndef INGOT_CORE_RUNTIME_OPTIONS_H_
#define INGOT_CORE_RUNTIME_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace ingot::runtime {

enum class FallbackPolicy {
  kForbid,  // a node that the chosen backend does not take fails the extraction
  kWarn,    // as kAllow, and each is logged
  kAllow,   // the next backend in the list takes it
};

absl::string_view FallbackPolicyName(FallbackPolicy policy);  // "forbid", "warn", "allow"
// InvalidArgument listing the known names.
absl::StatusOr<FallbackPolicy> ParseFallbackPolicy(absl::string_view name);

// How a program that is called with ever new leading sizes (batches) is compiled: one graph a size,
// or one for all sizes up to the next power of two, if the graph computes each row of its results
// from the same row of its arguments alone. Either way results are exact.
enum class LeadingSizes { kExact, kBuckets };

absl::string_view LeadingSizesName(LeadingSizes policy);  // "exact", "buckets"
absl::StatusOr<LeadingSizes> ParseLeadingSizes(absl::string_view name);

// What products and convolutions may round their factors to. kBf16 is a permission, which a machine
// without instructions for it does not use: each factor is off by 2^-9 of itself at most, so a sum
// of products by 2^-8 of the sum of their magnitudes; sums, and all other ops, stay as they are.
enum class Precision { kF32, kBf16 };

absl::string_view PrecisionName(Precision precision);  // "f32", "bf16"
absl::StatusOr<Precision> ParsePrecision(absl::string_view name);

struct Options {
  // A backend's name or plugin path; several, comma separated, in order of priority; or "auto": the
  // first of onednn, torchscript, reference that takes the whole graph.
  std::string backend = "auto";
  FallbackPolicy fallback = FallbackPolicy::kForbid;
  // Ops that count as not supported by the first backend, to test fallback: "aten::sub" (any
  // overload) or "aten::sub.Tensor".
  std::vector<std::string> force_fallback;
  // Threads of each executable. 0: CPUs in the affinity mask, capped by the cgroup's quota.
  int threads = 0;
  // Other than kF32: backends that have no such option are not there for this session.
  Precision precision = Precision::kF32;
  // Bytes of compiled executables kept for reuse.
  size_t cache_bytes = size_t{1} << 30;
  LeadingSizes leading_sizes = LeadingSizes::kExact;
  // Signatures that one program is compiled for, after which calls of new ones are refused; counted
  // anew when its weights were changed. At least 1.
  int max_specializations = 256;
  // Folders searched for plugins before the executable's own.
  std::vector<std::string> plugin_folders;
  // Seed of the stream from which calls without a seed of their own draw; unset: from the system.
  std::optional<uint64_t> seed;
};

// As Options, field by field; both go into options.cc's table.
struct OptionOverrides {
  std::optional<std::string> backend;
  std::optional<FallbackPolicy> fallback;
  std::optional<std::vector<std::string>> force_fallback;
  std::optional<int> threads;
  std::optional<Precision> precision;
  std::optional<size_t> cache_bytes;
  std::optional<LeadingSizes> leading_sizes;
  std::optional<int> max_specializations;
  std::optional<std::vector<std::string>> plugin_folders;
  std::optional<uint64_t> seed;
};

// Sets one option from text, by the name of its field. InvalidArgument for an unknown name (lists
// the known ones) or a malformed value. Lists are comma separated.
absl::Status SetOption(absl::string_view name, absl::string_view value, OptionOverrides& out);

// Each option from the variable of its name in capitals: INGOT_CACHE_BYTES. Errors name the
// variable.
absl::StatusOr<OptionOverrides> OptionsFromEnvironment();

// Lines "name = value"; '#' starts a comment. Errors name `source` and line.
absl::StatusOr<OptionOverrides> ParseOptionsFile(absl::string_view text, absl::string_view source);
absl::StatusOr<OptionOverrides> ReadOptionsFile(const std::string& path);

// Layers in order of decreasing precedence. InvalidArgument for values out of range.
absl::StatusOr<Options> ResolveOptions(absl::Span<const OptionOverrides> layers);

// `options.backend` as a priority list: "auto" spelled out, blanks dropped. Under a policy that
// allows fallback, the backends of "auto" that are not named follow the named ones.
std::vector<std::string> BackendPriority(const Options& options);

// Threads to use for `requested` (see Options::threads); at least 1.
int EffectiveThreads(int requested);

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_OPTIONS_H_
