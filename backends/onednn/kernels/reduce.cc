#include "backends/onednn/kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/reduce_f32.h"
#include "backends/onednn/kernels/reduce_plan.h"

namespace ingot::kernels {
namespace internal {
namespace {

constexpr double kNanosecondsAnElement = 0.06;

// The fold whose result the op's is made of; of kVar, kStd and kLogSumExp the second of two.
struct VectorOp {
  ReduceOp op;
  Fold fold;
};
constexpr VectorOp kVectorOps[] = {
    {ReduceOp::kSum, Fold::kSum},          {ReduceOp::kMean, Fold::kSum},
    {ReduceOp::kMax, Fold::kMax},          {ReduceOp::kMin, Fold::kMin},
    {ReduceOp::kSumAbs, Fold::kSumAbs},    {ReduceOp::kSumSquares, Fold::kSumSquares},
    {ReduceOp::kNorm2, Fold::kSumSquares}, {ReduceOp::kMaxAbs, Fold::kMaxAbs},
    {ReduceOp::kVar, Fold::kSumSquares},   {ReduceOp::kStd, Fold::kSumSquares},
    {ReduceOp::kLogSumExp, Fold::kSumExp}};

bool IsCentred(ReduceOp op) {
  return op == ReduceOp::kVar || op == ReduceOp::kStd || op == ReduceOp::kLogSumExp;
}

// From the first fold to what is subtracted in the second: the mean, or the maximum where it is
// finite.
float CentreOf(const ReduceState& state, double folded) {
  if (state.op != ReduceOp::kLogSumExp) {
    return static_cast<float>(folded / static_cast<double>(state.count));
  }
  return std::isinf(folded) ? 0.0f : static_cast<float>(folded);
}

Fold CentreFold(ReduceOp op) { return op == ReduceOp::kLogSumExp ? Fold::kMax : Fold::kSum; }

// From the last fold to the output. `largest`: of kLogSumExp, the first fold's result.
float Finish(const ReduceState& state, double folded, double largest) {
  const double n = static_cast<double>(state.count);
  switch (state.op) {
    case ReduceOp::kMean:
      return static_cast<float>(folded / n);
    case ReduceOp::kNorm2:
      return static_cast<float>(std::sqrt(folded));
    case ReduceOp::kVar:
      return static_cast<float>(folded / std::max(0.0, n - state.parameter));
    case ReduceOp::kStd:
      return static_cast<float>(std::sqrt(folded / std::max(0.0, n - state.parameter)));
    case ReduceOp::kLogSumExp:
      if (std::isinf(largest)) return static_cast<float>(largest);
      return static_cast<float>(largest + std::log(folded));
    case ReduceOp::kSum:
    case ReduceOp::kMax:
    case ReduceOp::kMin:
    case ReduceOp::kProd:
    case ReduceOp::kAny:
    case ReduceOp::kAll:
    case ReduceOp::kArgMax:
    case ReduceOp::kArgMin:
    case ReduceOp::kSumAbs:
    case ReduceOp::kSumSquares:
    case ReduceOp::kMaxAbs:
    case ReduceOp::kMinAbs:
    case ReduceOp::kNonzeros:
    case ReduceOp::kNormP:
      break;
  }
  return static_cast<float>(folded);
}

// PyTorch's: NaN wins.
double CombineFolds(Fold fold, double a, double b) {
  if (IsSum(fold)) return a + b;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  return fold == Fold::kMin ? std::min(a, b) : std::max(a, b);
}

double FoldRuns(const ReduceState& state, Fold fold, const float* x, float centre) {
  double folded = FoldIdentity(fold);
  ForEachRun(state, [&](int64_t offset, int64_t n, int64_t, int64_t) {
    folded = CombineFolds(fold, folded, FoldRow(fold, x + offset, n, centre));
  });
  return folded;
}

void RunRows(const ReduceState& state, Fold fold, const float* x, float* y, int threads) {
  const double work = kNanosecondsAnElement * static_cast<double>(state.count) + 5.0;
  ParallelFor(threads, state.outputs, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin; o < end; ++o) {
      const float* from = x + OffsetOf(state.kept, o);
      double first = 0;
      float centre = 0;
      if (IsCentred(state.op)) {
        first = FoldRuns(state, CentreFold(state.op), from, 0.0f);
        centre = CentreOf(state, first);
      }
      y[o] = Finish(state, FoldRuns(state, fold, from, centre), first);
    }
  });
}

void FoldColumnRuns(const ReduceState& state, Fold fold, const float* x, int64_t columns,
                    const float* centre, float* folded) {
  std::fill_n(folded, columns, static_cast<float>(FoldIdentity(fold)));
  ForEachRun(state, [&](int64_t offset, int64_t n, int64_t stride, int64_t) {
    FoldColumns(fold, x + offset, stride, n, columns, centre, folded);
  });
}

// Outputs are neighbours in memory: strips of them fold row after row.
void RunColumns(const ReduceState& state, Fold fold, const float* x, float* y, int threads) {
  const int64_t inner = state.kept.back().size;
  const int64_t strips = (inner + kFoldColumns - 1) / kFoldColumns;
  const double work = kNanosecondsAnElement * static_cast<double>(state.count) *
                      static_cast<double>(std::min(inner, kFoldColumns));
  ParallelFor(threads, state.outputs / inner * strips, GrainFor(work),
              [&](int64_t begin, int64_t end, int) {
                float first[kFoldColumns], centre[kFoldColumns], folded[kFoldColumns];
                for (int64_t item = begin; item < end; ++item) {
                  const int64_t column = item % strips * kFoldColumns;
                  const int64_t columns = std::min(kFoldColumns, inner - column);
                  const float* from = x + OffsetOf(state.kept, item / strips, 1) + column;
                  if (IsCentred(state.op)) {
                    FoldColumnRuns(state, CentreFold(state.op), from, columns, nullptr, first);
                    for (int64_t c = 0; c < columns; ++c) centre[c] = CentreOf(state, first[c]);
                  }
                  FoldColumnRuns(state, fold, from, columns, IsCentred(state.op) ? centre : nullptr,
                                 folded);
                  float* to = y + item / strips * inner + column;
                  for (int64_t c = 0; c < columns; ++c) to[c] = Finish(state, folded[c], first[c]);
                }
              });
}

// argmax and argmin of dense rows: the extreme, then where it is.
void RunArgRows(const ReduceState& state, const float* x, int64_t* y, int threads) {
  const Fold fold = state.op == ReduceOp::kArgMax ? Fold::kMax : Fold::kMin;
  const double work = 2 * kNanosecondsAnElement * static_cast<double>(state.count) + 10.0;
  ParallelFor(threads, state.outputs, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin; o < end; ++o) {
      const float* from = x + OffsetOf(state.kept, o);
      const float extreme = static_cast<float>(FoldRow(fold, from, state.count, 0.0f));
      y[o] = FindFirst(from, state.count, extreme);
    }
  });
}

}  // namespace

bool RunF32(const ReduceState& state, const float* x, void* y, int threads) {
  const bool dense_rows = !state.reduced.empty() && state.reduced.back().stride == 1;
  if (state.op == ReduceOp::kArgMax || state.op == ReduceOp::kArgMin) {
    if (!dense_rows || state.reduced.size() != 1) return false;
    RunArgRows(state, x, static_cast<int64_t*>(y), threads);
    return true;
  }
  const VectorOp* op = std::find_if(std::begin(kVectorOps), std::end(kVectorOps),
                                    [&](const VectorOp& v) { return v.op == state.op; });
  if (op == std::end(kVectorOps)) return false;
  const bool dense_columns = !state.kept.empty() && state.kept.back().stride == 1;
  if (dense_rows) {
    RunRows(state, op->fold, x, static_cast<float*>(y), threads);
  } else if (dense_columns && !state.reduced.empty()) {
    RunColumns(state, op->fold, x, static_cast<float*>(y), threads);
  } else {
    return false;
  }
  return true;
}

}  // namespace internal

namespace {

using internal::ReduceDims;
using internal::ReduceState;

// Neighbours walked as one become one.
void Append(ReduceDims& dims, int64_t size, int64_t stride) {
  if (size == 1) return;
  if (!dims.empty() && dims.back().stride == stride * size) {
    dims.back() = {dims.back().size * size, stride};
  } else {
    dims.push_back({size, stride});
  }
}

bool NeedsFloating(ReduceOp op) {
  switch (op) {
    case ReduceOp::kMean:
    case ReduceOp::kVar:
    case ReduceOp::kStd:
    case ReduceOp::kSumAbs:
    case ReduceOp::kSumSquares:
    case ReduceOp::kNorm2:
    case ReduceOp::kMaxAbs:
    case ReduceOp::kMinAbs:
    case ReduceOp::kNonzeros:
    case ReduceOp::kNormP:
    case ReduceOp::kLogSumExp:
      return true;
    case ReduceOp::kSum:
    case ReduceOp::kMax:
    case ReduceOp::kMin:
    case ReduceOp::kProd:
    case ReduceOp::kAny:
    case ReduceOp::kAll:
    case ReduceOp::kArgMax:
    case ReduceOp::kArgMin:
      break;
  }
  return false;
}

bool NeedsElements(ReduceOp op) {
  return op == ReduceOp::kMax || op == ReduceOp::kMin || op == ReduceOp::kArgMax ||
         op == ReduceOp::kArgMin || op == ReduceOp::kMaxAbs || op == ReduceOp::kMinAbs;
}

DType OutputDType(ReduceOp op, DType dtype) {
  switch (op) {
    case ReduceOp::kSum:
    case ReduceOp::kProd:
      return ir::IsFloating(dtype) ? dtype : DType::kInt64;
    case ReduceOp::kAny:
    case ReduceOp::kAll:
      return DType::kBool;
    case ReduceOp::kArgMax:
    case ReduceOp::kArgMin:
      return DType::kInt64;
    case ReduceOp::kMax:
    case ReduceOp::kMin:
    case ReduceOp::kMean:
    case ReduceOp::kVar:
    case ReduceOp::kStd:
    case ReduceOp::kSumAbs:
    case ReduceOp::kSumSquares:
    case ReduceOp::kNorm2:
    case ReduceOp::kMaxAbs:
    case ReduceOp::kMinAbs:
    case ReduceOp::kNonzeros:
    case ReduceOp::kNormP:
    case ReduceOp::kLogSumExp:
      break;
  }
  return dtype;
}

bool IsReducible(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kInt64 ||
         dtype == DType::kInt32 || dtype == DType::kBool;
}

}  // namespace

absl::StatusOr<ReducePlan> ReducePlan::Make(absl::Span<const int64_t> shape,
                                            absl::Span<const int64_t> strides,
                                            absl::Span<const int> reduced, ReduceOp op, DType dtype,
                                            double parameter) {
  if (!IsReducible(dtype) || (NeedsFloating(op) && !ir::IsFloating(dtype))) {
    return absl::UnimplementedError(absl::StrCat("this reduction of ", ir::DTypeName(dtype)));
  }
  if (shape.size() != strides.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "reduction of ", shape.size(), " dimensions with ", strides.size(), " strides"));
  }
  absl::InlinedVector<bool, 8> is_reduced(shape.size(), false);
  for (int dim : reduced) {
    if (dim < 0 || dim >= static_cast<int>(shape.size()) || is_reduced[dim]) {
      return absl::InvalidArgumentError(
          absl::StrCat("reduced dimension ", dim, " of ", shape.size(), " is absent or repeated"));
    }
    is_reduced[dim] = true;
  }
  auto state = std::make_unique<ReduceState>();
  state->op = op;
  state->dtype = dtype;
  state->output_dtype = OutputDType(op, dtype);
  state->parameter = parameter;
  for (size_t d = 0; d < shape.size(); ++d) {
    (is_reduced[d] ? state->count : state->outputs) *= shape[d];
    Append(is_reduced[d] ? state->reduced : state->kept, shape[d], strides[d]);
  }
  if (state->count == 0 && state->outputs != 0 && NeedsElements(op)) {
    return absl::InvalidArgumentError(
        "a maximum or minimum over zero elements has no value and no identity");
  }
  return ReducePlan(std::move(state));
}

ReducePlan::ReducePlan(std::unique_ptr<const ReduceState> state) : state_(std::move(state)) {}
ReducePlan::ReducePlan(ReducePlan&&) noexcept = default;
ReducePlan& ReducePlan::operator=(ReducePlan&&) noexcept = default;
ReducePlan::~ReducePlan() = default;

DType ReducePlan::output_dtype() const { return state_->output_dtype; }
int64_t ReducePlan::output_elements() const { return state_->outputs; }

void ReducePlan::Run(const void* x, void* y, int threads) const {
  if (state_->outputs == 0) return;
  if (state_->dtype == DType::kFloat32 && state_->count > 0 &&
      internal::RunF32(*state_, static_cast<const float*>(x), y, threads)) {
    return;
  }
  internal::RunPlain(*state_, x, y, threads);
}

}  // namespace ingot::kernels
