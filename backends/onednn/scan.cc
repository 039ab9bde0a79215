// Scans along a dimension, and reductions with several or unusual results.
#include "backends/onednn/kernels/scan.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/cast.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/kernels/reduce.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/pointwise.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::PointwiseBuilder;
using kernels::PwOp;
using kernels::ReduceOp;
using kernels::ReducePlan;

absl::Status SupportsReal(const ir::Graph&, const ops::OpView& view) {
  const ir::DType dtype = view.TensorType("self").dtype;
  if (!ir::IsComplex(dtype)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("not done for ", ir::DTypeName(dtype)));
}

// --- Scans ---

kernels::ScanArgs LinesOf(const Tensor& x, int64_t dim) {
  kernels::ScanArgs lines;
  lines.dtype = x.dtype;
  const Span3 s = Around(x.dims, dim);
  lines.outer = s.outer;
  lines.n = s.n;
  lines.inner = s.inner;
  return lines;
}

template <void (*kScan)(const kernels::ScanArgs&, int)>
absl::Status LowerScan(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Tensor x, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(x, Cast(lowering, x, view.OutputType().dtype));
  INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  const Tensor y = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], y);
  const kernels::ScanArgs lines = LinesOf(x, view.Int("dim"));
  return lowering.AddKernel("ingot:scan", {Read(x), Write(y)}, [=](const StepArgs& args) {
    kernels::ScanArgs call = lines;
    call.x = args.At<void>(0);
    call.y = args.At<void>(1);
    kScan(call, args.threads());
    return absl::OkStatus();
  });
}

template <bool kMax>
absl::Status LowerCumulativeExtreme(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Dense(view.Value("self")));
  const Tensor values = lowering.NewTensor(x.dtype, x.dims);
  std::vector<Operand> operands = {Read(x), Write(values)};
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  if (outputs[0] != ir::kNoValue) lowering.Set(outputs[0], values);
  const bool indexed = outputs[1] != ir::kNoValue;
  if (indexed) {
    const Tensor indices = lowering.NewTensor(ir::DType::kInt64, x.dims);
    lowering.Set(outputs[1], indices);
    operands.push_back(Write(indices));
  }
  const kernels::ScanArgs lines = LinesOf(x, view.Int("dim"));
  return lowering.AddKernel("ingot:scan", std::move(operands), [=](const StepArgs& args) {
    kernels::ScanArgs call = lines;
    call.x = args.At<void>(0);
    call.y = args.At<void>(1);
    kernels::CumExtreme(call, kMax, indexed ? args.At<int64_t>(2) : nullptr, args.threads());
    return absl::OkStatus();
  });
}

// --- Reductions ---

std::vector<int> All(int rank) {
  std::vector<int> dims(rank);
  for (int i = 0; i < rank; ++i) dims[i] = i;
  return dims;
}

// The dimensions that argument `dim` names; None: all, and an empty list too if `empty_is_all`.
std::vector<int> DimsOf(const ops::OpView& view, int rank, bool empty_is_all) {
  if (view.def().schema.Find("dim") < 0) return All(rank);
  const ir::Argument& raw = view.Raw("dim");
  std::vector<int> dims;
  const auto add = [&](int64_t d) {
    if (rank > 0) dims.push_back(static_cast<int>(d < 0 ? d + rank : d));
  };
  if (const auto* one = std::get_if<int64_t>(&raw)) {
    add(*one);
    return dims;
  }
  const auto* list = std::get_if<std::vector<int64_t>>(&raw);
  if (list == nullptr || (list->empty() && empty_is_all)) return All(rank);
  for (const int64_t d : *list) add(d);
  return dims;
}

// Reduces `x`, which has strides, into output `value` (nothing if that is none).
absl::Status AddReduce(Lowering& lowering, const Tensor& x, const std::vector<int>& dims,
                       ReduceOp op, double parameter, ir::ValueId value) {
  if (value == ir::kNoValue) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(ReducePlan made,
                         ReducePlan::Make(x.dims, x.strides, dims, op, x.dtype, parameter));
  auto plan = std::make_shared<const ReducePlan>(std::move(made));
  CastOutput y(lowering, value, plan->output_dtype());
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      "ingot:reduce", {Read(x), Write(y.tensor())}, [plan](const StepArgs& args) {
        plan->Run(args.At<void>(0), args.At<void>(1), args.threads());
        return absl::OkStatus();
      }));
  return y.Finish();
}

// A type that reductions know, for elements of `dtype`.
ir::DType Reducible(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kFloat16:
    case ir::DType::kBFloat16:
      return ir::DType::kFloat32;
    case ir::DType::kUInt8:
    case ir::DType::kInt8:
    case ir::DType::kInt16:
      return ir::DType::kInt32;
    default:
      return dtype;
  }
}

absl::StatusOr<Tensor> SelfAs(Lowering& lowering, const ops::OpView& view, ir::DType dtype) {
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  return Cast(lowering, self, dtype);
}

absl::Status LowerAminmax(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x,
                         SelfAs(lowering, view, Reducible(view.TensorType("self").dtype)));
  const std::vector<int> dims = DimsOf(view, x.rank(), true);
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  INGOT_RETURN_IF_ERROR(AddReduce(lowering, x, dims, ReduceOp::kMin, 0, outputs[0]));
  return AddReduce(lowering, x, dims, ReduceOp::kMax, 0, outputs[1]);
}

template <ReduceOp kOp>
absl::Status LowerWithMean(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x,
                         SelfAs(lowering, view, Reducible(view.TensorType("self").dtype)));
  const std::vector<int> dims = DimsOf(view, x.rank(), true);
  const double correction = view.Has("correction") ? view.Float("correction") : 1.0;
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  INGOT_RETURN_IF_ERROR(AddReduce(lowering, x, dims, kOp, correction, outputs[0]));
  return AddReduce(lowering, x, dims, ReduceOp::kMean, 0, outputs[1]);
}

absl::Status LowerCountNonzero(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, SelfAs(lowering, view, ir::DType::kBool));
  return AddReduce(lowering, x, DimsOf(view, x.rank(), true), ReduceOp::kSum, 0,
                   view.node().outputs[0]);
}

template <ReduceOp kOp>
absl::Status LowerTruth(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, SelfAs(lowering, view, ir::DType::kBool));
  return AddReduce(lowering, x, DimsOf(view, x.rank(), false), kOp, 0, view.node().outputs[0]);
}

absl::Status LowerNansum(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::DType out = view.OutputType().dtype;
  const ir::DType sums = ir::IsFloating(out) ? Reducible(out) : ir::DType::kInt64;
  INGOT_ASSIGN_OR_RETURN(Tensor x, SelfAs(lowering, view, sums));
  if (ir::IsFloating(sums) && x.NumElements() != 0) {
    const Tensor numbers = lowering.NewTensor(x.dtype, x.dims);
    INGOT_RETURN_IF_ERROR(AddMap(lowering, "ingot:nan_to_zero", {x}, numbers,
                                 [&](PointwiseBuilder& b, absl::Span<const int> in) {
                                   const int nan = b.Op(PwOp::kNe, {in[0], in[0]});
                                   return b.Op(PwOp::kWhere, {nan, b.Constant(0.0, sums), in[0]});
                                 }));
    x = numbers;
  }
  return AddReduce(lowering, x, DimsOf(view, x.rank(), true), ReduceOp::kSum, 0,
                   view.node().outputs[0]);
}

absl::Status LowerTrace(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::DType out = view.OutputType().dtype;
  INGOT_ASSIGN_OR_RETURN(
      Tensor x, SelfAs(lowering, view, ir::IsFloating(out) ? Reducible(out) : ir::DType::kInt64));
  x.strides = {x.strides[0] + x.strides[1]};
  x.dims = {std::min(x.dims[0], x.dims[1])};
  return AddReduce(lowering, x, {0}, ReduceOp::kSum, 0, view.node().outputs[0]);
}

constexpr OpLowering kLowerings[] = {
    {"aten::cumprod", &SupportsReal, &LowerScan<&kernels::CumProd>},
    {"aten::logcumsumexp", &SupportsReal, &LowerScan<&kernels::CumLogSumExp>},
    {"aten::cummax", &SupportsReal, &LowerCumulativeExtreme<true>},
    {"aten::cummin", &SupportsReal, &LowerCumulativeExtreme<false>},
    {"aten::aminmax", &SupportsReal, &LowerAminmax},
    {"aten::var_mean.correction", &SupportsReal, &LowerWithMean<ReduceOp::kVar>},
    {"aten::std_mean.correction", &SupportsReal, &LowerWithMean<ReduceOp::kStd>},
    {"aten::count_nonzero", &SupportsReal, &LowerCountNonzero},
    {"aten::count_nonzero.dim_IntList", &SupportsReal, &LowerCountNonzero},
    {"aten::any.dims", &SupportsReal, &LowerTruth<ReduceOp::kAny>},
    {"aten::all.dims", &SupportsReal, &LowerTruth<ReduceOp::kAll>},
    {"aten::nansum", &SupportsReal, &LowerNansum},
    {"aten::trace", &SupportsReal, &LowerTrace},
};

}  // namespace

absl::Span<const OpLowering> ScanLowerings() { return kLowerings; }

}  // namespace ingot::onednn
