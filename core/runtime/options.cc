#include "core/runtime/options.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"

namespace ingot::runtime {
namespace {

constexpr int kMaxThreads = 1024;
constexpr absl::string_view kAutoBackends[] = {"onednn", "torchscript", "reference"};

// The names of an enumeration's values.
template <typename E>
struct Named {
  E value;
  absl::string_view name;
};
constexpr Named<FallbackPolicy> kPolicies[] = {{FallbackPolicy::kForbid, "forbid"},
                                               {FallbackPolicy::kWarn, "warn"},
                                               {FallbackPolicy::kAllow, "allow"}};
constexpr Named<LeadingSizes> kLeadingSizes[] = {{LeadingSizes::kExact, "exact"},
                                                 {LeadingSizes::kBuckets, "buckets"}};
constexpr Named<Precision> kPrecisions[] = {{Precision::kF32, "f32"}, {Precision::kBf16, "bf16"}};

template <typename E, size_t n>
absl::string_view NameOf(const Named<E> (&table)[n], E value) {
  for (const Named<E>& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

// `wanted`: what a name should have been, for the error.
template <typename E, size_t n>
absl::StatusOr<E> Find(const Named<E> (&table)[n], absl::string_view name,
                       absl::string_view wanted) {
  for (const Named<E>& entry : table) {
    if (entry.name == name) return entry.value;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not ", wanted));
}

std::vector<std::string> SplitList(absl::string_view text) {
  std::vector<std::string> items;
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    item = absl::StripAsciiWhitespace(item);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

// --- Options from text: a reader each, of a value without blanks around it ---

absl::StatusOr<std::string> ReadText(absl::string_view value) { return std::string(value); }
absl::StatusOr<std::vector<std::string>> ReadList(absl::string_view value) {
  return SplitList(value);
}

constexpr char kThreadCount[] = "a number of threads";
constexpr char kByteCount[] = "a number of bytes";
constexpr char kSignatureCount[] = "a number of signatures";
constexpr char kSeed[] = "a seed (0 to 2^64-1)";
template <typename T, const char* kWanted>
absl::StatusOr<T> ReadNumber(absl::string_view value) {
  T number{};
  if (absl::SimpleAtoi(value, &number)) return number;
  return absl::InvalidArgumentError(absl::StrCat("'", value, "' is not ", kWanted));
}

// --- The table of options ---

struct OptionRow {
  absl::string_view name;
  absl::Status (*set)(absl::string_view value, OptionOverrides& out);
  void (*merge)(const OptionOverrides& layer, Options& options);
};

template <auto kOption, auto kOverride, auto kRead>
constexpr OptionRow Row(absl::string_view name) {
  return {name,
          [](absl::string_view value, OptionOverrides& out) -> absl::Status {
            INGOT_ASSIGN_OR_RETURN(out.*kOverride, kRead(value));
            return absl::OkStatus();
          },
          [](const OptionOverrides& layer, Options& options) {
            if (layer.*kOverride) options.*kOption = *(layer.*kOverride);
          }};
}

using O = Options;
using V = OptionOverrides;
constexpr OptionRow kOptions[] = {
    Row<&O::backend, &V::backend, ReadText>("backend"),
    Row<&O::fallback, &V::fallback, ParseFallbackPolicy>("fallback"),
    Row<&O::force_fallback, &V::force_fallback, ReadList>("force_fallback"),
    Row<&O::threads, &V::threads, ReadNumber<int, kThreadCount>>("threads"),
    Row<&O::precision, &V::precision, ParsePrecision>("precision"),
    Row<&O::cache_bytes, &V::cache_bytes, ReadNumber<size_t, kByteCount>>("cache_bytes"),
    Row<&O::leading_sizes, &V::leading_sizes, ParseLeadingSizes>("leading_sizes"),
    Row<&O::max_specializations, &V::max_specializations, ReadNumber<int, kSignatureCount>>(
        "max_specializations"),
    Row<&O::plugin_folders, &V::plugin_folders, ReadList>("plugin_folders"),
    Row<&O::seed, &V::seed, ReadNumber<uint64_t, kSeed>>("seed"),
};

// "INGOT_CACHE_BYTES"
std::string VariableOf(const OptionRow& option) {
  return absl::StrCat("INGOT_", absl::AsciiStrToUpper(option.name));
}

// CPUs granted by cgroup v2's cpu.max ("quota period" or "max period"), rounded up; 0: no limit.
int CgroupCpus() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  int64_t period = 0, microseconds = 0;
  if (!(file >> quota >> period) || period <= 0 || !absl::SimpleAtoi(quota, &microseconds))
    return 0;
  return static_cast<int>(std::max<int64_t>(1, (microseconds + period - 1) / period));
}

}  // namespace

absl::string_view FallbackPolicyName(FallbackPolicy policy) { return NameOf(kPolicies, policy); }

absl::StatusOr<FallbackPolicy> ParseFallbackPolicy(absl::string_view name) {
  return Find(kPolicies, name, "a fallback policy: use forbid, warn or allow");
}

absl::string_view LeadingSizesName(LeadingSizes policy) { return NameOf(kLeadingSizes, policy); }

absl::StatusOr<LeadingSizes> ParseLeadingSizes(absl::string_view name) {
  return Find(kLeadingSizes, name, "a policy for leading sizes: use exact or buckets");
}

absl::string_view PrecisionName(Precision precision) { return NameOf(kPrecisions, precision); }

absl::StatusOr<Precision> ParsePrecision(absl::string_view name) {
  return Find(kPrecisions, name, "a precision: use f32 or bf16");
}

absl::Status SetOption(absl::string_view name, absl::string_view value, OptionOverrides& out) {
  for (const OptionRow& option : kOptions) {
    if (option.name == name) return option.set(absl::StripAsciiWhitespace(value), out);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown option '", name,
      "'; known: ", absl::StrJoin(kOptions, ", ", [](std::string* out, const OptionRow& o) {
        absl::StrAppend(out, o.name);
      })));
}

absl::StatusOr<OptionOverrides> OptionsFromEnvironment() {
  OptionOverrides overrides;
  for (const OptionRow& option : kOptions) {
    const std::string variable = VariableOf(option);
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    INGOT_RETURN_IF_ERROR(option.set(value, overrides),
                          absl::StrCat("environment variable ", variable));
  }
  return overrides;
}

absl::StatusOr<OptionOverrides> ParseOptionsFile(absl::string_view text, absl::string_view source) {
  OptionOverrides overrides;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::string where = absl::StrCat(source, ":", number);
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": '", line, "' is not 'name = value'"));
    }
    INGOT_RETURN_IF_ERROR(SetOption(absl::StripAsciiWhitespace(line.substr(0, equals)),
                                    line.substr(equals + 1), overrides),
                          where);
  }
  return overrides;
}

absl::StatusOr<OptionOverrides> ReadOptionsFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("options file ", path, " cannot be read"));
  std::stringstream text;
  text << file.rdbuf();
  return ParseOptionsFile(text.str(), path);
}

absl::StatusOr<Options> ResolveOptions(absl::Span<const OptionOverrides> layers) {
  Options options;
  for (size_t i = layers.size(); i-- > 0;) {
    for (const OptionRow& option : kOptions) option.merge(layers[i], options);
  }
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return absl::InvalidArgumentError(absl::StrCat(
        "threads=", options.threads, " is out of range: use 0 (automatic) to ", kMaxThreads));
  }
  if (options.max_specializations < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_specializations=", options.max_specializations, " is out of range: use 1 or more"));
  }
  if (SplitList(options.backend).empty()) {
    return absl::InvalidArgumentError("backend is empty: name one, or use auto");
  }
  return options;
}

std::vector<std::string> BackendPriority(const Options& options) {
  std::vector<std::string> priority;
  const auto add = [&](absl::string_view name) {
    if (std::find(priority.begin(), priority.end(), name) == priority.end())
      priority.emplace_back(name);
  };
  for (const std::string& name : SplitList(options.backend)) {
    if (name == "auto") {
      for (absl::string_view known : kAutoBackends) add(known);
    } else {
      add(name);
    }
  }
  if (options.fallback != FallbackPolicy::kForbid) {
    for (absl::string_view known : kAutoBackends) add(known);
  }
  return priority;
}

int EffectiveThreads(int requested) {
  if (requested > 0) return requested;
  cpu_set_t set;
  int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  if (const int quota = CgroupCpus(); quota > 0) cpus = std::min(cpus, quota);
  return std::max(1, cpus);
}

}  // namespace ingot::runtime
