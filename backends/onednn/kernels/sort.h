// Ordering the elements of one dimension: sort, topk, and what follows from an order.
//
// Operands are dense [outer, n, inner]. NaN is the greatest. The caller gives scratch of
// SortScratchBytes for its number of threads. Reentrant; allocates nothing.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SORT_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SORT_H_

#include <cstdint>

#include "core/ir/dtype.h"

namespace ingot::kernels {

struct SortArgs {
  ir::DType dtype = ir::DType::kFloat32;  // not complex
  int64_t outer = 1, n = 0, inner = 1;
  bool descending = false;
  bool stable = true;  // equal elements keep their order; of Sort
  const void* x = nullptr;
  void* scratch = nullptr;
  // Either may be null.
  void* values = nullptr;
  int64_t* indices = nullptr;
};

int64_t SortScratchBytes(ir::DType dtype, int64_t n, int threads);

// Unless stable, equal elements come out as the C++ library's sort leaves them, which is what
// PyTorch gives too.
void Sort(const SortArgs& args, int threads);

// The first k of the order, results [outer, k, inner]; equal elements and, unless `sorted`, the
// order of all but the last come out as the C++ library's selection leaves them, which is what
// PyTorch gives too.
void TopK(const SortArgs& args, int64_t k, bool sorted, int threads);

// The lower median, results [outer, 1, inner]: NaN if there is one, unless `ignore_nan` and another
// number; of equals a place of one of them. n may be 0: NaN.
void Median(const SortArgs& args, bool ignore_nan, int threads);

// The k-th element (from 0) of the ascending order.
void KthValue(const SortArgs& args, int64_t k, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SORT_H_
