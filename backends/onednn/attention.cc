// scaled_dot_product_attention, softmax, log_softmax.
#include "backends/onednn/kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "backends/onednn/cast.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/kernels/softmax.h"
#include "backends/onednn/lowering.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

// --- Attention ---

absl::Status SupportsAttention(const ir::Graph&, const ops::OpView& view) {
  for (const char* name : {"query", "key", "value"}) {
    const ir::TensorType& type = view.TensorType(name);
    if (type.dtype != ir::DType::kFloat32) {
      return absl::UnimplementedError(
          absl::StrCat("attention is done in f32, not ", ir::DTypeName(type.dtype)));
    }
    if (type.rank() > 4) return absl::UnimplementedError("attention of rank above 4");
    if (type.NumElements() == 0) return absl::UnimplementedError("attention over nothing");
  }
  if (view.Float("dropout_p") != 0) return absl::UnimplementedError("attention with dropout");
  if (view.Has("attn_mask")) {
    const ir::DType mask = view.TensorType("attn_mask").dtype;
    if (mask != ir::DType::kFloat32 && mask != ir::DType::kBool) {
      return absl::UnimplementedError("attention masks are b8 or f32");
    }
  }
  return absl::OkStatus();
}

// [batch, heads, rows, columns] by leading sizes of 1, among operands whose greatest rank is
// `rank`.
Tensor AsRank4(Tensor tensor, int rank) {
  // If that is 3, a tensor is [batch, rows, columns]: one head.
  if (tensor.rank() == 3 && rank == 3) {
    tensor.dims.insert(tensor.dims.begin() + 1, 1);
    tensor.strides.insert(tensor.strides.begin() + 1, 0);
  }
  while (tensor.rank() < 4) {
    tensor.dims.insert(tensor.dims.begin(), 1);
    tensor.strides.insert(tensor.strides.begin(), 0);
  }
  return tensor;
}

kernels::AttentionStrides StridesOf(const Tensor& tensor) {
  return {tensor.strides[0], tensor.strides[1], tensor.strides[2], tensor.strides[3]};
}

// Whether the heads of `value` are only moved behind the rows, as models do to join them.
bool IsTransposedNext(const ir::Graph& graph, ir::ValueId value) {
  bool transposed = false;
  for (const ir::Node& node : graph.nodes()) {
    if (node.op != "aten::transpose.int" && node.op != "aten::permute") continue;
    transposed |= std::get<ir::ValueRef>(node.args[0]).id == value;
  }
  return transposed;
}

absl::Status LowerAttention(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const ir::ValueId result = view.node().outputs[0];
  INGOT_ASSIGN_OR_RETURN(Tensor q, lowering.Strided(view.Value("query")));
  INGOT_ASSIGN_OR_RETURN(Tensor k, lowering.Strided(view.Value("key")));
  INGOT_ASSIGN_OR_RETURN(Tensor v, lowering.Strided(view.Value("value")));
  Tensor out = lowering.NewTensor(view.OutputType());
  if (out.rank() == 4 && out.dims[1] > 1 && IsTransposedNext(lowering.graph(), result)) {
    const int64_t heads = out.dims[1], rows = out.dims[2], columns = out.dims[3];
    out.strides = {rows * heads * columns, columns, heads * columns, 1};
  }
  lowering.Set(result, out);

  const int rank = out.rank();
  out = AsRank4(out, rank);
  const auto with_batch = [&](Tensor t) {
    t = AsRank4(t, rank);
    ir::Dims dims = t.dims;
    dims[0] = out.dims[0];
    if (!view.Bool("enable_gqa")) dims[1] = out.dims[1];
    return BroadcastTo(t, dims);
  };
  q = with_batch(q);
  k = with_batch(k);
  v = with_batch(v);
  kernels::AttentionShape shape;
  shape.batch = out.dims[0];
  shape.heads = out.dims[1];
  shape.kv_heads = k.dims[1];
  shape.q_len = q.dims[2];
  shape.kv_len = k.dims[2];
  shape.head_dim = q.dims[3];
  shape.v_dim = v.dims[3];
  shape.scale = static_cast<float>(
      view.FloatOr("scale", 1.0 / std::sqrt(static_cast<double>(shape.head_dim))));
  shape.causal = view.Bool("is_causal");
  shape.q = StridesOf(q);
  shape.k = StridesOf(k);
  shape.v = StridesOf(v);
  shape.out = StridesOf(out);
  std::vector<Operand> operands = {Read(q), Read(k), Read(v), Write(out)};
  const bool masked = view.Has("attn_mask");
  if (masked) {
    INGOT_ASSIGN_OR_RETURN(Tensor mask, lowering.Strided(view.Value("attn_mask")));
    shape.mask = mask.dtype == ir::DType::kBool ? kernels::AttentionMask::kBool
                                                : kernels::AttentionMask::kAdditiveF32;
    // A mask of rank 3 broadcasts against [batch, rows, columns] where the others have rank 3.
    if (rank == 3) mask = AsRank4(mask, rank);
    mask = BroadcastTo(mask, {shape.batch, shape.heads, shape.q_len, shape.kv_len});
    shape.mask_strides = StridesOf(mask);
    operands.push_back(Read(mask));
  }
  INGOT_RETURN_IF_ERROR(kernels::ValidateAttention(shape));
  operands.push_back(lowering.NewScratch(
      std::max<size_t>(kernels::AttentionWorkspaceBytes(shape, lowering.threads()), 1)));
  const int scratch = static_cast<int>(operands.size()) - 1;
  return lowering.AddKernel("ingot:attention", std::move(operands), [=](const StepArgs& args) {
    kernels::Attention(shape, args.At<float>(0), args.At<float>(1), args.At<float>(2),
                       masked ? args.At<void>(4) : nullptr, args.At<float>(3),
                       args.At<void>(scratch), args.threads());
    return absl::OkStatus();
  });
}

// --- Softmax ---

absl::Status SupportsSoftmax(const ir::Graph&, const ops::OpView& view) {
  if (!ir::IsComplex(view.TensorType("self").dtype)) return absl::OkStatus();
  return absl::UnimplementedError("softmax of complex numbers");
}

template <bool kLog>
absl::Status LowerSoftmax(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const bool wide = view.OutputType().dtype == ir::DType::kFloat64;
  const ir::DType dtype = wide ? ir::DType::kFloat64 : ir::DType::kFloat32;
  INGOT_ASSIGN_OR_RETURN(Tensor x, lowering.Strided(view.Value("self")));
  INGOT_ASSIGN_OR_RETURN(x, Cast(lowering, x, dtype));
  INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  CastOutput y(lowering, view.node().outputs[0], dtype);
  const Span3 s = Around(x.dims, view.Int("dim"));
  kernels::StridedSoftmaxArgs softmax;
  softmax.outer = s.outer;
  softmax.n = s.n;
  softmax.inner = s.inner;
  softmax.log = kLog;
  INGOT_RETURN_IF_ERROR(lowering.AddInPlaceKernel(
      kLog ? "ingot:log_softmax" : "ingot:softmax", {Read(x), Write(y.tensor())}, 0, 1,
      [=](const StepArgs& args) {
        if (wide) {
          kernels::SoftmaxF64(softmax.outer, softmax.n, softmax.inner, args.At<double>(0),
                              args.At<double>(1), kLog, args.threads());
        } else if (softmax.inner == 1) {
          kernels::SoftmaxArgs rows;
          rows.rows = softmax.outer;
          rows.n = softmax.n;
          rows.x = args.At<float>(0);
          rows.y = args.At<float>(1);
          rows.log = kLog;
          kernels::Softmax(rows, args.threads());
        } else {
          kernels::StridedSoftmaxArgs call = softmax;
          call.x = args.At<float>(0);
          call.y = args.At<float>(1);
          kernels::StridedSoftmax(call, args.threads());
        }
        return absl::OkStatus();
      }));
  return y.Finish();
}

constexpr OpLowering kLowerings[] = {
    {"aten::scaled_dot_product_attention", &SupportsAttention, &LowerAttention},
    {"aten::softmax.int", &SupportsSoftmax, &LowerSoftmax<false>},
    {"aten::_softmax", &SupportsSoftmax, &LowerSoftmax<false>},
    {"aten::log_softmax.int", &SupportsSoftmax, &LowerSoftmax<true>},
    {"aten::_log_softmax", &SupportsSoftmax, &LowerSoftmax<true>},
};

}  // namespace

absl::Span<const OpLowering> AttentionLowerings() { return kLowerings; }

}  // namespace ingot::onednn
