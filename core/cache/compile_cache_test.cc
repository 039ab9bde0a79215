#include "core/cache/compile_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/base/status_matchers.h"

namespace ingot::cache {
namespace {

using ::testing::Eq;
using Entry = CompileCache::Entry;

constexpr size_t kLarge = 1 << 20;

Key NumberedKey(int n) { return MakeKey("graph" + std::to_string(n), "backend"); }

// What an entry of `bytes` under NumberedKey(n < 10) is charged.
size_t Charge(size_t bytes) { return bytes + std::string("graph0backend").size(); }

Entry MakeEntry(int value, size_t bytes = 1) { return {std::make_shared<const int>(value), bytes}; }

CompileCache::Compile Yields(int value, size_t bytes = 1) {
  return [=]() -> absl::StatusOr<Entry> { return MakeEntry(value, bytes); };
}

CompileCache::Compile MustNotRun() {
  return []() -> absl::StatusOr<Entry> { return absl::InternalError("compiled again"); };
}

int ValueOf(const absl::StatusOr<Entry>& entry) {
  return entry.ok() ? *static_cast<const int*>(entry->value.get()) : -1;
}

void RunThreads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// Waits until `done`; other threads make it so.
void SpinUntil(const std::function<bool()>& done) {
  while (!done()) std::this_thread::yield();
}

TEST(CompileCacheTest, CompilesOnceAndHitsAfterwards) {
  CompileCache cache(kLarge);
  bool hit = true;
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), Yields(7), &hit)), 7);
  EXPECT_FALSE(hit);
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), MustNotRun(), &hit)), 7);
  EXPECT_TRUE(hit);
  const CacheStats stats = cache.stats();
  EXPECT_EQ(stats.hits, 1u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_EQ(stats.entries, 1u);
  EXPECT_EQ(stats.bytes, Charge(1));
}

TEST(CompileCacheTest, ManyThreadsCompileOnce) {
  constexpr int kThreads = 8;
  CompileCache cache(kLarge);
  std::atomic<int> compiled = 0;
  std::atomic<int> wrong = 0;
  RunThreads(kThreads, [&](int) {
    const auto entry = cache.GetOrCompile(NumberedKey(1), [&]() -> absl::StatusOr<Entry> {
      ++compiled;
      // All others have come before this ends.
      SpinUntil([&] { return cache.stats().joined == kThreads - 1; });
      return MakeEntry(7);
    });
    if (ValueOf(entry) != 7) ++wrong;
  });
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(cache.stats().joined, kThreads - 1u);
}

TEST(CompileCacheTest, OneSlowCompilationDoesNotHoldUpOthers) {
  CompileCache cache(kLarge);
  std::latch other_done(1);
  std::thread slow([&] {
    EXPECT_THAT(cache.GetOrCompile(NumberedKey(1),
                                   [&]() -> absl::StatusOr<Entry> {
                                     other_done.wait();
                                     return MakeEntry(1);
                                   }),
                IsOk());
  });
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(2), Yields(2))), 2);
  other_done.count_down();
  slow.join();
}

TEST(CompileCacheTest, AFailureGoesToAllWhoWaitedAndIsNotKept) {
  constexpr int kThreads = 4;
  CompileCache cache(kLarge);
  std::atomic<int> failed = 0;
  RunThreads(kThreads, [&](int) {
    const auto entry = cache.GetOrCompile(NumberedKey(1), [&]() -> absl::StatusOr<Entry> {
      SpinUntil([&] { return cache.stats().joined == kThreads - 1; });
      return absl::UnimplementedError("no kernel");
    });
    if (absl::IsUnimplemented(entry.status())) ++failed;
  });
  EXPECT_EQ(failed, kThreads);
  EXPECT_EQ(cache.stats().failures, 1u);
  EXPECT_EQ(cache.stats().entries, 0u);
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), Yields(7))), 7);
}

TEST(CompileCacheTest, ACancelledCompilationIsTakenOverByOneWhoWaited) {
  constexpr int kThreads = 4;
  CompileCache cache(kLarge);
  std::atomic<int> attempts = 0;
  std::atomic<int> cancelled = 0;
  std::atomic<int> served = 0;
  RunThreads(kThreads, [&](int) {
    const auto entry = cache.GetOrCompile(NumberedKey(1), [&]() -> absl::StatusOr<Entry> {
      if (++attempts > 1) return MakeEntry(7);
      SpinUntil([&] { return cache.stats().joined == kThreads - 1; });
      return absl::CancelledError("the caller left");
    });
    if (absl::IsCancelled(entry.status())) ++cancelled;
    if (ValueOf(entry) == 7) ++served;
  });
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(served, kThreads - 1);
  EXPECT_EQ(attempts, 2);
}

TEST(CompileCacheTest, AThrowingCompilationLeavesNobodyWaiting) {
  CompileCache cache(kLarge);
  absl::Status waited;
  std::thread waiter;
  EXPECT_THROW(cache
                   .GetOrCompile(NumberedKey(1),
                                 [&]() -> absl::StatusOr<Entry> {
                                   waiter = std::thread([&] {
                                     waited =
                                         cache.GetOrCompile(NumberedKey(1), MustNotRun()).status();
                                   });
                                   SpinUntil([&] { return cache.stats().joined == 1; });
                                   throw std::runtime_error("boom");
                                 })
                   .IgnoreError(),
               std::runtime_error);
  waiter.join();
  EXPECT_THAT(waited, StatusIs(absl::StatusCode::kInternal, Eq("the compilation threw")));
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), Yields(7))), 7);
}

TEST(CompileCacheTest, EvictsTheLeastRecentlyUsed) {
  CompileCache cache(2 * Charge(100));
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(1), Yields(1, 100)), IsOk());
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(2), Yields(2, 100)), IsOk());
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(1), MustNotRun()), IsOk());
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(3), Yields(3, 100)), IsOk());
  EXPECT_EQ(cache.Explain(NumberedKey(1)), "");
  EXPECT_NE(cache.Explain(NumberedKey(2)), "");
  EXPECT_EQ(cache.Explain(NumberedKey(3)), "");
  EXPECT_EQ(cache.stats().evictions, 1u);
  EXPECT_EQ(cache.stats().bytes, 2 * Charge(100));
}

TEST(CompileCacheTest, ALargeEntryEvictsSeveral) {
  CompileCache cache(Charge(300));
  for (int n = 1; n <= 2; ++n) {
    ASSERT_THAT(cache.GetOrCompile(NumberedKey(n), Yields(n, 100)), IsOk());
  }
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(3), Yields(3, 300)), IsOk());
  EXPECT_EQ(cache.stats().entries, 1u);
  EXPECT_EQ(cache.stats().evictions, 2u);
}

TEST(CompileCacheTest, EvictionDoesNotBreakUsers) {
  CompileCache cache(Charge(100));
  const auto entry = cache.GetOrCompile(NumberedKey(1), Yields(1, 100));
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(2), Yields(2, 100)), IsOk());
  EXPECT_EQ(cache.stats().evictions, 1u);
  EXPECT_EQ(ValueOf(entry), 1);
  EXPECT_EQ(entry->value.use_count(), 1);
}

TEST(CompileCacheTest, AnEntryLargerThanTheCapacityIsNotKept) {
  CompileCache cache(Charge(100));
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(1), Yields(1, 50)), IsOk());
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(2), Yields(2, 101))), 2);
  EXPECT_EQ(cache.Explain(NumberedKey(1)), "");
  EXPECT_EQ(cache.stats().entries, 1u);
}

TEST(CompileCacheTest, CapacityZeroKeepsNothingButStillSharesFlights) {
  constexpr int kThreads = 4;
  CompileCache cache(0);
  std::atomic<int> compiled = 0;
  RunThreads(kThreads, [&](int) {
    EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1),
                                         [&]() -> absl::StatusOr<Entry> {
                                           ++compiled;
                                           SpinUntil([&] {
                                             return cache.stats().joined == kThreads - 1;
                                           });
                                           return MakeEntry(7, 0);
                                         })),
              7);
  });
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(cache.stats().entries, 0u);
  EXPECT_EQ(cache.stats().bytes, 0u);
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), Yields(8, 0))), 8);
}

TEST(CompileCacheTest, EqualDigestsOfDifferentKeysAreNeverMixedUp) {
  CompileCache cache(kLarge);
  Key other = NumberedKey(2);
  other.digest = NumberedKey(1).digest;
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(1), Yields(1)), IsOk());
  EXPECT_EQ(ValueOf(cache.GetOrCompile(other, Yields(2))), 2);
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), MustNotRun())), 1);
  EXPECT_EQ(cache.stats().collisions, 1u);
  EXPECT_EQ(cache.Explain(other), "the nearest entry differs in: graph");
}

TEST(CompileCacheTest, EqualDigestsInFlightAreNeverMixedUp) {
  CompileCache cache(kLarge);
  Key other = NumberedKey(2);
  other.digest = NumberedKey(1).digest;
  const auto outer = cache.GetOrCompile(NumberedKey(1), [&]() -> absl::StatusOr<Entry> {
    EXPECT_EQ(ValueOf(cache.GetOrCompile(other, Yields(2))), 2);
    return MakeEntry(1);
  });
  EXPECT_EQ(ValueOf(outer), 1);
  EXPECT_EQ(cache.stats().collisions, 1u);
}

TEST(CompileCacheTest, ClearDropsEntriesAndKeepsCounters) {
  CompileCache cache(kLarge);
  ASSERT_THAT(cache.GetOrCompile(NumberedKey(1), Yields(1)), IsOk());
  cache.Clear();
  const CacheStats stats = cache.stats();
  EXPECT_EQ(stats.entries, 0u);
  EXPECT_EQ(stats.bytes, 0u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), Yields(2))), 2);
}

TEST(CompileCacheTest, ClearDetachesCompilationsUnderWay) {
  CompileCache cache(kLarge);
  std::latch started(1);
  std::latch proceed(1);
  std::thread old_flight([&] {
    EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1),
                                         [&]() -> absl::StatusOr<Entry> {
                                           started.count_down();
                                           proceed.wait();
                                           return MakeEntry(1);
                                         })),
              1);
  });
  started.wait();
  cache.Clear();
  // Compiles anew though the old flight is in the air, and the old one does not replace it.
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), Yields(2))), 2);
  proceed.count_down();
  old_flight.join();
  EXPECT_EQ(ValueOf(cache.GetOrCompile(NumberedKey(1), MustNotRun())), 2);
}

TEST(CompileCacheTest, CompilationsMayAskForOtherKeys) {
  CompileCache cache(kLarge);
  EXPECT_EQ(ValueOf(cache.GetOrCompile(
                NumberedKey(1), [&] { return cache.GetOrCompile(NumberedKey(2), Yields(2)); })),
            2);
  EXPECT_EQ(cache.stats().entries, 2u);
}

TEST(CompileCacheTest, ExplainsAMissByTheNearestEntry) {
  CompileCache cache(kLarge);
  EXPECT_EQ(cache.Explain(MakeKey("g", "b")), "nothing is cached");
  ASSERT_THAT(cache.GetOrCompile(MakeKey("g", "b"), Yields(1)), IsOk());
  ASSERT_THAT(cache.GetOrCompile(MakeKey("h", "c"), Yields(2)), IsOk());
  EXPECT_EQ(cache.Explain(MakeKey("g", "b")), "");
  EXPECT_EQ(cache.Explain(MakeKey("g", "x")), "the nearest entry differs in: backend");
  EXPECT_EQ(cache.Explain(MakeKey("x", "c")), "the nearest entry differs in: graph");
  EXPECT_EQ(cache.Explain(MakeKey("x", "x")), "the nearest entry differs in: graph, backend");
}

TEST(CompileCacheTest, SurvivesManyThreadsOverFewKeys) {
  constexpr int kThreads = 4;
  CompileCache cache(3 * Charge(100));
  std::barrier<> start(kThreads);
  std::atomic<int> wrong = 0;
  RunThreads(kThreads, [&](int thread) {
    start.arrive_and_wait();
    for (int i = 0; i < 500; ++i) {
      const int n = (i * 7 + thread * 3) % 5;
      if (i % 100 == 99) cache.Clear();
      if (ValueOf(cache.GetOrCompile(NumberedKey(n), Yields(n, 100))) != n) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(cache.stats().bytes, 3 * Charge(100));
}

}  // namespace
}  // namespace ingot::cache
