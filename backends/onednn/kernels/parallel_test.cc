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

TEST(ParallelTeamTest, MembersSeeWhatTheOthersWroteBeforeTheyReported) {
  for (int threads : {1, 2, 5}) {
    constexpr int64_t kSteps = 300;
    // By member, then step: plain memory, so that a race would show under a sanitizer.
    std::vector<std::vector<int64_t>> written(threads, std::vector<int64_t>(kSteps));
    std::atomic<int> members{0}, wrong{0};
    TeamProgress progress;
    ParallelTeam(threads, [&](int member, int team) {
      ++members;
      for (int64_t step = 0; step < kSteps; ++step) {
        progress.WaitForAll(team, step);
        for (int other = 0; step > 0 && other < team; ++other) {
          wrong += written[other][step - 1] != step;
        }
        written[member][step] = step + 1;
        progress.Report(member, step + 1);
      }
    });
    EXPECT_GE(members, 1);
    EXPECT_LE(members, threads);
    EXPECT_EQ(wrong, 0);
  }
}

TEST(ParallelTeamTest, IsOneMemberInsideOfAnotherRegion) {
  std::atomic<int> calls{0};
  ParallelFor(2, 2, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      ParallelTeam(2, [&](int, int team) { calls += team == 1; });
    }
  });
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace ingot::kernels
