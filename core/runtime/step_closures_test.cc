#include "core/runtime/step_closures.h"

#include <atomic>
#include <vector>

#include "absl/synchronization/notification.h"
#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Mode = StepClosures::Mode;

// Adds an asynchronous closure that counts. What Add tells of earlier ones is not looked at.
void AddCounting(StepClosures& closures, std::atomic<int>& count) {
  closures
      .Add(Mode::kAsync,
           [&count] {
             ++count;
             return absl::OkStatus();
           })
      .IgnoreError();
}

TEST(StepClosuresTest, SynchronousClosuresEndBeforeTheStepDoesInOrder) {
  StepClosures closures;
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(closures.Add(Mode::kSync,
                             [&order, i] {
                               order.push_back(i);
                               return absl::OkStatus();
                             }),
                IsOk());
  }
  EXPECT_TRUE(order.empty());
  ASSERT_THAT(closures.MarkStep(), IsOk());
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  ASSERT_THAT(closures.MarkStep(), IsOk());
  EXPECT_EQ(order.size(), 3u);
}

TEST(StepClosuresTest, AsynchronousClosuresDoNotBlockTheStep) {
  StepClosures closures;
  absl::Notification go;
  std::atomic<bool> is_done = false;
  ASSERT_THAT(closures.Add(Mode::kAsync,
                           [&] {
                             go.WaitForNotification();
                             is_done = true;
                             return absl::OkStatus();
                           }),
              IsOk());
  ASSERT_THAT(closures.MarkStep(), IsOk());
  EXPECT_FALSE(is_done);
  go.Notify();
  ASSERT_THAT(closures.Wait(), IsOk());
  EXPECT_TRUE(is_done);
}

TEST(StepClosuresTest, ASynchronousErrorIsTheStepsAndDropsTheRest) {
  StepClosures closures;
  bool has_run = false;
  closures.Add(Mode::kSync, [] { return absl::DataLossError("lost"); }).IgnoreError();
  closures
      .Add(Mode::kSync,
           [&] {
             has_run = true;
             return absl::OkStatus();
           })
      .IgnoreError();
  EXPECT_THAT(closures.MarkStep(), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(closures.MarkStep(), IsOk());
  EXPECT_FALSE(has_run);
}

TEST(StepClosuresTest, AnAsynchronousErrorSurfacesOnceAtTheNextAdd) {
  StepClosures closures;
  absl::Notification failed;
  const auto ok = [] { return absl::OkStatus(); };
  closures.Add(Mode::kAsync, [] { return absl::DataLossError("lost"); }).IgnoreError();
  closures
      .Add(Mode::kAsync,
           [&] {
             failed.Notify();
             return absl::OkStatus();
           })
      .IgnoreError();
  ASSERT_THAT(closures.MarkStep(), IsOk());
  failed.WaitForNotification();
  EXPECT_THAT(closures.Add(Mode::kAsync, ok), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(closures.Add(Mode::kAsync, ok), IsOk());
  ASSERT_THAT(closures.MarkStep(), IsOk());
  EXPECT_THAT(closures.Wait(), IsOk());
}

TEST(StepClosuresTest, AnEarlierErrorIsNotLostToALaterOne) {
  StepClosures closures;
  absl::Notification go, failed;
  closures
      .Add(Mode::kAsync,
           [&] {
             go.WaitForNotification();
             return absl::DataLossError("earlier");
           })
      .IgnoreError();
  closures
      .Add(Mode::kAsync,
           [&] {
             failed.Notify();
             return absl::OkStatus();
           })
      .IgnoreError();
  ASSERT_THAT(closures.MarkStep(), IsOk());
  ASSERT_THAT(closures.Add(Mode::kSync, [] { return absl::AbortedError("later"); }), IsOk());
  go.Notify();
  failed.WaitForNotification();
  EXPECT_THAT(closures.MarkStep(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("earlier")));
  EXPECT_THAT(closures.MarkStep(), IsOk());
}

TEST(StepClosuresTest, NoRoomAtAllCountsAsRoomForOne) {
  StepClosures closures(/*max_pending=*/0);
  std::atomic<int> count = 0;
  for (int i = 0; i < 3; ++i) {
    AddCounting(closures, count);
  }
  ASSERT_THAT(closures.MarkStep(), IsOk());
  ASSERT_THAT(closures.Wait(), IsOk());
  EXPECT_EQ(count, 3);
}

TEST(StepClosuresTest, PendingClosuresAreBoundedAndAllRunBeforeTheEnd) {
  std::atomic<int> count = 0;
  {
    StepClosures closures(/*max_pending=*/2);
    for (int step = 0; step < 10; ++step) {
      for (int i = 0; i < 3; ++i) {
        AddCounting(closures, count);
      }
      ASSERT_THAT(closures.MarkStep(), IsOk());
    }
  }
  EXPECT_EQ(count, 30);
}

}  // namespace
}  // namespace ingot::runtime
