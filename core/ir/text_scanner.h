// Characters of the text form, with positions for messages. Private to the parser (text_parse.cc).
//
// Spaces, line ends and comments (`#` to the end of the line) separate tokens and mean nothing
// else.
#ifndef INGOT_CORE_IR_TEXT_SCANNER_H_
#define INGOT_CORE_IR_TEXT_SCANNER_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::ir {

class TextScanner {
 public:
  explicit TextScanner(absl::string_view text) : text_(text) {}

  bool AtEnd();
  // The next character that isn't space, '\0' at the end; not consumed.
  char Peek();
  // Consumes `c` if it is next.
  bool Accept(char c);
  absl::Status Expect(char c);

  // Letters, digits, '_', '.', and ':'; empty if none is next. An op name, a keyword, a dtype.
  absl::string_view PeekWord();
  absl::string_view TakeWord();
  // As a word, without ':': a value's name.
  absl::string_view TakeName();
  bool AcceptWord(absl::string_view word);
  absl::Status ExpectWord(absl::string_view word);

  // A decimal integer, or a float if it has a point, exponent, inf or nan.
  absl::StatusOr<std::variant<int64_t, double>> Number();
  absl::StatusOr<int64_t> Integer();
  absl::StatusOr<double> Float();  // an integer's text counts as an error
  absl::StatusOr<uint32_t> Index();
  // Between double quotes, with C escapes.
  absl::StatusOr<std::string> Quoted();

  // InvalidArgument "line:column: message", of the next token.
  absl::Status Error(absl::string_view message);

 private:
  void SkipSpace();

  absl::string_view text_;
  size_t position_ = 0;
};

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_TEXT_SCANNER_H_
