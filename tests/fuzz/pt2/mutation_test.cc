// The corpus, as it is, cut at each byte and mutated by a seeded generator, through the fuzz
// targets. Needs no clang; with --config=memory it runs under ASan and UBSan. INGOT_FUZZ_SECONDS
// (default 3) is the time for each target's mutations.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/fuzz/pt2/targets.h"

namespace ingot::pt2 {
namespace {

std::vector<std::string> Corpus(const std::string& folder) {
  std::set<std::string> paths;
  const std::string root = absl::StrCat("tests/fuzz/pt2/corpus/", folder);
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    paths.insert(entry.path().string());
  }
  std::vector<std::string> inputs;
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

absl::Duration TimeForMutations() {
  const char* const text = std::getenv("INGOT_FUZZ_SECONDS");
  int seconds = 3;
  if (text != nullptr && !absl::SimpleAtoi(text, &seconds)) seconds = 3;
  return absl::Seconds(seconds);
}

// Numbers that readers trip over, in place of one that is there.
constexpr const char* kNumbers[] = {"-1", "0", "9223372036854775807", "4294967296", "1e308", "65"};

std::string Mutated(std::string input, const std::vector<std::string>& corpus,
                    std::mt19937_64& random) {
  const auto below = [&](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (size_t n = 1 + below(4); n > 0 && !input.empty(); --n) {
    const size_t at = below(input.size());
    switch (below(7)) {
      case 0:
        input[at] = static_cast<char>(random());
        break;
      case 1:
        input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 2:
        input.erase(at, 1 + below(16));
        break;
      case 3:
        input.insert(at, input.substr(below(input.size()), 1 + below(64)));
        break;
      case 4: {
        const std::string& other = corpus[below(corpus.size())];
        input = input.substr(0, at) + other.substr(below(other.size()));
        break;
      }
      default: {  // a number
        const size_t begin = input.find_first_of("0123456789", at);
        if (begin == std::string::npos) break;
        const size_t end = input.find_first_not_of("0123456789", begin);
        input.replace(begin, end == std::string::npos ? 1 : end - begin,
                      kNumbers[below(std::size(kNumbers))]);
      }
    }
  }
  return input;
}

void RunTarget(const std::string& folder, void (*target)(absl::string_view)) {
  const std::vector<std::string> corpus = Corpus(folder);
  ASSERT_FALSE(corpus.empty());
  for (const std::string& input : corpus) target(input);
  std::mt19937_64 random(20231123);
  const absl::Time end = absl::Now() + TimeForMutations();
  size_t runs = 0;
  while (absl::Now() < end) {
    target(Mutated(corpus[random() % corpus.size()], corpus, random));
    ++runs;
  }
  ::testing::Test::RecordProperty("mutations", static_cast<int>(runs));
}

TEST(Pt2FuzzTest, Archives) { RunTarget("archive", FuzzArchive); }
TEST(Pt2FuzzTest, Programs) { RunTarget("program", FuzzProgram); }
TEST(Pt2FuzzTest, Scans) { RunTarget("scan", FuzzScan); }

TEST(Pt2FuzzTest, AnArchiveCutAtAnyByteIsRefused) {
  std::string smallest = Corpus("archive")[0];
  for (const std::string& input : Corpus("archive")) {
    if (input.size() < smallest.size()) smallest = input;
  }
  for (size_t size = 0; size < smallest.size(); ++size) FuzzArchive(smallest.substr(0, size));
}

}  // namespace
}  // namespace ingot::pt2
