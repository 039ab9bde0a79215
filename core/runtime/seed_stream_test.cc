#include "core/runtime/seed_stream.h"

#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

TEST(SeedStreamTest, IsReproducibleFromItsSeed) {
  SeedStream a(7), b(7), c(8);
  for (int i = 0; i < 10; ++i) {
    const uint64_t next = a.Next();
    EXPECT_EQ(next, b.Next());
    EXPECT_NE(next, c.Next());
  }
}

TEST(SeedStreamTest, ThreadsNeverShareASeed) {
  SeedStream stream(1);
  std::vector<std::vector<uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& seeds : drawn) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) seeds.push_back(stream.Next());
    });
  }
  for (std::thread& t : threads) t.join();
  std::set<uint64_t> all;
  for (const auto& seeds : drawn) all.insert(seeds.begin(), seeds.end());
  EXPECT_EQ(all.size(), 4000u);
}

}  // namespace
}  // namespace ingot::runtime
