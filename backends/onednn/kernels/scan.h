// Running products, extremes and log-sums along the middle of a dense [outer, n, inner].
//
// Reentrant; allocates nothing; x may be y. Floats accumulate in double, integers wrap.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SCAN_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SCAN_H_

#include <cstdint>

#include "core/ir/dtype.h"

namespace ingot::kernels {

struct ScanArgs {
  ir::DType dtype = ir::DType::kFloat32;  // any but complex; CumLogSumExp: floating
  int64_t outer = 1, n = 0, inner = 1;
  const void* x = nullptr;
  void* y = nullptr;
};

void CumProd(const ScanArgs& args, int threads);
void CumLogSumExp(const ScanArgs& args, int threads);

// NaN wins and stays; of equals the last place counts. `indices` may be null.
void CumExtreme(const ScanArgs& args, bool max, int64_t* indices, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SCAN_H_
