#include "tools/ingot/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace ingot::tools {
namespace {

absl::Status UsageError(absl::string_view text) {
  return AtStage(Stage::kUsage, absl::InvalidArgumentError(text));
}

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

class Cli11Options : public OptionSet {
 public:
  explicit Cli11Options(CLI::App& app) : app_(app) {}

  const std::vector<std::string>& names() const { return names_; }

  void Positional(const std::string& name, const std::string& help, std::string* out) override {
    app_.add_option(name, *out, help)->required();
  }
  void Value(const std::string& name, const std::string& help, std::string* out) override {
    app_.add_option(Dashed(name), *out, help)->take_last();
  }
  void Value(const std::string& name, const std::string& help,
             std::optional<std::string>* out) override {
    app_.add_option_function<std::string>(
            Dashed(name), [out](const std::string& value) { *out = value; }, help)
        ->take_last();
  }
  void Value(const std::string& name, const std::string& help,
             std::optional<double>* out) override {
    app_.add_option_function<double>(
            Dashed(name), [out](const double& value) { *out = value; }, help)
        ->take_last();
  }
  void Value(const std::string& name, const std::string& help, int64_t* out, int64_t low,
             int64_t high) override {
    app_.add_option(Dashed(name), *out, help)->take_last()->check(CLI::Range(low, high));
  }
  void Choice(const std::string& name, const std::string& help,
              const std::vector<std::string>& values, std::string* out) override {
    app_.add_option(Dashed(name), *out, help)->take_last()->check([values](const std::string& v) {
      const bool known = std::find(values.begin(), values.end(), v) != values.end();
      return known ? "" : absl::StrCat("\"", v, "\" is not one of ", absl::StrJoin(values, ", "));
    });
  }
  void List(const std::string& name, const std::string& help,
            std::vector<std::string>* out) override {
    app_.add_option(Dashed(name), *out, help)->allow_extra_args(false);
  }
  void Flag(const std::string& name, const std::string& help, bool* out) override {
    app_.add_flag(Dashed(name), *out, help)->disable_flag_override();
  }
  void Alias(const std::string& name, char letter) override { aliases_[name] = letter; }

  // CLI11 takes all names of an option at once, so aliases are declared first.
  std::string Dashed(const std::string& name) {
    names_.push_back(absl::StrCat("--", name));
    const auto alias = aliases_.find(name);
    return alias == aliases_.end() ? names_.back()
                                   : absl::StrCat("-", std::string(1, alias->second), ",--", name);
  }

 private:
  CLI::App& app_;
  std::vector<std::string> names_;
  std::map<std::string, char> aliases_;
};

std::vector<std::string> VerbNames(const VerbList& verbs) {
  std::vector<std::string> names;
  for (const auto& verb : verbs) names.push_back(verb->name());
  return names;
}

std::string Overview(const VerbList& verbs) {
  std::string text =
      "ingot: records a PyTorch model once, compiles it on a backend of your choice, runs it from "
      "C++\n\nUsage: ingot VERB [MODEL] [OPTIONS]\n\nVerbs:\n";
  for (const auto& verb : verbs) {
    absl::StrAppendFormat(&text, "  %-10s %s\n", verb->name(), verb->summary());
  }
  absl::StrAppend(&text,
                  "\n\"ingot VERB --help\" lists a verb's options. Exit codes: 0 ok, 1 mismatch, 2 "
                  "usage, 3 model refused,\n4 unsupported (fallback forbidden), 5 runtime, 6 "
                  "resource or deadline, 130 interrupted.\n");
  return text;
}

Verb* FindVerb(const VerbList& verbs, absl::string_view name) {
  for (const auto& verb : verbs) {
    if (verb->name() == name) return verb.get();
  }
  return nullptr;
}

absl::Status UnknownVerb(const VerbList& verbs, absl::string_view name) {
  return UsageError(absl::StrCat("unknown verb \"", name, "\"; the verbs are ",
                                 absl::StrJoin(VerbNames(verbs), ", ")));
}

// What was wrong, in one line, without the parser's exceptions.
absl::Status DescribeError(const Verb& verb, const CLI::App& app, const Cli11Options& options,
                           const CLI::Error& error) {
  const std::string see = absl::StrCat(" (see \"ingot ", verb.name(), " --help\")");
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> extras = app.remaining();
    const std::string first = extras.empty() ? "" : extras[0];
    if (!absl::StartsWith(first, "-")) {
      return UsageError(absl::StrCat("unexpected argument \"", first, "\"", see));
    }
    const std::string name = first.substr(0, first.find('='));
    const std::string nearest = Nearest(name, options.names());
    return UsageError(absl::StrCat("unknown option ", name,
                                   nearest.empty() ? "" : "; did you mean ", nearest,
                                   nearest.empty() ? "" : "?", see));
  }
  return UsageError(absl::StrCat(error.what(), see));
}

absl::StatusOr<ParsedCommand> ParseVerb(Verb& verb, std::vector<std::string> arguments) {
  CLI::App app(verb.summary(), "ingot " + verb.name());
  Cli11Options options(app);
  verb.Declare(options);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return ParsedCommand{nullptr, app.help()};
  } catch (const CLI::Error& error) {
    return DescribeError(verb, app, options, error);
  } catch (const std::exception& error) {
    return UsageError(error.what());
  }
  return ParsedCommand{&verb, ""};
}

}  // namespace

std::string Nearest(absl::string_view word, absl::Span<const std::string> candidates) {
  std::string best;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    const bool close = distance * 5 <= candidate.size() * 2;
    if (close && (best.empty() || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

absl::StatusOr<ParsedCommand> ParseCommandLine(const VerbList& verbs, absl::string_view version,
                                               const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    return UsageError(absl::StrCat("no verb given; the verbs are ",
                                   absl::StrJoin(VerbNames(verbs), ", "),
                                   " (see \"ingot --help\")"));
  }
  const std::string& first = arguments[0];
  if (first == "--version") return ParsedCommand{nullptr, absl::StrCat("ingot ", version, "\n")};
  if (first == "--help" || first == "-h" || first == "help") {
    if (arguments.size() == 1) return ParsedCommand{nullptr, Overview(verbs)};
    Verb* const verb = FindVerb(verbs, arguments[1]);
    return verb == nullptr ? UnknownVerb(verbs, arguments[1]) : ParseVerb(*verb, {"--help"});
  }
  if (absl::StartsWith(first, "-")) {
    return UsageError(
        absl::StrCat("unknown option ", first, "; a verb comes first (see \"ingot --help\")"));
  }
  Verb* const verb = FindVerb(verbs, first);
  if (verb == nullptr) return UnknownVerb(verbs, first);
  return ParseVerb(*verb, {arguments.begin() + 1, arguments.end()});
}

}  // namespace ingot::tools
