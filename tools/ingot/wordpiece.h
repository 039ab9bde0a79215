// BERT's uncased tokenizer, for the demo: text to token ids.
//
//   INGOT_ASSIGN_OR_RETURN(WordPiece tokenizer, WordPiece::Create(vocabulary_text));
//   TokenBatch batch = tokenizer.EncodeBatch({"Hello, world!", "Hi"}, 32);
//
// As Google's BERT and transformers' BertTokenizer do it: control characters dropped, CJK
// characters set apart, accents stripped (NFD, category Mn), lower case, split at white space and
// punctuation, then the greedily longest pieces of the vocabulary; a word without pieces, or of
// more than 100 characters, is [UNK]. Special tokens in the text are text. Malformed UTF-8 counts
// as U+FFFD, which is dropped. Immutable, so thread-safe.
#ifndef INGOT_TOOLS_INGOT_WORDPIECE_H_
#define INGOT_TOOLS_INGOT_WORDPIECE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::tools {

// Row-major [sentences, width].
struct TokenBatch {
  int64_t sentences = 0, width = 0;
  std::vector<int64_t> ids;   // [CLS] pieces [SEP], then [PAD]
  std::vector<int64_t> mask;  // 1 where `ids` holds a token that is not [PAD]
};

class WordPiece {
 public:
  // One token a line; the line's number from 0 is its id. InvalidArgument if [PAD], [UNK], [CLS] or
  // [SEP] is missing.
  static absl::StatusOr<WordPiece> Create(absl::string_view vocabulary);

  // The pieces alone.
  std::vector<int64_t> Encode(absl::string_view text) const;
  // Each text cut to `width` tokens, [CLS] and [SEP] included. REQUIRES: width >= 2.
  TokenBatch EncodeBatch(const std::vector<std::string>& texts, int64_t width) const;

 private:
  WordPiece() = default;
  void AppendWord(absl::string_view word, std::vector<int64_t>& ids) const;

  absl::flat_hash_map<std::string, int64_t> ids_;
  int64_t pad_ = 0, unknown_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_WORDPIECE_H_
