// Verbs and their options: what they are called, how they are parsed, what `--help` says.
//
//   class Run : public Verb { … };
//   absl::StatusOr<ParsedCommand> command = ParseCommandLine(verbs, "0.1.0", {"run", "m.pt"});
//
// Options are `--name value` or `--name=value`, flags `--name`. Anything unknown is an error that
// says what comes nearest. The only place that knows the parser's library (CLI11) and its
// exceptions is command_line.cc. Not thread-safe.
#ifndef INGOT_TOOLS_INGOT_COMMAND_LINE_H_
#define INGOT_TOOLS_INGOT_COMMAND_LINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/ingot/exit_code.h"

namespace ingot::tools {

// Where a verb declares its options; each is bound to a variable that outlives the parsing.
class OptionSet {
 public:
  virtual ~OptionSet() = default;
  // The verb's one argument.
  virtual void Positional(const std::string& name, const std::string& help, std::string* out) = 0;
  // `name` without dashes.
  virtual void Value(const std::string& name, const std::string& help, std::string* out) = 0;
  virtual void Value(const std::string& name, const std::string& help,
                     std::optional<std::string>* out) = 0;
  virtual void Value(const std::string& name, const std::string& help,
                     std::optional<double>* out) = 0;
  virtual void Value(const std::string& name, const std::string& help, int64_t* out, int64_t low,
                     int64_t high) = 0;
  virtual void Choice(const std::string& name, const std::string& help,
                      const std::vector<std::string>& values, std::string* out) = 0;
  // May be given several times.
  virtual void List(const std::string& name, const std::string& help,
                    std::vector<std::string>* out) = 0;
  virtual void Flag(const std::string& name, const std::string& help, bool* out) = 0;
  // Short name of an option or flag that is declared next: `-o`.
  virtual void Alias(const std::string& name, char letter) = 0;
};

class Verb {
 public:
  virtual ~Verb() = default;
  virtual std::string name() const = 0;
  // One line, for the list of verbs.
  virtual std::string summary() const = 0;
  virtual void Declare(OptionSet& options) = 0;
  // Runs with the parsed options. An error is printed by the caller, as one line.
  virtual absl::StatusOr<ExitCode> Run() = 0;
};

using VerbList = std::vector<std::unique_ptr<Verb>>;

// What to do: run `verb`, or, if that is null, print `text` and be done.
struct ParsedCommand {
  Verb* verb = nullptr;
  std::string text;
};

// `arguments` without the program's name. InvalidArgument (stage kUsage): unknown verb or option,
// missing or malformed value; one line, with what to do.
absl::StatusOr<ParsedCommand> ParseCommandLine(const VerbList& verbs, absl::string_view version,
                                               const std::vector<std::string>& arguments);

// The candidate that takes the fewest edits (at most two fifths of its length) to make from
// `word`, or "".
std::string Nearest(absl::string_view word, absl::Span<const std::string> candidates);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_COMMAND_LINE_H_
