#include "core/cache/key.h"

#include <gtest/gtest.h>

namespace ingot::cache {
namespace {

TEST(KeyTest, IsAFunctionOfItsParts) {
  EXPECT_EQ(MakeKey("graph", "backend"), MakeKey("graph", "backend"));
}

TEST(KeyTest, ChangesWithAnyPart) {
  const Key key = MakeKey("graph", "backend");
  EXPECT_NE(MakeKey("graph2", "backend").digest, key.digest);
  EXPECT_NE(MakeKey("graph", "backend2").digest, key.digest);
  EXPECT_NE(MakeKey("graph", "backend", "memory").digest, key.digest);
}

TEST(KeyTest, FramesItsParts) {
  EXPECT_NE(MakeKey("ab", "c").digest, MakeKey("a", "bc").digest);
  EXPECT_NE(MakeKey("", "x").digest, MakeKey("x", "").digest);
}

TEST(KeyTest, ComparesTheParts) {
  Key a = MakeKey("a", "b");
  Key b = MakeKey("c", "b");
  b.digest = a.digest;
  EXPECT_FALSE(a == b);
}

TEST(DifferingPartsTest, NamesThem) {
  EXPECT_EQ(DifferingParts(MakeKey("g", "b"), MakeKey("g", "b")), "");
  EXPECT_EQ(DifferingParts(MakeKey("g", "b"), MakeKey("h", "b")), "graph");
  EXPECT_EQ(DifferingParts(MakeKey("g", "b"), MakeKey("g", "c")), "backend");
  EXPECT_EQ(DifferingParts(MakeKey("g", "b"), MakeKey("h", "c")), "graph, backend");
  EXPECT_EQ(DifferingParts(MakeKey("g", "b"), MakeKey("g", "b", "m")), "memory");
}

}  // namespace
}  // namespace ingot::cache
