// Reading elements and rows at places that a tensor gives. All dtypes: elements are moved as bytes.
//
// Indices are i64 or i32, dense. Every index is checked: one outside its dimension returns
// OutOfRange that names the index, its position and the dimension's size; the output's content is
// then unspecified but no byte outside the tables is read. Reentrant; nothing is allocated except
// for an error's text; out must not overlap an input.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_INDEX_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_INDEX_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace ingot::kernels {

struct Indices {
  const void* data = nullptr;
  bool is_i64 = true;  // else i32
  int64_t count = 0;
};

// embedding, index_select, and index.Tensor with one index: out[o, i, :] = x[o, indices[i], :].
struct TakeArgs {
  const void* x = nullptr;  // dense [outer, size, inner_bytes]
  int64_t outer = 1;
  int64_t size = 0;
  int64_t inner_bytes = 0;
  Indices indices;
  bool allow_negative =
      false;            // index.Tensor counts from the end; embedding and index_select refuse
  void* out = nullptr;  // dense [outer, indices.count, inner_bytes]
};
absl::Status Take(const TakeArgs& args, int threads);

// torch.gather along one dimension: out[o, j, i] = x[o, index[o, j, i], i] for dense [outer, n,
// inner] index and out. x is dense [x_outer, size, x_inner] with outer <= x_outer and inner <=
// x_inner when the other dimensions collapse to two; where they do not, call it once a slice.
struct GatherArgs {
  const void* x = nullptr;
  int64_t size = 0;
  int64_t x_inner = 0;
  int element_size = 4;  // 1, 2, 4, 8
  int64_t outer = 0;
  int64_t n = 0;
  int64_t inner = 0;
  Indices index;  // count = outer * n * inner
  void* out = nullptr;
};
absl::Status Gather(const GatherArgs& args, int threads);

// index.Tensor with k adjacent indexed dimensions: x is dense [outer, sizes[0], …, sizes[k-1],
// inner_bytes], the k index tensors are already broadcast to one shape of `count` elements;
// negative indices count from the end. out is dense [outer, count, inner_bytes].
inline constexpr int kMaxIndexDims = 8;
struct MultiIndexArgs {
  const void* x = nullptr;
  int64_t outer = 1;
  absl::Span<const int64_t> sizes;
  int64_t inner_bytes = 0;
  absl::Span<const Indices> indices;  // as many as sizes, all of one count
  void* out = nullptr;
};
absl::Status MultiIndex(const MultiIndexArgs& args, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_INDEX_H_
