#include "core/runtime/metrics.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, CountersStartAtZeroAndAddUp) {
  Metrics metrics;
  EXPECT_EQ(metrics.counter("CachedCompile"), 0u);
  EXPECT_TRUE(metrics.counters().empty());
  metrics.Count("CachedCompile");
  metrics.Count("CachedCompile", 2);
  EXPECT_EQ(metrics.counter("CachedCompile"), 3u);
}

TEST(MetricsTest, ASinkIsToldEverythingAndAResetIsNotItsConcern) {
  struct Recorder : MetricsSink {
    void Count(absl::string_view counter, uint64_t delta) override {
      events.push_back(absl::StrCat(counter, " +", delta));
    }
    void Record(absl::string_view sample, absl::Duration duration) override {
      events.push_back(absl::StrCat(sample, " ", absl::FormatDuration(duration)));
    }
    std::vector<std::string> events;
  };
  const auto sink = std::make_shared<Recorder>();
  Metrics metrics(sink);
  metrics.Count("CachedCompile", 2);
  metrics.Record("CompileTime", absl::Milliseconds(3));
  metrics.Reset();
  EXPECT_THAT(sink->events, testing::ElementsAre("CachedCompile +2", "CompileTime 3ms"));
}

TEST(MetricsTest, SamplesHaveTotalsAndPercentiles) {
  Metrics metrics;
  for (int i = 1; i <= 100; ++i) metrics.Record("CompileTime", absl::Microseconds(i));
  const Metrics::Sample sample = metrics.samples()["CompileTime"];
  EXPECT_EQ(sample.count, 100u);
  EXPECT_EQ(sample.total, absl::Microseconds(5050));
  EXPECT_EQ(sample.min, absl::Microseconds(1));
  EXPECT_EQ(sample.max, absl::Microseconds(100));
  EXPECT_EQ(sample.p50, absl::Microseconds(50));
  EXPECT_EQ(sample.p99, absl::Microseconds(99));
}

TEST(MetricsTest, PercentilesForgetOldSamplesButTotalsDoNot) {
  Metrics metrics;
  metrics.Record("t", absl::Seconds(100));
  for (size_t i = 0; i < Metrics::kWindow; ++i) metrics.Record("t", absl::Seconds(1));
  const Metrics::Sample sample = metrics.samples()["t"];
  EXPECT_EQ(sample.p99, absl::Seconds(1));
  EXPECT_EQ(sample.max, absl::Seconds(100));
  EXPECT_EQ(sample.count, Metrics::kWindow + 1);
}

TEST(MetricsTest, ReportsAreTextAndJson) {
  Metrics metrics;
  metrics.Count("fallback.aten::sub.Tensor");
  metrics.Record("CompileTime", absl::Milliseconds(2));
  EXPECT_THAT(metrics.ToText(), HasSubstr("fallback.aten::sub.Tensor 1\n"));
  EXPECT_EQ(
      metrics.ToJson(),
      "{\"counters\":{\"fallback.aten::sub.Tensor\":1},\"samples\":{\"CompileTime\":{\"count\":1,"
      "\"total_us\":2000.000,\"min_us\":2000.000,\"max_us\":2000.000,\"p50_us\":2000.000,"
      "\"p90_us\":2000.000,\"p99_us\":2000.000}}}");
  metrics.Reset();
  EXPECT_EQ(metrics.ToText(), "");
}

}  // namespace
}  // namespace ingot::runtime
