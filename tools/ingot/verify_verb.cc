// ingot verify: is what a backend computes what LibTorch computes?
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "tools/ingot/contained.h"
#include "tools/ingot/npz.h"
#include "tools/ingot/verbs.h"
#include "tools/ingot/verify_case.h"

namespace ingot::tools {
namespace {

// What a folder's run ends with when several outcomes occurred: the first of these.
constexpr ExitCode kGravest[] = {ExitCode::kMismatch, ExitCode::kRuntime,     ExitCode::kResource,
                                 ExitCode::kRefused,  ExitCode::kUnsupported, ExitCode::kUsage};

struct Pair {
  std::string model, inputs;
};

// Kinds of models, each the extension of its files.
using Kinds = std::vector<std::string>;

Kinds AllKinds() { return {"pt", "pt2", "ingot"}; }

bool IsModel(const std::filesystem::path& path, const Kinds& kinds) {
  const std::string extension = path.extension().string();
  return absl::c_linear_search(kinds, absl::StripPrefix(extension, "."));
}

// Every model of these kinds below the folder that has a .npz of its name, by path.
absl::StatusOr<std::vector<Pair>> FindPairs(const std::string& folder, const Kinds& kinds) {
  std::vector<Pair> pairs;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    if (!IsModel(path, kinds)) continue;
    std::filesystem::path inputs = path;
    inputs.replace_extension(".npz");
    std::error_code missing;
    if (std::filesystem::exists(inputs, missing)) pairs.push_back({path.string(), inputs.string()});
  }
  if (error) {
    return AtStage(Stage::kModel, absl::UnknownError(absl::StrCat(folder, ": ", error.message())));
  }
  if (pairs.empty()) {
    return AtStage(Stage::kUsage,
                   absl::NotFoundError(absl::StrCat(folder, ": no .", absl::StrJoin(kinds, ", ."),
                                                    " file here has a .npz of its name")));
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return a.model < b.model; });
  return pairs;
}

class VerifyVerb : public Verb {
 public:
  std::string name() const override { return "verify"; }
  std::string summary() const override {
    return "compare a model, or a folder of them, with LibTorch";
  }
  void Declare(OptionSet& options) override {
    options.Positional(
        "MODEL", "a .pt, .pt2 or .ingot file, or a folder: each model that has a .npz of its name",
        &model_);
    options.Choice("oracle",
                   "eager (default): LibTorch in the model's own dtypes, within the tolerances; "
                   "float64: at most 4 times as far from float64 as LibTorch's own run",
                   {"eager", "float64"}, &oracle_);
    options.Value("fresh", "calls with permuted and scaled arguments after the given ones",
                  &settings_.fresh, 0, 1000000);
    options.Choice("only", "of a folder, the models of one kind", AllKinds(), &only_);
    flags_.Declare(options);
  }
  absl::StatusOr<ExitCode> Run() override {
    settings_.float64 = oracle_ == "float64";
    INGOT_RETURN_IF_ERROR(flags_.Resolve().status());
    std::error_code error;
    return std::filesystem::is_directory(model_, error) ? VerifyFolder() : VerifyFile();
  }

 private:
  absl::StatusOr<ExitCode> VerifyFile() {
    if (!only_.empty()) {
      return AtStage(Stage::kUsage, absl::InvalidArgumentError("--only is for folders"));
    }
    INGOT_ASSIGN_OR_RETURN(std::optional<Arguments> arguments, flags_.GivenArguments());
    const CaseResult result = VerifyCase(model_, std::move(arguments), flags_, settings_);
    const bool failed = result.code != ExitCode::kOk && result.code != ExitCode::kMismatch;
    if (flags_.json || !failed) Print(result);
    // What went wrong is told on stderr, as every verb does.
    if (failed) std::fprintf(stderr, "ingot: %s\n", result.message.c_str());
    return result.code;
  }

  absl::StatusOr<ExitCode> VerifyFolder() {
    if (flags_.inputs || !flags_.input.empty()) {
      return AtStage(Stage::kUsage,
                     absl::InvalidArgumentError(
                         "a folder's models come with their .npz: leave --inputs and --input out"));
    }
    INGOT_ASSIGN_OR_RETURN(const std::vector<Pair> pairs,
                           FindPairs(model_, only_.empty() ? AllKinds() : Kinds{only_}));
    std::map<std::string, int64_t> counts;
    std::map<ExitCode, int64_t> codes;
    const auto finish = [&](size_t i, const Contained& contained) {
      const Line line = LineOf(pairs[i], contained);
      PrintText(line.text);
      ++counts[std::string(VerifyStatusName(line.code))];
      ++codes[line.code];
    };
    INGOT_RETURN_IF_ERROR(RunContained(
        pairs.size(), [&](size_t i) { return Pack(VerifyPair(pairs[i])); }, finish));
    Json summary = {{"summary", true}, {"cases", pairs.size()}};
    for (const char* status : {"ok", "mismatch", "refused", "unsupported", "error"}) {
      summary[status] = counts[status];
    }
    if (flags_.json) {
      PrintJsonLine(summary);
    } else {
      PrintText(absl::StrCat(pairs.size(), " cases: ", counts["ok"], " ok, ", counts["mismatch"],
                             " mismatch, ", counts["refused"], " refused, ", counts["unsupported"],
                             " unsupported, ", counts["error"], " error"));
    }
    for (const ExitCode code : kGravest) {
      if (codes[code] > 0) return code;
    }
    return ExitCode::kOk;
  }

  CaseResult VerifyPair(const Pair& pair) {
    absl::StatusOr<Arguments> arguments = ReadArguments(pair.inputs);
    if (arguments.ok()) return VerifyCase(pair.model, *std::move(arguments), flags_, settings_);
    CaseResult result = ResultOf(pair);
    result.code = ExitCode::kRefused;
    result.message = OneLine(arguments.status());
    return result;
  }

  // A case's outcome, as it comes from the process that found it.
  struct Line {
    ExitCode code = ExitCode::kOk;
    std::string text;  // as it is printed
  };

  std::string TextOf(const CaseResult& result) const {
    return flags_.json ? JsonText(ToJson(result)) : ToText(result);
  }

  std::string Pack(const CaseResult& result) const {
    return absl::StrCat(static_cast<int>(result.code), " ", TextOf(result));
  }

  Line LineOf(const Pair& pair, const Contained& contained) const {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(contained.text, absl::MaxSplits(' ', 1));
    int code = 0;
    if (contained.death.empty() && absl::SimpleAtoi(parts.first, &code)) {
      return {static_cast<ExitCode>(code), std::string(parts.second)};
    }
    CaseResult result = ResultOf(pair);
    result.code = ExitCode::kRuntime;
    result.message =
        absl::StrCat("the process that verified this case was lost: ", contained.death);
    return {result.code, TextOf(result)};
  }

  CaseResult ResultOf(const Pair& pair) const {
    CaseResult result;
    result.model = pair.model;
    result.backend = flags_.backend.value_or("auto");
    return result;
  }

  void Print(const CaseResult& result) const { PrintText(TextOf(result)); }

  std::string model_, oracle_ = "eager", only_;
  VerifySettings settings_;
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeVerifyVerb() { return std::make_unique<VerifyVerb>(); }

}  // namespace ingot::tools
