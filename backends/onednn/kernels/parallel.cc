#include "backends/onednn/kernels/parallel.h"

#include <omp.h>

#include <thread>

namespace ingot::kernels {

void TeamProgress::Wait(int member, int64_t step) const {
  constexpr int kSpins = 2000;
  for (int spins = 0; reached_[member].step.load(std::memory_order_acquire) < step; ++spins) {
    if (spins < kSpins) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else {
      std::this_thread::yield();
    }
  }
}

namespace internal {

void RunChunks(int chunks, int64_t n, const void* context, RangeFn fn) {
  if (omp_in_parallel() != 0) {
    fn(context, 0, n, 0);
    return;
  }
#pragma omp parallel num_threads(chunks)
  {
    // The runtime may give fewer threads than asked; the parts stay the same.
    const int team = omp_get_num_threads();
    for (int part = omp_get_thread_num(); part < chunks; part += team) {
      const int64_t begin = n * part / chunks;
      const int64_t end = n * (part + 1) / chunks;
      fn(context, begin, end, part);
    }
  }
}

void RunTeam(int threads, const void* context, MemberFn fn) {
  if (omp_in_parallel() != 0) {
    fn(context, 0, 1);
    return;
  }
#pragma omp parallel num_threads(threads)
  fn(context, omp_get_thread_num(), omp_get_num_threads());
}

}  // namespace internal
}  // namespace ingot::kernels
