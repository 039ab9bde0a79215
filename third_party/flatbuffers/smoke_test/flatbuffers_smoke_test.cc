#include <flatbuffers/flatbuffers.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "third_party/flatbuffers/smoke_test/smoke_generated.h"

namespace ingot::smoke {
namespace {

TEST(FlatbuffersSmokeTest, GeneratedCodeVerifiesAndReadsItsOwnBytes) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(CreatePairDirect(builder, "weight", int64_t{1} << 40));

  flatbuffers::Verifier verifier(builder.GetBufferPointer(), builder.GetSize());
  ASSERT_TRUE(VerifyPairBuffer(verifier));
  const Pair* pair = GetPair(builder.GetBufferPointer());
  EXPECT_EQ(pair->name()->str(), "weight");
  EXPECT_EQ(pair->size(), int64_t{1} << 40);
}

}  // namespace
}  // namespace ingot::smoke
