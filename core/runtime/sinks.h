// Where a session's log lines and metrics go besides its own Metrics: a service's logger and
// monitoring.
//
//   class Prometheus : public MetricsSink { … };
//   Session::Create(options, {.metrics = std::make_shared<Prometheus>()});
//
// A sink is called from whichever thread something happens on, possibly from several at once: it
// must be thread-safe, quick, must not throw, and must not call back into the session.
#ifndef INGOT_CORE_RUNTIME_SINKS_H_
#define INGOT_CORE_RUNTIME_SINKS_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ingot::runtime {

enum class LogSeverity { kInfo, kWarning, kError };

class LogSink {
 public:
  virtual ~LogSink() = default;
  // One line, without a line end.
  virtual void Log(LogSeverity severity, absl::string_view message) = 0;
};

// Names are those of Metrics.
class MetricsSink {
 public:
  virtual ~MetricsSink() = default;
  virtual void Count(absl::string_view counter, uint64_t delta) = 0;
  virtual void Record(absl::string_view sample, absl::Duration duration) = 0;
};

struct Sinks {
  std::shared_ptr<LogSink> log;          // null: warnings and errors to stderr
  std::shared_ptr<MetricsSink> metrics;  // null: none
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_SINKS_H_
