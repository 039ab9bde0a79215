// Searches in sorted rows: searchsorted, bucketize.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SEARCH_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SEARCH_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/ir/dtype.h"

namespace ingot::kernels {

struct SearchArgs {
  ir::DType dtype = ir::DType::kFloat32;  // of both; not complex
  bool right = false;                     // count elements equal to the value, too
  bool out_i32 = false;
  int64_t rows = 1;              // of values, dense [rows, count]
  int64_t count = 0;             // values a row
  int64_t length = 0;            // of a sorted row
  bool shared = false;           // one sorted row for all
  const void* sorted = nullptr;  // dense [rows or 1, length]
  const int64_t* order =
      nullptr;  // places of a row's elements in ascending order; null: as they lie
  const void* values = nullptr;
  void* out = nullptr;  // i64 or i32
};

// OutOfRange: an entry of `order` is no place of a row. Reentrant; allocates nothing.
absl::Status SearchSorted(const SearchArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SEARCH_H_
