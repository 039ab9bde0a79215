#include "core/ir/text_scanner.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace ingot::ir {
namespace {

bool IsWordChar(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':'; }

bool IsNumberChar(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '+' || c == '-'; }

template <typename T>
bool ParseAll(absl::string_view text, T* value) {
  const char* end = text.data() + text.size();
  const std::from_chars_result result = std::from_chars(text.data(), end, *value);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

void TextScanner::SkipSpace() {
  while (position_ < text_.size()) {
    if (text_[position_] == '#') {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (absl::ascii_isspace(text_[position_])) {
      ++position_;
    } else {
      return;
    }
  }
}

bool TextScanner::AtEnd() {
  SkipSpace();
  return position_ == text_.size();
}

char TextScanner::Peek() { return AtEnd() ? '\0' : text_[position_]; }

bool TextScanner::Accept(char c) {
  if (AtEnd() || text_[position_] != c) return false;
  ++position_;
  return true;
}

absl::Status TextScanner::Expect(char c) {
  if (Accept(c)) return absl::OkStatus();
  return Error(absl::StrCat("expected '", absl::string_view(&c, 1), "'"));
}

absl::string_view TextScanner::PeekWord() {
  SkipSpace();
  size_t end = position_;
  while (end < text_.size() && IsWordChar(text_[end])) ++end;
  return text_.substr(position_, end - position_);
}

absl::string_view TextScanner::TakeWord() {
  const absl::string_view word = PeekWord();
  position_ += word.size();
  return word;
}

absl::string_view TextScanner::TakeName() {
  const absl::string_view word = PeekWord();
  const absl::string_view name = word.substr(0, word.find(':'));
  position_ += name.size();
  return name;
}

bool TextScanner::AcceptWord(absl::string_view word) {
  if (PeekWord() != word) return false;
  position_ += word.size();
  return true;
}

absl::Status TextScanner::ExpectWord(absl::string_view word) {
  if (AcceptWord(word)) return absl::OkStatus();
  return Error(absl::StrCat("expected '", word, "'"));
}

absl::StatusOr<std::variant<int64_t, double>> TextScanner::Number() {
  SkipSpace();
  size_t end = position_;
  while (end < text_.size() && IsNumberChar(text_[end])) ++end;
  const absl::string_view word = text_.substr(position_, end - position_);
  int64_t i = 0;
  double d = 0;
  if (ParseAll(word, &i)) {
    position_ = end;
    return i;
  }
  // from_chars takes digits only as a float too; those are integers out of range.
  const bool float_form = word.find_first_of(".einf") != absl::string_view::npos;
  if (float_form && ParseAll(word, &d)) {
    position_ = end;
    return d;
  }
  return Error(word.empty() ? "expected a number"
                            : absl::StrCat("'", word, "' is not a 64-bit integer or a float"));
}

absl::StatusOr<int64_t> TextScanner::Integer() {
  SkipSpace();
  const size_t start = position_;
  INGOT_ASSIGN_OR_RETURN((std::variant<int64_t, double> number), Number());
  if (const int64_t* i = std::get_if<int64_t>(&number)) return *i;
  position_ = start;
  return Error("expected an integer");
}

absl::StatusOr<double> TextScanner::Float() {
  SkipSpace();
  const size_t start = position_;
  INGOT_ASSIGN_OR_RETURN((std::variant<int64_t, double> number), Number());
  if (const double* d = std::get_if<double>(&number)) return *d;
  position_ = start;
  return Error("expected a float (with a point or an exponent)");
}

absl::StatusOr<uint32_t> TextScanner::Index() {
  SkipSpace();
  const size_t start = position_;
  INGOT_ASSIGN_OR_RETURN(const int64_t value, Integer());
  if (value >= 0 && value < std::numeric_limits<uint32_t>::max()) {
    return static_cast<uint32_t>(value);
  }
  position_ = start;
  return Error("an index is out of range");
}

absl::StatusOr<std::string> TextScanner::Quoted() {
  if (Peek() != '"') return Error("expected a text in double quotes");
  size_t end = position_ + 1;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\n') {
    end += text_[end] == '\\' ? 2 : 1;
  }
  if (end >= text_.size() || text_[end] != '"') return Error("the closing double quote is missing");
  std::string value;
  if (!absl::CUnescape(text_.substr(position_ + 1, end - position_ - 1), &value)) {
    return Error("the text has an unknown escape");
  }
  position_ = end + 1;
  return value;
}

absl::Status TextScanner::Error(absl::string_view message) {
  SkipSpace();
  const absl::string_view before = text_.substr(0, position_);
  const size_t line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n');
  const size_t column =
      line_start == absl::string_view::npos ? position_ + 1 : position_ - line_start;
  return absl::InvalidArgumentError(absl::StrCat(line, ":", column, ": ", message));
}

}  // namespace ingot::ir
