// Reductions over dimensions, cumulative sums.
#include "backends/onednn/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

using kernels::ReduceOp;
using kernels::ReducePlan;

struct Reduction {
  ReduceOp op = ReduceOp::kSum;
  double parameter = 1;
};
using ReadFn = absl::StatusOr<Reduction> (*)(const ops::OpView&);

template <ReduceOp kOp>
absl::StatusOr<Reduction> Plain(const ops::OpView&) {
  return Reduction{kOp, 1};
}

template <ReduceOp kOp>
absl::StatusOr<Reduction> WithCorrection(const ops::OpView& view) {
  return Reduction{kOp, view.Has("correction") ? view.Float("correction") : 1.0};
}

absl::StatusOr<Reduction> Norm(const ops::OpView& view) {
  const char* name = view.node().op == "aten::linalg_vector_norm" ? "ord" : "p";
  const double p = view.Has(name) ? view.Float(name) : 2.0;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (p == 2) return Reduction{ReduceOp::kNorm2, 1};
  if (p == 1) return Reduction{ReduceOp::kSumAbs, 1};
  if (p == 0) return Reduction{ReduceOp::kNonzeros, 1};
  if (p == kInfinity) return Reduction{ReduceOp::kMaxAbs, 1};
  if (p == -kInfinity) return Reduction{ReduceOp::kMinAbs, 1};
  return Reduction{ReduceOp::kNormP, p};
}

struct Entry {
  const char* op;
  ReadFn read;
};

constexpr Entry kReductions[] = {
    {"aten::sum", &Plain<ReduceOp::kSum>},
    {"aten::sum.dim_IntList", &Plain<ReduceOp::kSum>},
    {"aten::mean", &Plain<ReduceOp::kMean>},
    {"aten::mean.dim", &Plain<ReduceOp::kMean>},
    {"aten::amax", &Plain<ReduceOp::kMax>},
    {"aten::amin", &Plain<ReduceOp::kMin>},
    {"aten::max", &Plain<ReduceOp::kMax>},
    {"aten::min", &Plain<ReduceOp::kMin>},
    {"aten::prod", &Plain<ReduceOp::kProd>},
    {"aten::prod.dim_int", &Plain<ReduceOp::kProd>},
    {"aten::any", &Plain<ReduceOp::kAny>},
    {"aten::any.dim", &Plain<ReduceOp::kAny>},
    {"aten::all", &Plain<ReduceOp::kAll>},
    {"aten::all.dim", &Plain<ReduceOp::kAll>},
    {"aten::argmax", &Plain<ReduceOp::kArgMax>},
    {"aten::argmin", &Plain<ReduceOp::kArgMin>},
    {"aten::logsumexp", &Plain<ReduceOp::kLogSumExp>},
    {"aten::var.correction", &WithCorrection<ReduceOp::kVar>},
    {"aten::std.correction", &WithCorrection<ReduceOp::kStd>},
    {"aten::linalg_vector_norm", &Norm},
    {"aten::norm.ScalarOpt_dim", &Norm},
    {"aten::norm.Scalar", &Norm},
    {"aten::norm.ScalarOpt_dim_dtype", &Norm},
};

absl::StatusOr<Reduction> ReadReduction(const ops::OpView& view) {
  for (const Entry& entry : kReductions) {
    if (view.node().op == entry.op) return entry.read(view);
  }
  return absl::UnimplementedError("not a reduction");
}

// The reduced dimensions; no `dim`, None and an empty list mean all.
std::vector<int> ReducedDims(const ops::OpView& view, int rank) {
  std::vector<int> dims;
  if (view.def().schema.Find("dim") >= 0) {
    const ir::Argument& raw = view.Raw("dim");
    const auto add = [&](int64_t d) { dims.push_back(static_cast<int>(d < 0 ? d + rank : d)); };
    if (const auto* one = std::get_if<int64_t>(&raw)) {
      // A number has no dimension to reduce.
      if (rank > 0) add(*one);
      return dims;
    }
    if (const auto* list = std::get_if<std::vector<int64_t>>(&raw)) {
      if (rank == 0) return dims;
      for (int64_t d : *list) add(d);
    }
  }
  if (dims.empty()) {
    for (int i = 0; i < rank; ++i) dims.push_back(i);
  }
  return dims;
}

// The type in which the kernels reduce `from` to `to`: another than `from` where they lack it, and
// the one that a dtype argument asks for.
ir::DType ReducedType(ReduceOp op, ir::DType from, ir::DType to) {
  const bool small_integer =
      from == ir::DType::kUInt8 || from == ir::DType::kInt8 || from == ir::DType::kInt16;
  const bool half = from == ir::DType::kFloat16 || from == ir::DType::kBFloat16;
  if (op == ReduceOp::kAny || op == ReduceOp::kAll) {
    return small_integer || half ? ir::DType::kBool : from;
  }
  if (ir::IsFloating(to)) return to == ir::DType::kFloat64 ? to : ir::DType::kFloat32;
  const bool sums = op == ReduceOp::kSum || op == ReduceOp::kProd;
  if (small_integer) return ir::DType::kInt32;
  if (ir::IsFloating(from) && sums) return ir::DType::kInt64;
  return half ? ir::DType::kFloat32 : from;
}

absl::StatusOr<ReducePlan> MakePlan(const ops::OpView& view, const ir::TensorType& type,
                                    absl::Span<const int64_t> strides) {
  INGOT_ASSIGN_OR_RETURN(const Reduction reduction, ReadReduction(view));
  return ReducePlan::Make(type.dims, strides, ReducedDims(view, type.rank()), reduction.op,
                          type.dtype, reduction.parameter);
}

absl::Status SupportsReduce(const ir::Graph&, const ops::OpView& view) {
  ir::TensorType self = view.TensorType("self");
  if (ir::IsComplex(self.dtype) || ir::IsComplex(view.OutputType().dtype)) {
    return absl::UnimplementedError(absl::StrCat("no reduction of ", ir::DTypeName(self.dtype)));
  }
  INGOT_ASSIGN_OR_RETURN(const Reduction reduction, ReadReduction(view));
  self.dtype = ReducedType(reduction.op, self.dtype, view.OutputType().dtype);
  return MakePlan(view, self, ir::ContiguousStrides(self.dims)).status();
}

// Elements of a row that the node reduces, the last dimensions of its operand; 0 if it reduces
// others, or all.
int64_t RowLength(const ops::OpView& view) {
  const ir::Dims& dims = view.TensorType("self").dims;
  const auto rank = static_cast<int>(dims.size());
  std::vector<int> reduced = ReducedDims(view, rank);
  std::sort(reduced.begin(), reduced.end());
  if (static_cast<int>(reduced.size()) >= rank) return 0;
  int64_t length = 1;
  for (size_t i = 0; i < reduced.size(); ++i) {
    if (reduced[i] != rank - static_cast<int>(reduced.size() - i)) return 0;
    length *= dims[reduced[i]];
  }
  return length;
}

// One pass over the elementwise nodes before the reduction: a row is reduced while it is in L1.
// False: they can't be walked row by row, and nothing is done.
absl::StatusOr<bool> LowerWithPointwise(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const int64_t row = RowLength(view);
  INGOT_ASSIGN_OR_RETURN(const Reduction reduction, ReadReduction(view));
  absl::StatusOr<PointwiseProgram> program =
      BuildPointwise(lowering, absl::MakeSpan(unit.nodes).first(unit.nodes.size() - 1));
  if (NeedsParts(program.status(), unit)) {
    lowering.GiveUpUnit();
    return true;
  }
  INGOT_ASSIGN_OR_RETURN(const PointwiseProgram built, std::move(program));
  if (!std::is_sorted(built.order.begin(), built.order.end()) ||
      !built.program->CanRunRanges(row)) {
    return false;
  }
  INGOT_ASSIGN_OR_RETURN(
      ReducePlan made,
      ReducePlan::Make({row}, {1}, {0}, reduction.op, ir::DType::kFloat32, reduction.parameter));
  auto plan = std::make_shared<const ReducePlan>(std::move(made));
  CastOutput y(lowering, view.node().outputs[0], plan->output_dtype());
  std::vector<Operand> operands;
  for (const Tensor& tensor : built.inputs) operands.push_back(Read(tensor));
  operands.push_back(Write(y.tensor()));
  const int count = static_cast<int>(built.inputs.size());
  const auto size = static_cast<int64_t>(ir::ElementSize(plan->output_dtype()));
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      "ingot:pointwise_reduce", std::move(operands),
      [plan, program = built.program, count, row, size](const StepArgs& args) {
        std::array<const void*, kMaxPointwiseOperands> in;
        for (int i = 0; i < count; ++i) in[i] = args.At<void>(i);
        char* const out = args.At<char>(count);
        program->RunRanges(in.data(), row, args.threads(), [&](int64_t i, const float* values) {
          plan->Run(values, out + i * size, 1);
        });
        return absl::OkStatus();
      }));
  INGOT_RETURN_IF_ERROR(y.Finish());
  return true;
}

absl::Status LowerReduce(Lowering& lowering, const Unit& unit) {
  if (unit.nodes.size() > 1) {
    INGOT_ASSIGN_OR_RETURN(const bool done, LowerWithPointwise(lowering, unit));
    if (done) return absl::OkStatus();
    Unit before = unit;
    before.nodes.pop_back();
    INGOT_RETURN_IF_ERROR(LowerPointwise(lowering, before));
    if (lowering.gave_up()) return absl::OkStatus();
  }
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Reduction reduction, ReadReduction(view));
  INGOT_ASSIGN_OR_RETURN(Tensor x, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(
      x, Cast(lowering, x, ReducedType(reduction.op, x.dtype, view.OutputType().dtype)));
  INGOT_ASSIGN_OR_RETURN(ReducePlan made, MakePlan(view, {x.dtype, x.dims}, x.strides));
  auto plan = std::make_shared<const ReducePlan>(std::move(made));
  CastOutput y(lowering, view.node().outputs[0], plan->output_dtype());
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      "ingot:reduce", {Read(x), Write(y.tensor())}, [plan](const StepArgs& args) {
        plan->Run(args.At<void>(0), args.At<void>(1), args.threads());
        return absl::OkStatus();
      }));
  return y.Finish();
}

// --- One dimension of a dense tensor, seen as [outer, n, inner] ---

absl::Status SupportsWithIndex(const ir::Graph&, const ops::OpView& view) {
  const ir::TensorType& self = view.TensorType("self");
  if (ir::IsComplex(self.dtype)) return absl::UnimplementedError("complex numbers have no extreme");
  if (Around(self.dims, view.Int("dim")).n == 0) {
    return absl::UnimplementedError("the extreme of no elements");
  }
  return absl::OkStatus();
}

template <bool kMax>
absl::Status LowerWithIndex(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(Tensor x, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(x, Cast(lowering, x, ReducedType(ReduceOp::kMax, x.dtype, x.dtype)));
  INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  const Span3 s = Around(x.dims, view.Int("dim"));
  std::vector<Operand> operands = {Read(x)};
  int position[2] = {-1, -1};
  std::vector<CastOutput> outs;
  for (int i = 0; i < 2; ++i) {
    const ir::ValueId value = view.node().outputs[i];
    if (value == ir::kNoValue) continue;
    outs.emplace_back(lowering, value, i == 0 ? x.dtype : ir::DType::kInt64);
    position[i] = static_cast<int>(operands.size());
    operands.push_back(Write(outs.back().tensor()));
  }
  const int values = position[0], indices = position[1];
  const ir::DType dtype = x.dtype;
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      kMax ? "ingot:max" : "ingot:min", std::move(operands), [=](const StepArgs& args) {
        (kMax ? &kernels::MaxWithIndex : &kernels::MinWithIndex)(
            dtype, args.At<void>(0), values < 0 ? nullptr : args.At<void>(values),
            indices < 0 ? nullptr : args.At<int64_t>(indices), s.outer, s.n, s.inner,
            args.threads());
        return absl::OkStatus();
      }));
  for (CastOutput& out : outs) INGOT_RETURN_IF_ERROR(out.Finish());
  return absl::OkStatus();
}

absl::Status SupportsCumSum(const ir::Graph&, const ops::OpView& view) {
  const ir::DType in = view.TensorType("self").dtype, out = view.OutputType().dtype;
  if (!ir::IsComplex(in) && !ir::IsComplex(out)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("no cumulative sum of ", ir::DTypeName(in)));
}

absl::Status LowerCumSum(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::DType type = view.OutputType().dtype;
  const ir::DType sums = type == ir::DType::kFloat64 ? type
                         : ir::IsFloating(type)      ? ir::DType::kFloat32
                                                     : ir::DType::kInt64;
  INGOT_ASSIGN_OR_RETURN(Tensor x, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(x, Cast(lowering, x, sums));
  INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  CastOutput y(lowering, view.node().outputs[0], sums);
  const Span3 s = Around(x.dims, view.Int("dim"));
  INGOT_RETURN_IF_ERROR(lowering.AddInPlaceKernel(
      "ingot:cumsum", {Read(x), Write(y.tensor())}, 0, 1, [=](const StepArgs& args) {
        kernels::CumSum(sums, args.At<void>(0), args.At<void>(1), s.outer, s.n, s.inner,
                        args.threads());
        return absl::OkStatus();
      }));
  return y.Finish();
}

// Shorter rows cost more in calls than the memory that they would go through.
constexpr int64_t kMinRow = 256;

}  // namespace

bool IsRowReduction(const ir::Graph& graph, ir::NodeId id) {
  const ops::OpView view(graph, graph.node(id));
  const absl::StatusOr<Reduction> reduction = ReadReduction(view);
  if (!reduction.ok() || !SupportsReduce(graph, view).ok()) return false;
  const ir::DType from = view.TensorType("self").dtype;
  if (from != ir::DType::kFloat32 ||
      ReducedType(reduction->op, from, view.OutputType().dtype) != from) {
    return false;
  }
  const int64_t row = RowLength(view);
  return row >= kMinRow && row <= kernels::Pointwise::kMaxRange;
}

absl::Span<const OpLowering> ReduceLowerings() {
  static const auto* const table = [] {
    auto* entries = new std::vector<OpLowering>;
    for (const Entry& entry : kReductions) {
      entries->push_back({entry.op, &SupportsReduce, &LowerReduce});
    }
    entries->push_back({"aten::max.dim", &SupportsWithIndex, &LowerWithIndex<true>});
    entries->push_back({"aten::min.dim", &SupportsWithIndex, &LowerWithIndex<false>});
    entries->push_back({"aten::cumsum", &SupportsCumSum, &LowerCumSum});
    return entries;
  }();
  return *table;
}

}  // namespace ingot::onednn
