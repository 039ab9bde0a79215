#include "backends/onednn/constant_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ingot::onednn {
namespace {

constexpr size_t kMany = size_t{64} << 20, kHugePage = size_t{2} << 20;

ConstantMemory Filled(ConstantPool& pool, size_t bytes, char value) {
  ConstantMemory memory = pool.Allocate(bytes);
  std::memset(memory.bytes(), value, bytes);
  return memory;
}

TEST(ConstantPoolTest, MemoryIsAlignedAndApartAndKeepsItsContents) {
  for (const size_t expected : {size_t{0}, kMany}) {
    ConstantPool pool(expected);
    std::vector<ConstantMemory> all;
    for (const size_t bytes : {1, 64, 100, 4096, 1 << 20, 3 << 20, 1000000}) {
      all.push_back(Filled(pool, bytes, static_cast<char>(all.size())));
      pool.Settle(all.back());
      ASSERT_EQ(all.back().size(), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(all.back().bytes()) % 64, 0u);
    }
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string expected_bytes(all[i].size(), static_cast<char>(i));
      EXPECT_TRUE(std::equal(expected_bytes.begin(), expected_bytes.end(), all[i].bytes())) << i;
    }
  }
}

TEST(ConstantPoolTest, NothingIsNoMemory) {
  ConstantPool pool(kMany);
  ConstantMemory none = pool.Allocate(0);
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.bytes(), nullptr);
  pool.Settle(none);
  pool.Recycle(std::move(none));
}

TEST(ConstantPoolTest, SmallConstantsThatStayLieSideBySideInHugePages) {
  ConstantPool pool(kMany);
  ConstantMemory first = pool.Allocate(100), second = pool.Allocate(1000);
  pool.Settle(first);
  pool.Settle(second);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first.bytes()) % kHugePage, 0u);
  EXPECT_EQ(second.bytes(), first.bytes() + 128);
}

TEST(ConstantPoolTest, LargeOnesStayWhereTheyAre) {
  ConstantPool pool(kMany);
  ConstantMemory memory = pool.Allocate(kHugePage);
  char* const place = memory.bytes();
  pool.Settle(memory);
  EXPECT_EQ(memory.bytes(), place);
}

TEST(ConstantPoolTest, FewerThanAHugePageStayWhereTheyAre) {
  ConstantPool pool(kHugePage - 1);
  ConstantMemory memory = pool.Allocate(64);
  char* const place = memory.bytes();
  pool.Settle(memory);
  EXPECT_EQ(memory.bytes(), place);
}

TEST(ConstantPoolTest, WhatIsRecycledServesTheNextOfItsSize) {
  ConstantPool pool(kMany);
  for (const size_t bytes : {size_t{1000}, size_t{5} << 20}) {
    ConstantMemory memory = pool.Allocate(bytes);
    char* const place = memory.bytes();
    pool.Recycle(std::move(memory));
    EXPECT_EQ(pool.Allocate(bytes).bytes(), place) << bytes;
  }
}

TEST(ConstantPoolTest, WhereASettledOneWasServesTheNextOfItsSize) {
  ConstantPool pool(kMany);
  ConstantMemory memory = pool.Allocate(1000);
  char* const place = memory.bytes();
  pool.Settle(memory);
  EXPECT_NE(memory.bytes(), place);
  EXPECT_EQ(pool.Allocate(1000).bytes(), place);
}

TEST(ConstantPoolTest, ASettledOneThatIsRecycledServesNobody) {
  ConstantPool pool(kMany);
  ConstantMemory memory = pool.Allocate(1000);
  pool.Settle(memory);
  char* const place = memory.bytes();
  pool.Recycle(std::move(memory));
  std::vector<ConstantMemory> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(pool.Allocate(1000));
    EXPECT_NE(others.back().bytes(), place);
  }
}

TEST(ConstantPoolTest, MemoryOutlivesThePool) {
  std::optional<ConstantPool> pool(kMany);
  ConstantMemory small = pool->Allocate(64), large = pool->Allocate(kHugePage);
  pool->Settle(small);
  pool.reset();
  std::memset(small.bytes(), 1, small.size());
  std::memset(large.bytes(), 2, large.size());
  EXPECT_EQ(small.bytes()[63], 1);
  EXPECT_EQ(large.bytes()[kHugePage - 1], 2);
}

TEST(ConstantPoolTest, BlocksThatAreFullAreFollowedByOthers) {
  ConstantPool pool(kMany);
  std::vector<ConstantMemory> all;
  for (int i = 0; i < 70; ++i) {  // MiB
    all.push_back(pool.Allocate(size_t{1} << 20));
    all.back().bytes()[0] = static_cast<char>(i);
    pool.Settle(all.back());
  }
  for (int i = 0; i < 70; ++i) EXPECT_EQ(all[i].bytes()[0], static_cast<char>(i));
}

}  // namespace
}  // namespace ingot::onednn
