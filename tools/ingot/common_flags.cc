#include "tools/ingot/common_flags.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/literals.h"
#include "tools/ingot/npz.h"

namespace ingot::tools {
namespace {

// Of the largest magnitude of a result: what a whole model's worth of roundings to bf16 comes to.
// Each is 2^-9 at most; deep networks of random weights, which amplify them most, reach 8 %.
constexpr double kBf16Part = 0.1;

absl::Status UsageError(absl::string_view text) {
  return AtStage(Stage::kUsage, absl::InvalidArgumentError(text));
}

}  // namespace

void CommonFlags::Declare(OptionSet& options) {
  options.Value("inputs", "file with the arguments as arrays arg0, arg1, … (.npz)", &inputs);
  options.List("input",
               "one argument, in order: 2x3xf32=1,2,3,4,5,6, or 1x3x224x224xf32 (seeded random)",
               &input);
  options.Value("backend",
                "onednn, torchscript, reference, a plugin's path, a comma separated priority list, "
                "or auto (default)",
                &backend);
  options.Value("fallback",
                "for ops that the first backend does not take: forbid (default), warn, allow",
                &fallback);
  options.Value("force-fallback", "ops that count as not taken, comma separated: aten::sub",
                &force_fallback);
  options.Value("threads", "threads of the compiled graph; 0: all CPUs this process may use",
                &threads);
  options.Value("precision",
                "what products may round their factors to: f32 (default: not at all), bf16",
                &precision);
  options.Value("config", "file with lines \"name = value\" for these options", &config);
  options.Value("cache-dir", "folder of the disk cache (this build has none)", &cache_dir);
  options.Value("seed", "for random arguments, and for models that draw random numbers", &seed);
  options.Value("rtol", "verify: relative tolerance (default: torch.testing.assert_close's)",
                &rtol);
  options.Value("atol", "verify: absolute tolerance (default: torch.testing.assert_close's)",
                &atol);
  options.Flag("untrusted",
               "load and record the model in a sandboxed child process: no network, no files, no "
               "programs (docs/untrusted.md)",
               &untrusted);
  options.Value("untrusted-memory", "MiB of address space for that child", &sandbox.memory_mib, 256,
                int64_t{1} << 30);
  options.Value("untrusted-seconds", "time for that child", &sandbox.seconds, 1, 1000000);
  options.Flag("json", "print one JSON object a model on stdout", &json);
}

Tolerances CommonFlags::tolerances(const runtime::Options& options) const {
  Tolerances tolerances = {rtol, atol};
  const bool is_given = rtol.has_value() || atol.has_value();
  if (options.precision == runtime::Precision::kBf16 && !is_given)
    tolerances.of_largest = kBf16Part;
  return tolerances;
}

absl::StatusOr<runtime::Options> CommonFlags::Resolve(
    const std::map<std::string, std::string>& stored) const {
  if (cache_dir) {
    return UsageError("--cache-dir: there is no disk cache in this build; leave the option out");
  }
  runtime::OptionOverrides flags;
  const std::pair<absl::string_view, const std::optional<std::string>*> named[] = {
      {"backend", &backend}, {"fallback", &fallback},   {"force_fallback", &force_fallback},
      {"threads", &threads}, {"precision", &precision}, {"seed", &seed}};
  for (const auto& [name, value] : named) {
    if (*value) {
      INGOT_RETURN_IF_ERROR(AtStage(Stage::kUsage, runtime::SetOption(name, **value, flags)));
    }
  }
  auto environment = runtime::OptionsFromEnvironment();
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kUsage, environment.status()));
  runtime::OptionOverrides file;
  if (config) {
    auto read = runtime::ReadOptionsFile(*config);
    INGOT_RETURN_IF_ERROR(AtStage(Stage::kUsage, read.status()));
    file = *std::move(read);
  }
  runtime::OptionOverrides artifact;
  for (const auto& [name, value] : stored) {
    INGOT_RETURN_IF_ERROR(AtStage(Stage::kModel, runtime::SetOption(name, value, artifact)),
                          "option stored in the file");
  }
  auto options = runtime::ResolveOptions({flags, *environment, file, artifact});
  INGOT_RETURN_IF_ERROR(AtStage(Stage::kUsage, options.status()));
  return options;
}

absl::StatusOr<std::optional<uint64_t>> CommonFlags::Seed() const {
  if (!seed) return std::optional<uint64_t>();
  uint64_t value = 0;
  if (!absl::SimpleAtoi(*seed, &value)) {
    return UsageError(absl::StrCat("--seed: \"", *seed, "\" is not a number from 0 to 2^64-1"));
  }
  return std::optional<uint64_t>(value);
}

absl::StatusOr<std::optional<Arguments>> CommonFlags::GivenArguments() const {
  if (inputs && !input.empty()) {
    return UsageError("give either --inputs or --input, not both");
  }
  if (inputs) {
    absl::StatusOr<Arguments> arguments = ReadArguments(*inputs);
    INGOT_RETURN_IF_ERROR(AtStage(Stage::kUsage, arguments.status()));
    return std::optional<Arguments>(*std::move(arguments));
  }
  if (input.empty()) return std::optional<Arguments>();
  INGOT_ASSIGN_OR_RETURN(const std::optional<uint64_t> given_seed, Seed());
  Random random(given_seed.value_or(0));
  Arguments arguments;
  for (const std::string& literal : input) {
    absl::StatusOr<runtime::HostTensor> tensor = ParseLiteral(literal, random);
    INGOT_RETURN_IF_ERROR(AtStage(Stage::kUsage, tensor.status()), "--input");
    arguments.push_back(*std::move(tensor));
  }
  return std::optional<Arguments>(std::move(arguments));
}

}  // namespace ingot::tools
