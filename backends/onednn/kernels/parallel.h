// Splits a range of independent work items over threads.
//
//   ParallelFor(threads, rows, /*grain=*/GrainFor(ns_per_row), [&](int64_t begin, int64_t end, int
//   thread) {...});
//
// Runs on libgomp's pool, which oneDNN and LibTorch share in one process, so no second pool
// competes for the cores. The split is static and depends only on (threads, n, grain): reruns do
// the same arithmetic in the same order. With one thread, with n <= grain, or inside another
// parallel region, the calling thread runs everything without touching OpenMP. Reentrant; allocates
// nothing. `fn` must not throw.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_PARALLEL_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>

namespace ingot::kernels {

// Below this much work a fork (0.4 to 3 us, more if the workers sleep) costs more than it saves.
inline constexpr int64_t kMinParallelNanoseconds = 20000;

// Items a thread should at least get when one item takes `ns_per_item` (> 0): half of the limit
// each, so that two threads start at kMinParallelNanoseconds.
inline int64_t GrainFor(double ns_per_item) {
  return std::max<int64_t>(1, static_cast<int64_t>(kMinParallelNanoseconds / 2 / ns_per_item));
}

namespace internal {
using RangeFn = void (*)(const void* context, int64_t begin, int64_t end, int thread);
// Runs fn on `chunks` > 1 contiguous parts of [0, n), part i as thread index i.
void RunChunks(int chunks, int64_t n, const void* context, RangeFn fn);
using MemberFn = void (*)(const void* context, int member, int team);
void RunTeam(int threads, const void* context, MemberFn fn);
}  // namespace internal

// Number of parts ParallelFor makes; `thread` is below it. Never above `threads`.
inline int ParallelChunks(int threads, int64_t n, int64_t grain) {
  if (threads <= 1 || n <= grain) return 1;
  return static_cast<int>(std::min<int64_t>(threads, n / std::max<int64_t>(grain, 1)));
}

// Calls fn(begin, end, thread) so that the ranges cover [0, n) once. n == 0 calls nothing.
template <typename Fn>
void ParallelFor(int threads, int64_t n, int64_t grain, const Fn& fn) {
  if (n <= 0) return;
  const int chunks = ParallelChunks(threads, n, grain);
  if (chunks <= 1) {
    fn(int64_t{0}, n, 0);
    return;
  }
  internal::RunChunks(chunks, n, &fn,
                      [](const void* context, int64_t begin, int64_t end, int thread) {
                        (*static_cast<const Fn*>(context))(begin, end, thread);
                      });
}

// Calls fn(member, team) once for each member in [0, team), all at the same time, so that they may
// wait for each other (TeamProgress). The team has at most `threads` members, one inside of another
// parallel region.
template <typename Fn>
void ParallelTeam(int threads, const Fn& fn) {
  if (threads <= 1) {
    fn(0, 1);
    return;
  }
  internal::RunTeam(threads, &fn, [](const void* context, int member, int team) {
    (*static_cast<const Fn*>(context))(member, team);
  });
}

// How far each member of a team has come. What a member wrote before it reported a step is visible
// to those who waited for that step.
class TeamProgress {
 public:
  static constexpr int kMaxTeam = 16;

  void Report(int member, int64_t step) {
    reached_[member].step.store(step, std::memory_order_release);
  }
  // Until all members of [0, team) have reported `step` or a later one.
  void WaitForAll(int team, int64_t step) const {
    for (int member = 0; member < team; ++member) {
      if (reached_[member].step.load(std::memory_order_acquire) < step) Wait(member, step);
    }
  }

 private:
  // Awake at first, since the others are about to be done; then gives the core away, which they may
  // need.
  void Wait(int member, int64_t step) const;

  struct alignas(64) Reached {
    std::atomic<int64_t> step{0};
  };
  Reached reached_[kMaxTeam];
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_PARALLEL_H_
