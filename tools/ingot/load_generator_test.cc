#include "tools/ingot/load_generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "absl/time/clock.h"
#include "core/base/status_matchers.h"

namespace ingot::tools {
namespace {

TEST(ClosedLoopTest, MakesTheNumberOfCallsAskedFor) {
  LoadOptions options;
  options.clients = 3;
  options.max_calls = 100;
  options.duration = absl::Hours(1);
  std::array<std::atomic<int>, 3> busy = {};
  std::atomic<int> calls = 0;
  auto times = RunClosedLoop(options, [&](int client) {
    EXPECT_EQ(busy[client].fetch_add(1), 0) << "a client's calls overlap";
    calls.fetch_add(1);
    busy[client].fetch_sub(1);
    return absl::OkStatus();
  });
  ASSERT_THAT(times, IsOk());
  EXPECT_EQ(times->size(), 100u);
  EXPECT_EQ(calls, 100);
}

TEST(ClosedLoopTest, MakesAtLeastOneCall) {
  LoadOptions options;
  options.duration = absl::ZeroDuration();
  auto times = RunClosedLoop(options, [](int) { return absl::OkStatus(); });
  ASSERT_THAT(times, IsOk());
  EXPECT_EQ(times->size(), 1u);
}

TEST(ClosedLoopTest, TheFirstErrorEndsIt) {
  LoadOptions options;
  options.duration = absl::Hours(1);
  int calls = 0;
  auto times = RunClosedLoop(
      options, [&](int) { return ++calls == 3 ? absl::InternalError("third") : absl::OkStatus(); });
  EXPECT_THAT(times, StatusIs(absl::StatusCode::kInternal, "third"));
}

TEST(OpenLoopTest, TimesCountFromTheArrival) {
  LoadOptions options;
  options.rate = 1e6;
  options.max_calls = 50;
  options.duration = absl::Seconds(1);
  auto times = RunOpenLoop(options, [](int) {
    absl::SleepFor(absl::Milliseconds(1));
    return absl::OkStatus();
  });
  ASSERT_THAT(times, IsOk());
  ASSERT_EQ(times->size(), 50u);
  // Fifty calls arrive at once and are served one by one: the last waits for all others.
  EXPECT_GT(*std::max_element(times->begin(), times->end()), 49e3);
}

TEST(OpenLoopTest, ArrivalsFollowTheRate) {
  LoadOptions options;
  options.rate = 1000;
  options.duration = absl::Milliseconds(300);
  auto times = RunOpenLoop(options, [](int) { return absl::OkStatus(); });
  ASSERT_THAT(times, IsOk());
  EXPECT_NEAR(static_cast<double>(times->size()), 300, 100);
}

}  // namespace
}  // namespace ingot::tools
