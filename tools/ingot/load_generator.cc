#include "tools/ingot/load_generator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

namespace ingot::tools {
namespace {

using Clock = std::chrono::steady_clock;

double Microseconds(Clock::duration d) {
  return std::chrono::duration<double, std::micro>(d).count();
}

// What the clients share: whether to go on, and what has come of it.
class Progress {
 public:
  explicit Progress(int64_t max_calls) : max_calls_(max_calls) {}

  // The number of the next call, or -1 when there are to be no more.
  int64_t Next() {
    if (failed_.load(std::memory_order_relaxed)) return -1;
    const int64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    return max_calls_ > 0 && number >= max_calls_ ? -1 : number;
  }
  void Fail(absl::Status status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (status_.ok()) status_ = std::move(status);
    failed_.store(true, std::memory_order_relaxed);
  }
  void Add(const std::vector<double>& times) {
    const std::lock_guard<std::mutex> lock(mutex_);
    times_.insert(times_.end(), times.begin(), times.end());
  }
  absl::StatusOr<std::vector<double>> Take() {
    if (!status_.ok()) return status_;
    return std::move(times_);
  }

 private:
  const int64_t max_calls_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  absl::Status status_;
  std::vector<double> times_;
};

// Runs `client_loop(k)` for each client; the calling thread is client 0.
void RunClients(int clients, const std::function<void(int)>& client_loop) {
  std::vector<std::thread> threads;
  for (int k = 1; k < clients; ++k) threads.emplace_back(client_loop, k);
  client_loop(0);
  for (std::thread& thread : threads) thread.join();
}

// Sleeping returns late by tens of microseconds, so the last stretch is waited out awake.
void WaitUntil(Clock::time_point time) {
  std::this_thread::sleep_until(time - std::chrono::microseconds(100));
  while (Clock::now() < time) {
  }
}

}  // namespace

absl::StatusOr<std::vector<double>> RunClosedLoop(const LoadOptions& options,
                                                  const LoadFunction& call) {
  Progress progress(options.max_calls);
  const Clock::time_point end = Clock::now() + absl::ToChronoNanoseconds(options.duration);
  RunClients(options.clients, [&](int client) {
    std::vector<double> times;
    while (progress.Next() >= 0) {
      const Clock::time_point begin = Clock::now();
      absl::Status status = call(client);
      const Clock::time_point finish = Clock::now();
      if (!status.ok()) return progress.Fail(std::move(status));
      times.push_back(Microseconds(finish - begin));
      if (finish >= end) break;
    }
    progress.Add(times);
  });
  return progress.Take();
}

absl::StatusOr<std::vector<double>> RunOpenLoop(const LoadOptions& options,
                                                const LoadFunction& call) {
  std::mt19937_64 random(options.seed);
  std::exponential_distribution<double> gap(options.rate);
  std::vector<double> arrivals;  // seconds from the start
  const double length = absl::ToDoubleSeconds(options.duration);
  for (double at = gap(random); at < length || arrivals.empty(); at += gap(random)) {
    arrivals.push_back(at);
  }
  const int64_t count = static_cast<int64_t>(arrivals.size());
  Progress progress(options.max_calls > 0 ? std::min(options.max_calls, count) : count);
  const Clock::time_point start = Clock::now();
  RunClients(options.clients, [&](int client) {
    std::vector<double> times;
    for (int64_t k = progress.Next(); k >= 0; k = progress.Next()) {
      const Clock::time_point arrival =
          start + std::chrono::duration_cast<Clock::duration>(
                      std::chrono::duration<double>(arrivals[static_cast<size_t>(k)]));
      WaitUntil(arrival);
      absl::Status status = call(client);
      if (!status.ok()) return progress.Fail(std::move(status));
      times.push_back(Microseconds(Clock::now() - arrival));
    }
    progress.Add(times);
  });
  return progress.Take();
}

}  // namespace ingot::tools
