#include "tools/ingot/wordpiece.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ingot::tools {
namespace {

constexpr size_t kMaxWordCharacters = 100;
constexpr absl::string_view kContinuation = "##";

using CodePoint = utf8proc_int32_t;

bool IsSpace(CodePoint c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
         utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

bool IsDropped(CodePoint c) {
  if (c == 0 || c == 0xfffd) return true;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
      return true;
    default:
      return false;
  }
}

bool IsPunctuation(CodePoint c) {
  // Every ASCII character that is no letter, digit or space counts, "$" and "^" too.
  if ((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
      (c >= 123 && c <= 126)) {
    return true;
  }
  const utf8proc_category_t category = utf8proc_category(c);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

// The blocks that BERT sets apart: CJK unified and compatibility ideographs, not kana or hangul.
bool IsIdeograph(CodePoint c) {
  constexpr std::pair<CodePoint, CodePoint> kBlocks[] = {
      {0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
      {0x2b740, 0x2b81f}, {0x2b820, 0x2ceaf}, {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
  return std::any_of(std::begin(kBlocks), std::end(kBlocks),
                     [c](const auto& block) { return c >= block.first && c <= block.second; });
}

void AppendUtf8(CodePoint c, std::string& out) {
  utf8proc_uint8_t buffer[4];
  const utf8proc_ssize_t size = utf8proc_encode_char(c, buffer);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(size));
}

// Calls `fn` with each character of `c`'s canonical decomposition, marks left out, in lower case.
template <typename Fn>
void ForEachPlain(CodePoint c, Fn&& fn) {
  CodePoint parts[8];
  int boundary = 0;
  const utf8proc_ssize_t count = utf8proc_decompose_char(
      c, parts, std::size(parts), static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE), &boundary);
  for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, std::size(parts)); ++i) {
    if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN) fn(utf8proc_tolower(parts[i]));
  }
}

// Words and single punctuation marks, normalised.
std::vector<std::string> SplitWords(absl::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  const auto set_apart = [&](CodePoint c) {
    words.emplace_back();
    AppendUtf8(c, words.back());
    in_word = false;
  };
  const auto add = [&](CodePoint c) {
    if (IsPunctuation(c)) return set_apart(c);
    if (!in_word) words.emplace_back();
    in_word = true;
    AppendUtf8(c, words.back());
  };
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t at = 0; at < text.size();) {
    CodePoint c = 0;
    const utf8proc_ssize_t size =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    at += size > 0 ? static_cast<size_t>(size) : 1;
    if (size <= 0) continue;
    if (IsSpace(c)) {
      in_word = false;
    } else if (IsIdeograph(c)) {
      ForEachPlain(c, set_apart);
    } else if (!IsDropped(c)) {
      ForEachPlain(c, add);
    }
  }
  return words;
}

size_t CharacterCount(absl::string_view word) {
  return static_cast<size_t>(
      std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

absl::StatusOr<WordPiece> WordPiece::Create(absl::string_view vocabulary) {
  WordPiece tokenizer;
  int64_t id = 0;
  for (absl::string_view line : absl::StrSplit(vocabulary, '\n')) {
    tokenizer.ids_.emplace(absl::StripSuffix(line, "\r"), id++);
  }
  const std::pair<absl::string_view, int64_t*> specials[] = {{"[PAD]", &tokenizer.pad_},
                                                             {"[UNK]", &tokenizer.unknown_},
                                                             {"[CLS]", &tokenizer.begin_},
                                                             {"[SEP]", &tokenizer.end_}};
  for (const auto& [name, out] : specials) {
    const auto found = tokenizer.ids_.find(name);
    if (found == tokenizer.ids_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("the vocabulary has no ", name));
    }
    *out = found->second;
  }
  return tokenizer;
}

void WordPiece::AppendWord(absl::string_view word, std::vector<int64_t>& ids) const {
  const size_t before = ids.size();
  if (CharacterCount(word) > kMaxWordCharacters) {
    ids.push_back(unknown_);
    return;
  }
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    auto found = ids_.end();
    // A cut inside a UTF-8 sequence is in no vocabulary.
    for (; end > begin; --end) {
      found =
          ids_.find(absl::StrCat(begin > 0 ? kContinuation : "", word.substr(begin, end - begin)));
      if (found != ids_.end()) break;
    }
    if (found == ids_.end()) {
      ids.resize(before);
      ids.push_back(unknown_);
      return;
    }
    ids.push_back(found->second);
    begin = end;
  }
}

std::vector<int64_t> WordPiece::Encode(absl::string_view text) const {
  std::vector<int64_t> ids;
  for (const std::string& word : SplitWords(text)) AppendWord(word, ids);
  return ids;
}

TokenBatch WordPiece::EncodeBatch(const std::vector<std::string>& texts, int64_t width) const {
  TokenBatch batch;
  batch.sentences = static_cast<int64_t>(texts.size());
  batch.width = width;
  for (const std::string& text : texts) {
    std::vector<int64_t> row = Encode(text);
    row.resize(std::min(row.size(), static_cast<size_t>(width - 2)));
    row.insert(row.begin(), begin_);
    row.push_back(end_);
    const size_t used = row.size();
    row.resize(static_cast<size_t>(width), pad_);
    batch.ids.insert(batch.ids.end(), row.begin(), row.end());
    for (size_t i = 0; i < row.size(); ++i) batch.mask.push_back(i < used ? 1 : 0);
  }
  return batch;
}

}  // namespace ingot::tools
