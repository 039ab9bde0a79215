#include "backends/onednn/kernels/parallel.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

TEST(ParallelForTest, CoversTheRangeOnceWithThreadIndicesBelowTheCount) {
  for (int threads : {0, 1, 2, 5}) {
    for (int64_t n : {0, 1, 2, 3, 100}) {
      for (int64_t grain : {1, 10, 1000}) {
        std::vector<std::atomic<int>> calls(n);
        std::atomic<int> largest{-1};
        ParallelFor(threads, n, grain, [&](int64_t begin, int64_t end, int thread) {
          for (int64_t i = begin; i < end; ++i) ++calls[i];
          int known = largest;
          while (thread > known && !largest.compare_exchange_weak(known, thread)) {
          }
        });
        for (const std::atomic<int>& count : calls) EXPECT_EQ(count, 1);
        EXPECT_LT(largest, std::max(threads, 1));
      }
    }
  }
}

TEST(ParallelForTest, SmallWorkStaysOnTheCallingThread) {
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> elsewhere{0};
  ParallelFor(2, 100, GrainFor(1.0),
              [&](int64_t, int64_t, int) { elsewhere += std::this_thread::get_id() != caller; });
  EXPECT_EQ(elsewhere, 0);
}

TEST(ParallelForTest, NestsWithoutMoreThreads) {
  std::atomic<int64_t> sum{0};
  ParallelFor(2, 2, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const std::thread::id outer = std::this_thread::get_id();
      ParallelFor(2, 10, 1, [&](int64_t b, int64_t e, int) {
        EXPECT_EQ(std::this_thread::get_id(), outer);
        sum += e - b;
      });
    }
  });
  EXPECT_EQ(sum, 20);
}

TEST(ParallelForTest, ManyCallersAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int64_t> sum{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int r = 0; r < 50; ++r) {
        ParallelFor(2, 8, 1, [&](int64_t begin, int64_t end, int) { sum += end - begin; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 50 * 8);
}

}  // namespace
}  // namespace ingot::kernels
