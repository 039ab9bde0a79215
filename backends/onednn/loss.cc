// Losses: an elementwise function of two tensors, and its mean or sum. And glu, the gated half.
#include <cmath>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/cast.h"
#include "backends/onednn/kernels/nll.h"
#include "backends/onednn/kernels/reduce.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/pointwise.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

using kernels::PointwiseBuilder;
using kernels::PwOp;

// An element's loss from input, target and weight (-1: absent), all of one floating type.
using ElementFn = int (*)(PointwiseBuilder& b, const ops::OpView& view, absl::Span<const int> in);

int Number(PointwiseBuilder& b, double value, int like) { return b.Constant(value, b.dtype(like)); }

int Distance(PointwiseBuilder& b, absl::Span<const int> in) {
  return b.Op(PwOp::kAbs, {b.Op(PwOp::kSub, {in[0], in[1]})});
}

int Squared(PointwiseBuilder& b, const ops::OpView&, absl::Span<const int> in) {
  return b.Op(PwOp::kSquare, {b.Op(PwOp::kSub, {in[0], in[1]})});
}

int Absolute(PointwiseBuilder& b, const ops::OpView&, absl::Span<const int> in) {
  return Distance(b, in);
}

// d^2 / (2 beta) below beta, d - beta / 2 above.
int SmoothL1(PointwiseBuilder& b, const ops::OpView& view, absl::Span<const int> in) {
  const double beta = view.Float("beta");
  const int d = Distance(b, in);
  if (beta == 0) return d;
  const int half_square = b.Op(PwOp::kMul, {Number(b, 0.5, d), b.Op(PwOp::kSquare, {d})});
  const int near = b.Op(PwOp::kDiv, {half_square, Number(b, beta, d)});
  const int far = b.Op(PwOp::kSub, {d, Number(b, 0.5 * beta, d)});
  return b.Op(PwOp::kWhere, {b.Op(PwOp::kLt, {d, Number(b, beta, d)}), near, far});
}

int Huber(PointwiseBuilder& b, const ops::OpView& view, absl::Span<const int> in) {
  const double delta = view.Float("delta");
  const int d = Distance(b, in);
  const int near = b.Op(PwOp::kMul, {Number(b, 0.5, d), b.Op(PwOp::kSquare, {d})});
  const int far =
      b.Op(PwOp::kMul, {Number(b, delta, d), b.Op(PwOp::kSub, {d, Number(b, 0.5 * delta, d)})});
  return b.Op(PwOp::kWhere, {b.Op(PwOp::kLe, {d, Number(b, delta, d)}), near, far});
}

int SoftMargin(PointwiseBuilder& b, const ops::OpView& view, absl::Span<const int> in) {
  const int product = b.Op(PwOp::kMul, {b.Op(PwOp::kNeg, {in[1]}), in[0]});
  int power = b.Op(PwOp::kExp, {product});
  // Eager keeps it in f16, where it overflows.
  if (view.OutputType().dtype == ir::DType::kFloat16) {
    const int too_big = b.Op(PwOp::kGe, {power, Number(b, 65520, power)});
    power = b.Op(PwOp::kWhere, {too_big, Number(b, INFINITY, power), power});
  }
  return b.Op(PwOp::kLog1p, {power});
}

// Logarithms are at least -100, as in eager.
int BinaryCrossEntropy(PointwiseBuilder& b, const ops::OpView&, absl::Span<const int> in) {
  const int x = in[0], target = in[1];
  const int least = Number(b, -100, x);
  const int log = b.Op(PwOp::kMaximum, {b.Op(PwOp::kLog, {x}), least});
  const int log_rest = b.Op(PwOp::kMaximum, {b.Op(PwOp::kLog1p, {b.Op(PwOp::kNeg, {x})}), least});
  const int rest = b.Op(PwOp::kSub, {target, Number(b, 1, x)});
  const int loss =
      b.Op(PwOp::kSub, {b.Op(PwOp::kMul, {rest, log_rest}), b.Op(PwOp::kMul, {target, log})});
  return in.size() > 2 ? b.Op(PwOp::kMul, {loss, in[2]}) : loss;
}

struct Entry {
  const char* op;
  ElementFn element;
};

constexpr Entry kLosses[] = {
    {"aten::mse_loss", &Squared},
    {"aten::l1_loss", &Absolute},
    {"aten::smooth_l1_loss", &SmoothL1},
    {"aten::huber_loss", &Huber},
    {"aten::soft_margin_loss", &SoftMargin},
    {"aten::binary_cross_entropy", &BinaryCrossEntropy},
};

bool IsF32OrF64(ir::DType dtype) {
  return dtype == ir::DType::kFloat32 || dtype == ir::DType::kFloat64;
}

absl::Status Supports(const ir::Graph& graph, const ops::OpView& view) {
  absl::Status status;
  ir::ForEachOperand(view.node(), [&](ir::ValueId value) {
    if (ir::IsComplex(graph.type(value).dtype)) {
      status.Update(absl::UnimplementedError("no loss of complex numbers"));
    }
  });
  return status;
}

absl::Status LowerLoss(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const Entry* entry = kLosses;
  while (view.node().op != entry->op) ++entry;
  const ir::DType type = view.OutputType().dtype;
  const ir::DType dtype = IsF32OrF64(type) ? type : ir::DType::kFloat32;
  std::vector<Tensor> inputs;
  ir::Dims dims;
  for (const char* name : {"self", "target", "weight"}) {
    if (view.def().schema.Find(name) < 0 || !view.Has(name)) continue;
    INGOT_ASSIGN_OR_RETURN(const Tensor tensor, lowering.Strided(view.Value(name)));
    ir::Dims merged;
    if (!ir::BroadcastDims(dims, tensor.dims, &merged)) {
      return absl::InternalError("a loss of tensors that do not broadcast");
    }
    dims = merged;
    inputs.push_back(tensor);
  }
  const auto emit = [&](PointwiseBuilder& b, absl::Span<const int> in) {
    std::vector<int> cast;
    for (const int x : in) cast.push_back(b.dtype(x) == dtype ? x : b.Cast(x, dtype));
    return entry->element(b, view, cast);
  };
  constexpr int64_t kNone = 0, kMean = 1;
  const int64_t reduction = view.Int("reduction");
  if (reduction == kNone) {
    const Tensor out = lowering.NewTensor(view.OutputType());
    lowering.Set(view.node().outputs[0], out);
    return AddMap(lowering, "ingot:loss", inputs, out, emit);
  }
  const Tensor losses = lowering.NewTensor(dtype, dims);
  if (losses.NumElements() != 0) {
    INGOT_RETURN_IF_ERROR(AddMap(lowering, "ingot:loss", inputs, losses, emit));
  }
  std::vector<int> all;
  for (int i = 0; i < losses.rank(); ++i) all.push_back(i);
  INGOT_ASSIGN_OR_RETURN(
      kernels::ReducePlan made,
      kernels::ReducePlan::Make(
          losses.dims, losses.strides, all,
          reduction == kMean ? kernels::ReduceOp::kMean : kernels::ReduceOp::kSum, dtype));
  auto plan = std::make_shared<const kernels::ReducePlan>(std::move(made));
  CastOutput out(lowering, view.node().outputs[0], dtype);
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      "ingot:reduce", {Read(losses), Write(out.tensor())}, [plan](const StepArgs& args) {
        plan->Run(args.At<void>(0), args.At<void>(1), args.threads());
        return absl::OkStatus();
      }));
  return out.Finish();
}

absl::Status LowerGlu(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor self, lowering.Strided(view.Value("self")));
  int64_t dim = view.Int("dim");
  if (dim < 0) dim += self.rank();
  Tensor value = self;
  value.dims[dim] /= 2;
  Tensor gate = value;
  gate.offset +=
      value.dims[dim] * self.strides[dim] * static_cast<int64_t>(ir::ElementSize(self.dtype));
  const Tensor out = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], out);
  return AddMap(lowering, "ingot:glu", {value, gate}, out,
                [](PointwiseBuilder& b, absl::Span<const int> in) {
                  return b.Op(PwOp::kMul, {in[0], b.Op(PwOp::kSigmoid, {in[1]})});
                });
}

// --- nll_loss_forward: [n, classes] or [classes]; nll_loss2d_forward: [n, classes, h, w] ---

absl::Status SupportsNll(const ir::Graph&, const ops::OpView& view) {
  const ir::DType target = view.TensorType("target").dtype;
  if (target == ir::DType::kInt64 || target == ir::DType::kUInt8) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("classes are i64 or u8, not ", ir::DTypeName(target)));
}

absl::Status LowerNll(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Dense(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(const Tensor target, lowering.Dense(view.Value("target")));
  std::vector<Operand> operands = {Read(x), Read(target)};
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  kernels::NllArgs nll;
  nll.dtype = x.dtype;
  nll.reduction = static_cast<kernels::NllArgs::Reduction>(view.Int("reduction"));
  // Without a batch eager gives the weight of the one element whatever the reduction.
  if (x.rank() == 1 && nll.reduction == kernels::NllArgs::Reduction::kNone) {
    nll.reduction = kernels::NllArgs::Reduction::kSum;
  }
  nll.batch = x.rank() == 1 ? 1 : x.dims[0];
  nll.classes = x.rank() == 1 ? x.dims[0] : x.dims[1];
  for (int i = 2; i < x.rank(); ++i) nll.inner *= x.dims[i];
  nll.ignore_index = view.Int("ignore_index");
  nll.target_is_u8 = target.dtype == ir::DType::kUInt8;
  for (const ir::ValueId value : outputs) {
    const Tensor out = value != ir::kNoValue ? lowering.NewTensor(lowering.graph().type(value))
                                             : lowering.NewTensor(x.dtype, target.dims);
    if (value != ir::kNoValue) lowering.Set(value, out);
    operands.push_back(Write(out));
  }
  const bool weighted = view.Has("weight");
  if (weighted) {
    INGOT_ASSIGN_OR_RETURN(const Tensor weight, lowering.Dense(view.Value("weight")));
    operands.push_back(Read(weight));
  }
  return lowering.AddKernel("ingot:nll", std::move(operands), [=](const StepArgs& args) {
    kernels::NllArgs call = nll;
    call.x = args.At<void>(0);
    call.target = args.At<void>(1);
    call.output = args.At<void>(2);
    call.total_weight = args.At<void>(3);
    call.weight = weighted ? args.At<void>(4) : nullptr;
    return kernels::NegativeLogLikelihood(call);
  });
}

}  // namespace

absl::Span<const OpLowering> LossLowerings() {
  static const auto* const table = [] {
    auto* entries = new std::vector<OpLowering>;
    for (const Entry& entry : kLosses) entries->push_back({entry.op, &Supports, &LowerLoss});
    entries->push_back({"aten::glu", &Supports, &LowerGlu});
    entries->push_back({"aten::nll_loss_forward", &SupportsNll, &LowerNll});
    entries->push_back({"aten::nll_loss2d_forward", &SupportsNll, &LowerNll});
    return entries;
  }();
  return *table;
}

}  // namespace ingot::onednn
