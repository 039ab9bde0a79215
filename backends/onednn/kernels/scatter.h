// Writing to places that data names: scatter, index_put and their accumulating forms; and gather
// where the dimensions do not collapse.
//
// All change `out` in place: the caller has copied `self` there. Elements are written in row-major
// order of the index on one thread, so that of several writes to one place the last wins and sums
// have a fixed order, as in PyTorch. Every index is checked before use: OutOfRange names it, and
// `out` is then unspecified. At most kMaxWalkDims (walk.h) dimensions have a size other than 1,
// else InvalidArgument. Reentrant; allocates nothing unless there are more than that with those of
// size 1.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SCATTER_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SCATTER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "backends/onednn/kernels/index.h"
#include "core/ir/dtype.h"

namespace ingot::kernels {

enum class ScatterOp : uint8_t {
  kReplace,  // any dtype
  kAdd,      // not complex, as the rest; bools: or
  kProd,
  kMax,  // NaN wins
  kMin,
};

// out[…, index[…, i, …], …] = src[…, i, …] along one dimension.
struct ScatterArgs {
  ScatterOp op = ScatterOp::kReplace;
  ir::DType dtype = ir::DType::kFloat32;
  absl::Span<const int64_t> dims;                      // of index, which is dense
  absl::Span<const int64_t> src_strides, out_strides;  // in elements; source 0: one value
  int along = 0;
  int64_t size = 0;  // of out along that dimension
  bool allow_negative = false;
  // Of the index over dims; empty: dense. Zeros let one index serve whole slices.
  absl::Span<const int64_t> index_strides;
  Indices index;
  const void* src = nullptr;
  void* out = nullptr;
};
// InvalidArgument: an op that the dtype lacks.
absl::Status Scatter(const ScatterArgs& args);

// Scatter with an op; `mean` (op is kAdd) divides by the number of elements that came together,
// integers rounding down. Without `include_self` what was in a place that is written doesn't count.
// `counts` is scratch of one int64_t an element of out, for means.
struct ScatterReduceArgs {
  ScatterArgs scatter;
  bool include_self = true;
  bool mean = false;
  int64_t out_elements = 0;
  int64_t* counts = nullptr;
};
absl::Status ScatterReduce(const ScatterReduceArgs& args);

// out, of `count` elements, gets the next element of src wherever the mask is set. OutOfRange: src
// has too few.
absl::Status MaskedScatter(ir::DType dtype, const bool* mask, int64_t count, const void* src,
                           int64_t src_count, void* out);

// out[…, i, …] = x[…, index[…, i, …], …]: as ScatterArgs with source x (src_strides are x's, size
// is x's) and dense out.
absl::Status GatherStrided(const ScatterArgs& args);

// out[indices] = values or += values. Result dimensions are those of self[indices], in its order;
// strides of the indexed part of a result are 0 in `out_strides`.
struct IndexPutArgs {
  bool accumulate = false;
  ir::DType dtype = ir::DType::kFloat32;
  absl::Span<const int64_t> dims;            // of self[indices]
  absl::Span<const int64_t> out_strides;     // where not indexed
  absl::Span<const int64_t> values_strides;  // 0 where broadcast
  absl::Span<const int64_t> index_strides;   // of the broadcast, dense index; 0 elsewhere
  absl::Span<const int64_t> sizes, strides;  // of out's indexed dimensions
  absl::Span<const Indices> indices;
  const void* values = nullptr;
  void* out = nullptr;
};
absl::Status IndexPut(const IndexPutArgs& args);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SCATTER_H_
