// Work to be done after a step: a service's logging or reporting of what its calls returned.
//
//   StepClosures closures;
//   closures.Add(StepClosures::Mode::kAsync, [loss] { return Report(loss); });
//   INGOT_RETURN_IF_ERROR(closures.MarkStep());     // the step is over: runs what was added
//
// Synchronous closures run inside MarkStep, in the order in which they were added, until one fails.
// Asynchronous ones run one after another on a thread of their own, in order over all steps; what
// one of them returns as an error is reported once, by the next Add, MarkStep or Wait, and those
// after it still run. At most `max_pending` (0 counts as 1) wait: MarkStep blocks until there is
// room. The
// destructor waits for all. Thread-safe; a closure may add closures, but must not call MarkStep or
// Wait.
#ifndef INGOT_CORE_RUNTIME_STEP_CLOSURES_H_
#define INGOT_CORE_RUNTIME_STEP_CLOSURES_H_

#include <algorithm>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace ingot::runtime {

class StepClosures {
 public:
  using Closure = std::function<absl::Status()>;
  enum class Mode { kSync, kAsync };

  explicit StepClosures(size_t max_pending = 100)
      : max_pending_(std::max<size_t>(max_pending, 1)) {}
  ~StepClosures();
  StepClosures(const StepClosures&) = delete;
  StepClosures& operator=(const StepClosures&) = delete;

  // Keeps `closure` for the end of this step. An error of an earlier asynchronous closure, if there
  // is one to report; `closure` is kept nevertheless.
  absl::Status Add(Mode mode, Closure closure);

  // Ends the step. The first error: of an earlier asynchronous closure, else of a synchronous one
  // of this step. After a synchronous one has failed, the step's other synchronous closures are
  // dropped.
  absl::Status MarkStep();

  // Until no asynchronous closure is pending. An error not reported yet.
  absl::Status Wait();

 private:
  void Work();
  absl::Status TakeError() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsIdle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return pending_.empty() && !is_busy_; }
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return pending_.size() < max_pending_; }
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !pending_.empty() || is_stopping_;
  }

  const size_t max_pending_;
  absl::Mutex mutex_;
  std::vector<Closure> sync_ ABSL_GUARDED_BY(mutex_);   // of the current step
  std::vector<Closure> async_ ABSL_GUARDED_BY(mutex_);  // of the current step
  std::deque<Closure> pending_ ABSL_GUARDED_BY(mutex_);
  bool is_busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  std::thread worker_;  // started with the first asynchronous closure
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_STEP_CLOSURES_H_
