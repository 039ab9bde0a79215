// Counters and samples of one session. No process globals.
//
// Names keep the meanings of the original (torch.lazy): "CachedCompile" and "UncachedCompile" count
// groups found in and missing from the cache, "fallback.<op>" nodes not taken by the chosen
// backend. Samples are durations: "ExtractTime", "CompileTime", "PassTime".
// A sink, if any, is told everything as it happens. Thread-safe.
#ifndef INGOT_CORE_RUNTIME_METRICS_H_
#define INGOT_CORE_RUNTIME_METRICS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/runtime/sinks.h"

namespace ingot::runtime {

class Metrics {
 public:
  struct Sample {
    uint64_t count = 0;
    absl::Duration total, min, max;
    absl::Duration p50, p90, p99;  // of the last kWindow samples
  };
  // Percentiles look at this many of the newest samples.
  static constexpr size_t kWindow = 1024;

  explicit Metrics(std::shared_ptr<MetricsSink> sink = nullptr) : sink_(std::move(sink)) {}

  void Count(absl::string_view counter, uint64_t delta = 1);
  void Record(absl::string_view sample, absl::Duration duration);

  uint64_t counter(absl::string_view name) const;  // 0 if never counted
  std::map<std::string, uint64_t> counters() const;
  std::map<std::string, Sample> samples() const;

  // "CachedCompile 3" a line, samples with count, total and percentiles.
  std::string ToText() const;
  // {"counters":{…},"samples":{"CompileTime":{"count":1,"total_us":…,"p50_us":…}}}
  std::string ToJson() const;
  void Reset();

 private:
  struct Series {
    uint64_t count = 0;
    absl::Duration total, min, max;
    std::vector<absl::Duration> window;
  };
  static Sample Summarize(const Series& series);

  const std::shared_ptr<MetricsSink> sink_;
  mutable absl::Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> counters_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Series, std::less<>> series_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_METRICS_H_
