#include "core/ir/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/hash/hash_testing.h"
#include "core/base/status_matchers.h"

namespace ingot::ir {
namespace {

using ::testing::HasSubstr;

// The examples of FIPS 180-4
// (https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values).
TEST(DigestTest, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256("").ToHex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256("abc").ToHex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").ToHex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(DigestTest, HexReadsBack) {
  const Digest digest = Sha256("abc");
  EXPECT_THAT(ParseDigest(digest.ToHex()), IsOkAndHolds(digest));
}

TEST(DigestTest, RefusesWhatIsNotADigest) {
  EXPECT_THAT(ParseDigest("abc"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not 3")));
  EXPECT_THAT(ParseDigest(std::string(63, '0') + "g"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'g'")));
  EXPECT_THAT(ParseDigest(std::string(65, '0')), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(DigestTest, HashesConsistently) {
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({Digest(), Sha256("a"), Sha256("b")}));
}

Digest Framed(const std::vector<std::pair<std::string, std::string>>& parts) {
  FramedHasher hasher;
  for (const auto& [tag, part] : parts) hasher.Add(tag, part);
  return hasher.Finish();
}

TEST(FramedHasherTest, IsSha256OverLengthsAndParts) {
  const std::string framed = std::string("\1\0\0\0\0\0\0\0t\2\0\0\0\0\0\0\0ab", 19);
  EXPECT_EQ(Framed({{"t", "ab"}}), Sha256(framed));
}

TEST(FramedHasherTest, TellsWherePartsEnd) {
  const Digest base = Framed({{"a", "bc"}, {"d", ""}});
  EXPECT_NE(base, Framed({{"ab", "c"}, {"d", ""}}));
  EXPECT_NE(base, Framed({{"a", "b"}, {"cd", ""}}));
  EXPECT_NE(base, Framed({{"a", "bc"}, {"", "d"}}));
  EXPECT_NE(base, Framed({{"a", "bc"}}));
  EXPECT_EQ(base, Framed({{"a", "bc"}, {"d", ""}}));
}

}  // namespace
}  // namespace ingot::ir
