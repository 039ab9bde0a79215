#include "core/runtime/step_closures.h"

#include <utility>

namespace ingot::runtime {

StepClosures::~StepClosures() {
  {
    absl::MutexLock lock(&mutex_);
    is_stopping_ = true;
  }
  if (worker_.joinable()) worker_.join();
}

absl::Status StepClosures::TakeError() { return std::exchange(error_, absl::OkStatus()); }

absl::Status StepClosures::Add(Mode mode, Closure closure) {
  absl::MutexLock lock(&mutex_);
  (mode == Mode::kSync ? sync_ : async_).push_back(std::move(closure));
  return TakeError();
}

absl::Status StepClosures::MarkStep() {
  std::vector<Closure> sync;
  absl::Status earlier;
  {
    absl::MutexLock lock(&mutex_);
    earlier = TakeError();
    sync = std::exchange(sync_, {});
    for (Closure& closure : std::exchange(async_, {})) {
      mutex_.Await(absl::Condition(this, &StepClosures::HasRoom));
      pending_.push_back(std::move(closure));
      if (!worker_.joinable()) worker_ = std::thread([this] { Work(); });
    }
  }
  for (const Closure& closure : sync) {
    absl::Status status = closure();
    if (status.ok()) continue;
    earlier.Update(std::move(status));
    break;
  }
  return earlier;
}

absl::Status StepClosures::Wait() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &StepClosures::IsIdle));
  return TakeError();
}

void StepClosures::Work() {
  absl::MutexLock lock(&mutex_);
  while (true) {
    mutex_.Await(absl::Condition(this, &StepClosures::HasWork));
    if (pending_.empty()) return;
    const Closure closure = std::move(pending_.front());
    pending_.pop_front();
    is_busy_ = true;
    mutex_.Unlock();
    absl::Status status = closure();
    mutex_.Lock();
    is_busy_ = false;
    error_.Update(std::move(status));
  }
}

}  // namespace ingot::runtime
