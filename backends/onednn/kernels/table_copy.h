// Copies by a table of source offsets for each dimension: pads that repeat or mirror the border.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_TABLE_COPY_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_TABLE_COPY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace ingot::kernels {

struct TableCopyArgs {
  size_t element_size = 4;
  int64_t planes = 0, plane_elements = 0;  // of x
  // y[p, i, j, …] = x[p * plane_elements + offsets[0][i] + offsets[1][j] + …], y dense; 1 to 3.
  absl::Span<const std::vector<int64_t>> offsets;
  const void* x = nullptr;
  void* y = nullptr;
};

// Reentrant; allocates nothing. REQUIRES: offsets within a plane.
void TableCopy(const TableCopyArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_TABLE_COPY_H_
