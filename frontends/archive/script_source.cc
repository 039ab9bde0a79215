#include "frontends/archive/script_source.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/opaque_op.h"

namespace ingot::archive {
namespace {

using absl::string_view;

// Words that nest an expression like an operator.
constexpr string_view kOperatorWords[] = {"and", "else", "if", "in", "is", "not", "or", "lambda"};
constexpr string_view kOperators = "+-*/%@&|^~<>=!.";

class Scanner {
 public:
  explicit Scanner(string_view text) : text_(text) {}

  absl::Status Run() {
    INGOT_RETURN_IF_ERROR(Indentation());
    while (at_ < text_.size()) INGOT_RETURN_IF_ERROR(Step());
    return absl::OkStatus();
  }

 private:
  absl::Status Bad(string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat("line ", line_, ": ", why));
  }
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  static bool IsWord(char c) { return absl::ascii_isalnum(c) || c == '_'; }

  absl::Status Step() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') return String();
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return absl::OkStatus();
    }
    if (IsWord(c)) return Word();
    ++at_;
    if (c == '\n') return NewLine();
    if (absl::ascii_iscntrl(c) && c != '\t' && c != '\r') return Bad("has control characters");
    if (c == '\\' && Peek() == '\n') {
      ++at_;
      ++line_;
      return absl::OkStatus();
    }
    if (c == '(' || c == '[' || c == '{') return Open();
    if (c == ')' || c == ']' || c == '}') {
      if (chains_.size() > 1) chains_.pop_back();
      return absl::OkStatus();
    }
    if (c == ',' || c == ';') {
      chains_.back() = 0;
      return absl::OkStatus();
    }
    return kOperators.find(c) == string_view::npos ? absl::OkStatus() : Link();
  }

  absl::Status Link() {
    return ++chains_.back() > kMaxScriptChain ? Bad("an expression is too long") : absl::OkStatus();
  }
  absl::Status Open() {
    INGOT_RETURN_IF_ERROR(Link());
    chains_.push_back(0);
    return chains_.size() > kMaxScriptDepth ? Bad("brackets are nested too deeply")
                                            : absl::OkStatus();
  }

  absl::Status NewLine() {
    ++line_;
    if (chains_.size() > 1) return absl::OkStatus();
    chains_.back() = 0;
    return Indentation();
  }
  absl::Status Indentation() {
    size_t end = text_.find_first_not_of(" \t", at_);
    if (end == string_view::npos) end = text_.size();
    const bool too_deep = end - at_ > size_t{2} * kMaxScriptDepth;
    at_ = end;
    return too_deep ? Bad("blocks are nested too deeply") : absl::OkStatus();
  }

  absl::Status Word() {
    const size_t begin = at_;
    while (IsWord(Peek())) ++at_;
    const string_view word = text_.substr(begin, at_ - begin);
    if (word == "elif" && ++branches_ > kMaxScriptBranches) return Bad("too many branches");
    // LibTorch's operators, called as functions or as methods.
    if (ir::OpensFile(word) && Before(begin) == '.' && After(at_) == '(')
      return absl::PermissionDeniedError(
          absl::StrCat("line ", line_, ": calls ", word, ", which opens a file"));
    return Contains(kOperatorWords, word) ? Link() : absl::OkStatus();
  }
  template <typename Words>
  static bool Contains(const Words& words, string_view word) {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
  }
  // The nearest characters that are no blanks.
  char Before(size_t at) const {
    while (at > 0 && absl::ascii_isspace(text_[at - 1])) --at;
    return at > 0 ? text_[at - 1] : '\0';
  }
  char After(size_t at) const {
    while (at < text_.size() && absl::ascii_isspace(text_[at])) ++at;
    return at < text_.size() ? text_[at] : '\0';
  }

  absl::Status String() {
    const char quote = text_[at_];
    const bool is_long = Peek(1) == quote && Peek(2) == quote;
    at_ += is_long ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\') {
        ++at_;
      } else if (c == '\n') {
        ++line_;
        if (!is_long) return Bad("a string does not end");
      } else if (c == quote && (!is_long || (Peek(1) == quote && Peek(2) == quote))) {
        at_ += is_long ? 3 : 1;
        return absl::OkStatus();
      }
    }
    return Bad("a string does not end");
  }

  string_view text_;
  size_t at_ = 0;
  int line_ = 1, branches_ = 0;
  std::vector<int> chains_ = {0};  // links so far, in each open bracket
};

}  // namespace

absl::Status CheckScriptSource(string_view text) { return Scanner(text).Run(); }

}  // namespace ingot::archive
