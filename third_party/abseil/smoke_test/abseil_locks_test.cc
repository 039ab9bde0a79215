#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace {

constexpr int kRounds = 1000;

TEST(AbseilLocksTest, MutexOrdersCriticalSections) {
  absl::Mutex mutex;
  int count = 0;
  const auto add = [&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::MutexLock lock(&mutex);
      ++count;
    }
  };
  std::thread first(add), second(add);
  first.join();
  second.join();
  EXPECT_EQ(count, 2 * kRounds);
}

TEST(AbseilLocksTest, ReadersSeeWhatWritersLeft) {
  absl::Mutex mutex;
  int first_half = 0, second_half = 0;
  std::thread writer([&] {
    for (int i = 0; i < kRounds; ++i) {
      absl::WriterMutexLock lock(&mutex);
      ++first_half;
      ++second_half;
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    absl::ReaderMutexLock lock(&mutex);
    ASSERT_EQ(first_half, second_half);
  }
  writer.join();
}

TEST(AbseilLocksTest, CondVarHandsOverWhatItsMutexGuards) {
  absl::Mutex mutex;
  absl::CondVar changed;
  int value = 0;
  std::thread producer([&] {
    absl::MutexLock lock(&mutex);
    value = 7;
    changed.Signal();
  });
  {
    absl::MutexLock lock(&mutex);
    while (value == 0) changed.Wait(&mutex);
    EXPECT_EQ(value, 7);
    value = 8;
  }
  producer.join();
}

TEST(AbseilLocksTest, NotificationOrdersWhatCameBeforeIt) {
  absl::Notification ready;
  int value = 0;
  std::thread producer([&] {
    value = 7;
    ready.Notify();
  });
  ready.WaitForNotification();
  EXPECT_EQ(value, 7);
  producer.join();
}

}  // namespace
