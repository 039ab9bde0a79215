#include "core/ir/constant_digests.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

namespace ingot::ir {
namespace {

Constant Bytes(int64_t size, uint8_t first) {
  const auto bytes = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(size));
  for (size_t i = 0; i < bytes->size(); ++i) (*bytes)[i] = static_cast<uint8_t>(first + i * 7);
  Constant constant;
  constant.type = {DType::kUInt8, {size}};
  constant.data = bytes->data();
  constant.owner = bytes;
  return constant;
}

TEST(ConstantDigestsTest, EachIsTheDigestOfItsBytes) {
  // Few bytes, and enough for several threads.
  for (const int64_t most : {int64_t{64}, int64_t{16} << 20}) {
    std::vector<Constant> constants;
    for (const int64_t size : {int64_t{0}, int64_t{1}, most, int64_t{55}, most / 2, most})
      constants.push_back(Bytes(size, static_cast<uint8_t>(constants.size())));
    ComputeDigests(absl::MakeSpan(constants));
    for (const Constant& constant : constants)
      EXPECT_EQ(constant.digest, Sha256(BytesOf(constant))) << constant.type.NumBytes();
  }
}

TEST(ConstantDigestsTest, TellsOfEachConstantOnce) {
  std::vector<Constant> constants;
  for (int i = 0; i < 20; ++i) constants.push_back(Bytes(1 << 20, static_cast<uint8_t>(i)));
  std::vector<std::atomic<int>> told(constants.size());
  ComputeDigests(absl::MakeSpan(constants), [&](Constant& constant) {
    EXPECT_EQ(constant.digest, Sha256(BytesOf(constant)));
    ++told[static_cast<size_t>(&constant - &constants[0])];
  });
  for (const auto& count : told) EXPECT_EQ(count, 1);
}

TEST(ConstantDigestsTest, NoConstantsAreNoWork) { ComputeDigests({}); }

}  // namespace
}  // namespace ingot::ir
