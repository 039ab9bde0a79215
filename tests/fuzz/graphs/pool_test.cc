#include "tests/fuzz/graphs/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <string>

namespace ingot::fuzz {
namespace {

using ::testing::HasSubstr;

std::map<uint64_t, std::string> RunPool(const Pool::Options& options, const Pool::Work& work) {
  std::map<uint64_t, std::string> results;
  Pool(options).Run([&] { return work; },
                    [&](const Pool::Result& result) {
                      EXPECT_EQ(results.count(result.seed), 0u);
                      results[result.seed] = result.line + result.death;
                    });
  return results;
}

TEST(PoolTest, EverySeedIsDoneOnce) {
  const auto results = RunPool({.first = 5, .last = 300, .jobs = 3},
                               [](uint64_t seed) { return std::to_string(seed * 2) + "\nx"; });
  ASSERT_EQ(results.size(), 295u);
  EXPECT_EQ(results.at(7), "14 x");
}

TEST(PoolTest, ADeadChildIsTheResultOfItsSeedAlone) {
  const auto results = RunPool({.first = 0, .last = 20, .jobs = 2}, [](uint64_t seed) {
    if (seed == 11) raise(SIGSEGV);
    if (seed == 12) _exit(3);
    return std::string("fine");
  });
  ASSERT_EQ(results.size(), 20u);
  EXPECT_THAT(results.at(11), HasSubstr("signal 11"));
  EXPECT_THAT(results.at(12), HasSubstr("exited with 3"));
  EXPECT_EQ(results.at(13), "fine");
}

TEST(PoolTest, AChildThatHangsIsEnded) {
  const auto results =
      RunPool({.first = 0, .last = 2, .jobs = 1, .timeout_seconds = 1}, [](uint64_t seed) {
        while (seed == 0) pause();
        return std::string("fine");
      });
  EXPECT_THAT(results.at(0), HasSubstr("no end after 1 s"));
  EXPECT_EQ(results.at(1), "fine");
}

TEST(PoolTest, OneComputationInAChild) {
  std::string output;
  EXPECT_TRUE(InChild([] { return std::string(200000, 'x'); }, 10, output));
  EXPECT_EQ(output.size(), 200000u);
  EXPECT_FALSE(InChild(
      []() -> std::string {
        raise(SIGSEGV);
        return "";
      },
      10, output));
}

}  // namespace
}  // namespace ingot::fuzz
