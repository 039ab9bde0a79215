#include "core/runtime/metrics.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ingot::runtime {

void Metrics::Count(absl::string_view counter, uint64_t delta) {
  if (sink_ != nullptr) sink_->Count(counter, delta);
  absl::MutexLock lock(&mutex_);
  counters_[std::string(counter)] += delta;
}

void Metrics::Record(absl::string_view sample, absl::Duration duration) {
  if (sink_ != nullptr) sink_->Record(sample, duration);
  absl::MutexLock lock(&mutex_);
  Series& series = series_[std::string(sample)];
  series.min = series.count == 0 ? duration : std::min(series.min, duration);
  series.max = std::max(series.max, duration);
  series.total += duration;
  if (series.window.size() < kWindow) {
    series.window.push_back(duration);
  } else {
    series.window[series.count % kWindow] = duration;
  }
  ++series.count;
}

uint64_t Metrics::counter(absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  auto it = counters_.find(std::string(name));
  return it == counters_.end() ? 0 : it->second;
}

std::map<std::string, uint64_t> Metrics::counters() const {
  absl::MutexLock lock(&mutex_);
  return {counters_.begin(), counters_.end()};
}

Metrics::Sample Metrics::Summarize(const Series& series) {
  Sample sample{series.count, series.total, series.min, series.max, {}, {}, {}};
  std::vector<absl::Duration> sorted = series.window;
  std::sort(sorted.begin(), sorted.end());
  // Nearest rank.
  const auto at = [&](size_t percent) { return sorted[(sorted.size() - 1) * percent / 100]; };
  sample.p50 = at(50);
  sample.p90 = at(90);
  sample.p99 = at(99);
  return sample;
}

std::map<std::string, Metrics::Sample> Metrics::samples() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, Sample> result;
  for (const auto& [name, series] : series_) result[name] = Summarize(series);
  return result;
}

std::string Metrics::ToText() const {
  std::string text;
  for (const auto& [name, count] : counters()) absl::StrAppend(&text, name, " ", count, "\n");
  for (const auto& [name, s] : samples()) {
    absl::StrAppend(&text, name, " count=", s.count, " total=", absl::FormatDuration(s.total),
                    " p50=", absl::FormatDuration(s.p50), " p90=", absl::FormatDuration(s.p90),
                    " p99=", absl::FormatDuration(s.p99), "\n");
  }
  return text;
}

std::string Metrics::ToJson() const {
  std::string json = "{\"counters\":{";
  const char* separator = "";
  for (const auto& [name, count] : counters()) {
    absl::StrAppend(&json, separator, "\"", name, "\":", count);
    separator = ",";
  }
  absl::StrAppend(&json, "},\"samples\":{");
  separator = "";
  for (const auto& [name, s] : samples()) {
    const auto us = [](absl::Duration d) { return absl::ToDoubleMicroseconds(d); };
    absl::StrAppendFormat(
        &json,
        "%s\"%s\":{\"count\":%u,\"total_us\":%.3f,\"min_us\":%.3f,\"max_us\":%.3f,"
        "\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f}",
        separator, name, s.count, us(s.total), us(s.min), us(s.max), us(s.p50), us(s.p90),
        us(s.p99));
    separator = ",";
  }
  absl::StrAppend(&json, "}}");
  return json;
}

void Metrics::Reset() {
  absl::MutexLock lock(&mutex_);
  counters_.clear();
  series_.clear();
}

}  // namespace ingot::runtime
