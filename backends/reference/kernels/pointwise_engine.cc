#include "backends/reference/kernels/pointwise_engine.h"

#include "core/ops/promotion.h"

namespace ingot::reference {
namespace {

// An operand at run time: a tensor with its place in the broadcast result, or a number.
struct Operand {
  bool is_number = false;
  Number number;
  ConstTensor tensor;
  Layout layout;
  bool keeps_dtype = false;  // not rounded to the op's dtype: a condition, or a number among halves
};

// Rounds to what the dtype can hold, as eager does when it casts operands to the common dtype.
template <typename C>
C RoundTo(ir::DType dtype, C value) {
  C rounded{};
  VisitElement(dtype, [&](auto tag) { rounded = Convert<C>(Convert<decltype(tag)>(value)); });
  return rounded;
}

// Loads through `dtype`. A float operand of an op on bools or integers must not be truncated on the
// way.
template <typename C>
void LoadElements(const Operand& operand, int64_t offset, int64_t stride, int64_t n,
                  ir::DType dtype, C* out) {
  const ir::DType from = operand.tensor.dtype;
  if (std::is_integral_v<C> && ir::IsFloating(from)) {
    double wide[kRun];
    LoadRun(operand.tensor, offset, stride, n, wide);
    for (int64_t i = 0; i < n; ++i) out[i] = Convert<C>(RoundTo(dtype, wide[i]));
    return;
  }
  LoadRun(operand.tensor, offset, stride, n, out);
  if (from == dtype || operand.keeps_dtype) return;
  for (int64_t i = 0; i < n; ++i) out[i] = RoundTo(dtype, out[i]);
}

template <typename C>
C LoadNumber(const Operand& operand, ir::DType dtype) {
  if (operand.keeps_dtype) return operand.number.As<C>();
  if (operand.number.dtype == ir::DType::kFloat64) {
    return Convert<C>(RoundTo(dtype, operand.number.real));
  }
  return RoundTo(dtype, Convert<C>(operand.number.integer));
}

struct OperandSet {
  Operand operands[kMaxOperands];
  int count = 0;
  PointwiseArgs args;
};

bool IsCondition(absl::string_view name) { return name == "condition" || name == "mask"; }

OperandSet ReadOperands(const KernelContext& context, ComputeIn in) {
  OperandSet set;
  ops::Promotion promotion;
  const auto& spec = context.op().def().schema.args;
  for (size_t i = 0; i < spec.size(); ++i) {
    const ir::Argument& arg = context.op().node().args[i];
    if (const auto* mode = std::get_if<std::string>(&arg)) set.args.mode = mode;
    const bool is_tensor = spec[i].kind == ops::ArgKind::kTensor;
    if (!is_tensor && spec[i].kind != ops::ArgKind::kScalar) continue;
    const int k = set.count++;
    if (std::holds_alternative<ir::None>(arg)) continue;
    Operand& operand = set.operands[k];
    set.args.has[k] = true;
    operand.is_number = !is_tensor;
    if (is_tensor) {
      operand.tensor = context.Value(std::get<ir::ValueRef>(arg).id);
      operand.layout = BroadcastLayout(operand.tensor.dims, context.Out().dims);
      operand.keeps_dtype = IsCondition(spec[i].name);
      if (k < 2) promotion.AddTensor({operand.tensor.dtype, ir::Dims(operand.tensor.rank(), 1)});
    } else {
      operand.number = context.ToNumber(arg);
      if (k < 2) promotion.AddNumber(operand.number.dtype);
    }
  }
  set.args.dtype = in == ComputeIn::kResult ? context.Out().dtype : promotion.Result();
  // Eager computes halves in float, and does not round a lone number to a half before.
  const bool half_arithmetic = in == ComputeIn::kResult && ir::IsFloating(set.args.dtype) &&
                               ir::ElementSize(set.args.dtype) == 2;
  for (int k = 0; k < set.count; ++k) {
    Operand& operand = set.operands[k];
    set.args.single[k] = set.args.has[k] && (operand.is_number || operand.tensor.rank() == 0);
    operand.keeps_dtype |= half_arithmetic && operand.is_number;
  }
  return set;
}

// The result is walked in runs of its innermost dimension; the layouts of all operands advance
// together.
template <typename C>
void RunAs(const OperandSet& set, PointwiseFn<C> fn, const Tensor& out) {
  C buffers[kMaxOperands][kRun] = {};
  const C* x[kMaxOperands] = {buffers[0], buffers[1], buffers[2], buffers[3]};
  for (int k = 0; k < set.count; ++k) {
    if (!set.operands[k].is_number || !set.args.has[k]) continue;
    std::fill_n(buffers[k], kRun, LoadNumber<C>(set.operands[k], set.args.dtype));
  }
  const int64_t total = out.NumElements();
  if (total == 0) return;
  const int64_t inner = out.dims.empty() ? 1 : out.dims.back();
  const int last = out.rank() - 1;
  ir::Dims index(out.dims.size(), 0);
  C result[kRun];
  for (int64_t row = 0; row < total; row += inner) {
    for (int64_t i = 0; i < inner; i += kRun) {
      const int64_t n = std::min(kRun, inner - i);
      for (int k = 0; k < set.count; ++k) {
        const Operand& operand = set.operands[k];
        if (operand.is_number || !set.args.has[k]) continue;
        int64_t offset = 0;
        for (int d = 0; d < last; ++d) offset += index[d] * operand.layout.strides[d];
        const int64_t stride = last < 0 ? 1 : operand.layout.strides[last];
        LoadElements(operand, offset + i * stride, stride, n, set.args.dtype, buffers[k]);
      }
      fn(x, n, set.args, result);
      StoreRun(result, n, out, row + i, 1);
    }
    for (int d = last - 1; d >= 0; --d) {
      if (++index[d] < out.dims[d]) break;
      index[d] = 0;
    }
  }
}

}  // namespace

absl::Status RunPointwise(const KernelContext& context, const PointwiseFns& fns, ComputeIn in) {
  const OperandSet set = ReadOperands(context, in);
  if (ir::IsIntegralOrBool(set.args.dtype)) {
    RunAs(set, fns.integer, context.Out());
  } else if (set.args.dtype == ir::DType::kFloat64) {
    RunAs(set, fns.precise, context.Out());
  } else {
    RunAs(set, fns.real, context.Out());
  }
  if (set.args.divided_by_zero) return context.Error("an integer was divided by zero");
  return absl::OkStatus();
}

}  // namespace ingot::reference
