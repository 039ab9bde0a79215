#include "backends/onednn/kernels/parallel.h"

#include <omp.h>

namespace ingot::kernels::internal {

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

}  // namespace ingot::kernels::internal
