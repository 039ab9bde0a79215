// What the inference functions share: broadcasting, type promotion, dimension arithmetic. Private
// to core/ops.
//
// All helpers take the InferContext for its Error(), so that every message starts with the op's
// name. Rules are PyTorch's; the oracle is testdata/inference.txt, recorded from eager.
#ifndef INGOT_CORE_OPS_INFER_H_
#define INGOT_CORE_OPS_INFER_H_

#include <bitset>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ir/type.h"
#include "core/ops/promotion.h"
#include "core/ops/registry.h"

namespace ingot::ops {

inline constexpr int kMaxRank = 64;  // PyTorch's own limit for dimension sets
using DimSet = std::bitset<kMaxRank>;

// The operands of a pointwise op: collects broadcast sizes and promoted dtype of arguments by
// position.
class Operands {
 public:
  explicit Operands(InferContext& ctx) : ctx_(ctx) {}
  // A Tensor or Scalar argument, taken for sizes and dtype. Absent arguments are skipped.
  absl::Status Add(int i);
  // A Tensor argument that counts for the sizes only.
  absl::Status AddSizes(int i);

  ir::DType dtype() const { return promotion_.Result(); }
  const ir::Dims& dims() const { return dims_; }

 private:
  InferContext& ctx_;
  Promotion promotion_;
  ir::Dims dims_;
};

// Integral and bool become PyTorch's default dtype f32; the rest stays.
ir::DType FloatFor(ir::DType dtype);
// The dtype of sums: integral and bool become i64.
ir::DType SumFor(ir::DType dtype);

absl::Status RequireFloating(InferContext& ctx, ir::DType dtype);
absl::Status RequireNotComplex(InferContext& ctx, ir::DType dtype);
absl::Status RequireNotBool(InferContext& ctx, ir::DType dtype);
absl::Status RequireSameDType(InferContext& ctx, const ir::TensorType& a, const ir::TensorType& b);
absl::Status RequireIndexDType(InferContext& ctx, ir::DType dtype);  // i32 or i64
// `what` must have rank `rank`.
absl::Status RequireRank(InferContext& ctx, absl::string_view what, const ir::TensorType& type,
                         int rank);

// A variant that ATen has and this vocabulary leaves to opaque ops.
absl::Status Unsupported(InferContext& ctx, absl::string_view what);

// Negative dims count from the end; a tensor of rank 0 counts as rank 1, as in PyTorch.
absl::StatusOr<int> WrapDim(InferContext& ctx, int64_t dim, int rank);
// Each at most once. Empty: all dimensions when `empty_is_all`.
absl::StatusOr<DimSet> WrapDims(InferContext& ctx, absl::Span<const int64_t> dims, int rank,
                                bool empty_is_all);
ir::Dims ReducedDims(const ir::Dims& dims, const DimSet& reduced, bool keepdim);

// Broadcast of two; the error shows both.
absl::StatusOr<ir::Dims> Broadcast(InferContext& ctx, const ir::Dims& a, const ir::Dims& b);
// Error unless `from` broadcasts to exactly `to`.
absl::Status RequireExpandable(InferContext& ctx, const ir::Dims& from, const ir::Dims& to);

// `int[N]` lists: a single element stands for N equal ones; empty is `fallback` when given.
absl::StatusOr<ir::Dims> ExpandList(InferContext& ctx, absl::string_view what,
                                    absl::Span<const int64_t> list, int n,
                                    absl::Span<const int64_t> fallback = {});

// Product, or nullopt on overflow or a negative size.
std::optional<int64_t> Product(absl::Span<const int64_t> dims);

// floor((in + 2 pad - dilation (kernel - 1) - 1) / stride) + 1, without checks.
int64_t ConvSize(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation);
// The same for pooling with ceil_mode: the last window must start inside the input or its left
// padding.
int64_t PoolSize(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
                 bool ceil_mode);

// The number of elements that a slice takes from `size`. Arguments `first`, `first + 1`, `first +
// 2`: start, end, step.
absl::StatusOr<int64_t> SliceSize(InferContext& ctx, int first, int64_t size);
// The sizes of argument 0 without dimension `dim_arg`, once `index_arg` was found in range.
absl::StatusOr<ir::Dims> SelectedDims(InferContext& ctx, int dim_arg, int index_arg);

std::string DimsText(absl::Span<const int64_t> dims);  // "[2,3]"

}  // namespace ingot::ops

#endif  // INGOT_CORE_OPS_INFER_H_
