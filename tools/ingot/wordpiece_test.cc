#include "tools/ingot/wordpiece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "tools/ingot/files.h"

namespace ingot::tools {
namespace {

using testing::ElementsAre;

// MiniLM's vocabulary, which is bert-base-uncased's.
WordPiece MiniLmTokenizer() {
  auto vocabulary = ReadFile("tools/models/minilm/minilm.vocab.txt");
  EXPECT_THAT(vocabulary, IsOk());
  auto tokenizer = WordPiece::Create(*vocabulary);
  EXPECT_THAT(tokenizer, IsOk());
  return *std::move(tokenizer);
}

// Made by transformers' BertTokenizer (5.x) with the same vocabulary.
TEST(WordPieceTest, AgreesWithTransformers) {
  const WordPiece tokenizer = MiniLmTokenizer();
  const std::pair<std::string, std::vector<int64_t>> cases[] = {
      {"Hello, world!", {7592, 1010, 2088, 999}},
      {"The quick brown fox jumps over the lazy dog.",
       {1996, 4248, 2829, 4419, 14523, 2058, 1996, 13971, 3899, 1012}},
      {"", {}},
      {"  spaces\011and\012newlines  ", {7258, 1998, 2047, 12735}},
      {"Caf\303\251 \303\205ngstr\303\266m na\303\257ve \305\201\303\263d\305\272 "
       "\303\234n\303\257c\303\266d\303\251",
       {7668, 17076, 15687, 15743, 17814, 27260}},
      {"unaffable unbelievableness", {14477, 20961, 3468, 23653, 2791}},
      {"don't stop-me now (please)...",
       {2123, 1005, 1056, 2644, 1011, 2033, 2085, 1006, 3531, 1007, 1012, 1012, 1012}},
      {"3.14159 + 2^10 = 1027.14",
       {1017, 1012, 15471, 28154, 1009, 1016, 1034, 2184, 1027, 9402, 2581, 1012, 2403}},
      {"\345\214\227\344\272\254 is \346\235\261\344\272\254", {1781, 1755, 2003, 1879, 1755}},
      {std::string(150, 'x'), {100}},
      {"emoji \360\237\230\200 zzz", {7861, 29147, 2072, 100, 1062, 13213}},
      {"\304\260stanbul stra\303\237e \341\272\236 \316\221\316\222\316\223 \316\251mega",
       {9960, 2358, 27807, 1096, 1155, 29720, 29721, 1179, 4168, 3654}},
      {std::string("a\000b\357\277\275c\342\200\215d", 11), {5925, 2094}},
      {"e\314\201 decomposed", {1041, 21933, 8737, 24768}},
      {"\355\225\234\352\265\255\354\226\264 \343\203\206\343\202\271\343\203\210",
       {1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 1713, 30233, 30240}},
      {"$100 \342\202\2545 `code` ~tilde |pipe| \302\253quote\302\273 \342\200\224 dash",
       {1002, 2531, 1574, 2629, 1036, 3642, 1036, 1066, 18681, 3207, 1064, 8667, 1064, 1077, 14686,
        1090, 1517, 11454}},
      {"QUESTION\?ANSWER!", {3160, 1029, 3437, 999}},
      {"\357\254\201 ligature", {1984, 8018, 11244}},
      {"\302\240nbsp\343\200\200wide", {1050, 5910, 2361, 2898}},
      {"\304\220\304\221\304\246\304\247", {1102, 29671, 29672, 29672}},
      {"\320\222\320\236\320\224\320\232\320\220 \320\271", {1182, 14150, 29742, 28598, 1188}},
      {"\340\244\271\340\244\277\340\244\250\340\245\215\340\244\246\340\245\200",
       {1339, 29877, 29863, 29861, 29878}},
  };
  for (const auto& [text, ids] : cases) EXPECT_EQ(tokenizer.Encode(text), ids) << text;
}

TEST(WordPieceTest, BatchesArePaddedAndCut) {
  const TokenBatch batch = MiniLmTokenizer().EncodeBatch({"Hello, world!", "a"}, 6);
  EXPECT_EQ(batch.sentences, 2);
  EXPECT_THAT(batch.ids, ElementsAre(101, 7592, 1010, 2088, 999, 102, 101, 1037, 102, 0, 0, 0));
  EXPECT_THAT(batch.mask, ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0));
  EXPECT_THAT(MiniLmTokenizer().EncodeBatch({"Hello, world!"}, 4).ids,
              ElementsAre(101, 7592, 1010, 102));
}

TEST(WordPieceTest, MalformedUtf8IsDropped) {
  const WordPiece tokenizer = MiniLmTokenizer();
  EXPECT_EQ(tokenizer.Encode("hel\xfflo\xc3"), tokenizer.Encode("hello"));
}

TEST(WordPieceTest, AVocabularyNeedsItsSpecialTokens) {
  EXPECT_THAT(WordPiece::Create("[PAD]\n[UNK]\n[CLS]\na"),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("[SEP]")));
}

}  // namespace
}  // namespace ingot::tools
