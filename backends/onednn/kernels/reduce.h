// Reductions over any set of dimensions of a strided tensor.
//
//   ReducePlan::Make({2, 3, 5}, {15, 5, 1}, /*reduced=*/{0, 2}, ReduceOp::kSum, DType::kFloat32) ->
//   output [3]
//
// The output is dense row-major over the kept dimensions in their order (keepdim does not change
// the bytes). Run is const, reentrant and allocates nothing; output must not overlap input.
//
// Accuracy: f32 sums are kept in at least 16 partial sums, folded into a second level every 256
// additions, so the error grows like that of PyTorch's cascade sum; variance is two-pass. NaN:
// max/min/argmax/argmin hand NaN on (argmax gives the first NaN's index); ties give the first
// index.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ir/dtype.h"

namespace ingot::kernels {

using ir::DType;

enum class ReduceOp : uint8_t {
  kSum,   // f32 f64 i64 i32 bool(-> i64: counts); i32 -> i64
  kMean,  // f32 f64
  kMax,   // amax; f32 f64 i64 i32 bool
  kMin,
  kProd,  // f32 f64 i64; i32 -> i64
  kAny,   // any dtype -> bool (nonzero)
  kAll,
  kArgMax,  // f32 f64 i64 i32 bool -> i64 (position within the reduced dimensions, row-major)
  kArgMin,
  kVar,  // f32 f64; less `parameter` degrees of freedom
  kStd,
  kSumAbs,      // f32 f64: 1-norm
  kSumSquares,  // f32 f64
  kNorm2,       // sqrt(kSumSquares)
  kMaxAbs,      // inf-norm
  kMinAbs,      // -inf-norm
  kNonzeros,    // 0-norm: how many elements are not zero
  kNormP,       // (sum of |x|^p)^(1/p), p given as `parameter`
  kLogSumExp,   // f32 f64
};

namespace internal {
struct ReduceState;
}

class ReducePlan {
 public:
  // shape and strides (elements) of the input; reduced: distinct dimensions, each in [0, rank);
  // empty means none (copy for kSum, |x| for norms, …). Reducing zero elements gives the identity
  // for sum, prod, any, all, NaN for mean and var, -inf for logsumexp, and InvalidArgument for max,
  // min and their arg forms.
  static absl::StatusOr<ReducePlan> Make(absl::Span<const int64_t> shape,
                                         absl::Span<const int64_t> strides,
                                         absl::Span<const int> reduced, ReduceOp op, DType dtype,
                                         double parameter = 1.0);
  ReducePlan(ReducePlan&&) noexcept;
  ReducePlan& operator=(ReducePlan&&) noexcept;
  ~ReducePlan();

  // Dtype of the output.
  DType output_dtype() const;
  int64_t output_elements() const;

  void Run(const void* x, void* y, int threads) const;

 private:
  explicit ReducePlan(std::unique_ptr<const internal::ReduceState> state);
  std::unique_ptr<const internal::ReduceState> state_;
};

// max.dim / min.dim: values and first index along the middle of a dense [outer, n, inner], in one
// pass. n >= 1. dtype: kFloat32, kFloat64, kInt64, kInt32, kBool. `values` or `indices` may be
// null.
void MaxWithIndex(DType dtype, const void* x, void* values, int64_t* indices, int64_t outer,
                  int64_t n, int64_t inner, int threads);
void MinWithIndex(DType dtype, const void* x, void* values, int64_t* indices, int64_t outer,
                  int64_t n, int64_t inner, int threads);

// Running sum along the middle of a dense [outer, n, inner]; in place allowed. dtype: kFloat32,
// kFloat64, kInt64. f32 keeps a double accumulator, as PyTorch does.
void CumSum(DType dtype, const void* x, void* y, int64_t outer, int64_t n, int64_t inner,
            int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_REDUCE_H_
