#include "core/ir/digest_stream.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace ingot::ir {
namespace {

std::vector<Digest> Digests(const std::vector<std::string>& strings) {
  std::vector<Digest> digests(strings.size());
  std::vector<int> times(strings.size(), 0);
  size_t next = 0;
  DigestStream({
      .next =
          [&](DigestJob& job) {
            if (next == strings.size()) return false;
            job = {strings[next], next};
            ++next;
            return true;
          },
      .done =
          [&](size_t index, const Digest& digest) {
            digests[index] = digest;
            ++times[index];
          },
  });
  EXPECT_EQ(times, std::vector<int>(strings.size(), 1));
  return digests;
}

std::string RandomBytes(size_t size, std::mt19937& random) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// libcrypto is the oracle.
void ExpectSameAsSha256(const std::vector<std::string>& strings) {
  const std::vector<Digest> digests = Digests(strings);
  for (size_t i = 0; i < strings.size(); ++i) {
    EXPECT_EQ(digests[i], Sha256(strings[i])) << "string " << i << ", " << strings[i].size();
  }
}

// FIPS 180-4, as in digest_test.cc.
TEST(DigestStreamTest, GivesThePublishedDigests) {
  const std::vector<Digest> digests = Digests({"", "abc"});
  EXPECT_EQ(digests[0].ToHex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digests[1].ToHex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestStreamTest, NothingToDoIsDone) { EXPECT_TRUE(Digests({}).empty()); }

TEST(DigestStreamTest, EqualsSha256AtEveryLengthUpToFourBlocks) {
  std::mt19937 random(1);
  std::vector<std::string> strings;
  for (size_t size = 0; size <= 256; ++size) strings.push_back(RandomBytes(size, random));
  ExpectSameAsSha256(strings);
}

TEST(DigestStreamTest, EqualsSha256ForOneStringAlone) {
  std::mt19937 random(2);
  ExpectSameAsSha256({RandomBytes(100'000, random)});
}

TEST(DigestStreamTest, EqualsSha256WhereTheLanesDrift) {
  std::mt19937 random(3);
  std::vector<std::string> strings;
  for (int i = 0; i < 200; ++i) strings.push_back(RandomBytes(random() % 10'000, random));
  strings.insert(strings.begin(), RandomBytes(1'000'000, random));
  strings.push_back(RandomBytes(300'000, random));
  ExpectSameAsSha256(strings);
}

}  // namespace
}  // namespace ingot::ir
