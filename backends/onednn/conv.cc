// convolution: 1 to 3 spatial dimensions, groups, transposed; with padding, batch normalisation and
// post-ops of its unit taken in.
//
// Layouts: the primitive picks them (`any`); the input is reordered only if it isn't there yet, and
// what follows reads the output as it lies. Weights are folded, grouped and packed at compile time.
#include "backends/onednn/conv.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "backends/onednn/dims.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/lowering.h"
#include "backends/onednn/norm.h"
#include "backends/onednn/post_ops.h"
#include "backends/onednn/product.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

// Of one core, for deciding about threads.
constexpr double kFlopsPerNanosecond = 100;  // f32
constexpr double kNanosecondsAWeight = 0.5;  // that is folded, memory for it included

absl::Status Supports(const ir::Graph& graph, const ops::OpView& view) {
  absl::Status status;
  ir::ForEachOperand(view.node(), [&](ir::ValueId value) {
    if (graph.type(value).dtype != ir::DType::kFloat32) {
      status.Update(absl::UnimplementedError(absl::StrCat("convolutions are done in f32, not ",
                                                          ir::DTypeName(graph.type(value).dtype))));
    }
  });
  INGOT_RETURN_IF_ERROR(status);
  if (view.TensorType("input").NumElements() == 0) {
    return absl::UnimplementedError("a convolution over nothing");
  }
  return absl::OkStatus();
}

// Multiplies output channel c of the weights, and the bias, by the normalisation's scale.
absl::Status FoldBatchNorm(Lowering& lowering, const ops::OpView& norm, Tensor& weights,
                           std::optional<Tensor>& bias) {
  INGOT_ASSIGN_OR_RETURN(const ChannelAffine affine, BatchNormAffine(lowering, norm));
  INGOT_ASSIGN_OR_RETURN(const Tensor w, lowering.Dense(weights));
  const Tensor folded = lowering.NewTensor(w.dtype, w.dims);
  const Tensor shift = lowering.NewTensor(w.dtype, {w.dims[0]});
  std::vector<Operand> operands = {Read(w), Read(affine.scale), Read(affine.shift), Write(folded),
                                   Write(shift)};
  const bool has_bias = bias.has_value();
  if (has_bias) {
    INGOT_ASSIGN_OR_RETURN(const Tensor b, lowering.Dense(*bias));
    operands.push_back(Read(b));
  }
  const int64_t channels = w.dims[0], row = w.NumElements() / channels;
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:fold_batch_norm", std::move(operands), [=](const StepArgs& args) {
        const float *x = args.At<float>(0), *scale = args.At<float>(1), *add = args.At<float>(2);
        const float* b = has_bias ? args.At<float>(5) : nullptr;
        float *y = args.At<float>(3), *out_bias = args.At<float>(4);
        const auto fold = [&](int64_t begin, int64_t end, int) {
          for (int64_t c = begin; c < end; ++c) {
            for (int64_t i = 0; i < row; ++i) y[c * row + i] = x[c * row + i] * scale[c];
            out_bias[c] = (b == nullptr ? 0.0f : b[c] * scale[c]) + add[c];
          }
        };
        const double work = kNanosecondsAWeight * static_cast<double>(row) + 1;
        kernels::ParallelFor(args.threads(), channels, kernels::GrainFor(work), fold);
        return absl::OkStatus();
      }));
  weights = folded;
  bias = shift;
  return absl::OkStatus();
}

// [out, in / groups, kernel…] -> [groups, out / groups, in / groups, kernel…]; a transposed
// convolution's [in, out / groups, kernel…] likewise, with the channels exchanged.
Tensor Grouped(Tensor weights, int64_t groups, bool transposed) {
  if (groups > 1) {
    const int64_t size = weights.dims[0] / groups;
    weights.dims[0] = size;
    weights.dims.insert(weights.dims.begin(), groups);
    weights.strides.insert(weights.strides.begin(), size * weights.strides[0]);
  }
  if (transposed) {
    const int first = groups > 1 ? 1 : 0;
    std::swap(weights.dims[first], weights.dims[first + 1]);
    std::swap(weights.strides[first], weights.strides[first + 1]);
  }
  return weights;
}

absl::StatusOr<Convolution> ReadConvolution(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const int spatial = view.TensorType("input").rank() - 2;
  Convolution c;
  c.groups = view.Int("groups");
  c.transposed = view.Bool("transposed");
  c.window.stride = Spread(view.Ints("stride"), spatial);
  c.window.dilation = Spread(view.Ints("dilation"), spatial);
  c.window.padding_begin = Spread(view.Ints("padding"), spatial);
  c.window.padding_end = c.window.padding_begin;
  if (c.transposed) {
    // What the output has more at its end is padded less.
    const std::vector<int64_t> more = Spread(view.Ints("output_padding"), spatial);
    for (int i = 0; i < spatial; ++i) c.window.padding_end[i] -= more[i];
  }
  ir::ValueId input = view.Value("input");
  if (unit.padding) {
    const ops::OpView pad = lowering.View(*unit.padding);
    const absl::Span<const int64_t> sizes = pad.Ints("pad");
    for (size_t i = 0; i < sizes.size() / 2; ++i) {
      c.window.padding_begin[spatial - 1 - i] += sizes[2 * i];
      c.window.padding_end[spatial - 1 - i] += sizes[2 * i + 1];
    }
    input = pad.Value("self");
  }
  c.src = lowering.Get(input);
  INGOT_ASSIGN_OR_RETURN(c.weights, lowering.Strided(view.Value("weight")));
  if (view.Has("bias")) {
    INGOT_ASSIGN_OR_RETURN(c.bias, lowering.Dense(view.Value("bias")));
  }
  if (unit.batch_norm) {
    INGOT_RETURN_IF_ERROR(
        FoldBatchNorm(lowering, lowering.View(*unit.batch_norm), c.weights, c.bias));
  }
  c.weights = Grouped(std::move(c.weights), c.groups, c.transposed);
  return c;
}

absl::StatusOr<PrimitiveDesc> Describe(const Convolution& c, const MemoryDesc& src,
                                       const MemoryDesc& dst, const Attributes& attributes) {
  const MemoryDesc weights = MemoryDesc::Any(c.factor, c.weights.dims);
  const MemoryDesc bias = c.bias ? c.bias->Desc() : MemoryDesc();
  return c.transposed ? DeconvolutionDesc(src, weights, bias, dst, c.window, attributes)
                      : ConvolutionDesc(src, weights, bias, dst, c.window, attributes);
}

// oneDNN's choice of layouts; but where it would make blocks of channels and knows a loop as good
// for channels-last images, these: what follows reads them without a reorder.
absl::StatusOr<PrimitiveDesc> ChooseLayouts(const Convolution& c, const ir::TensorType& out,
                                            const Attributes& attributes) {
  INGOT_ASSIGN_OR_RETURN(PrimitiveDesc any,
                         Describe(c, MemoryDesc::Any(c.factor, c.src.dims),
                                  MemoryDesc::Any(out.dtype, out.dims), attributes));
  if (any.dst().IsStrided(nullptr)) return any;
  absl::StatusOr<PrimitiveDesc> plain = Describe(c, ChannelsLast(c.factor, c.src.dims),
                                                 ChannelsLast(out.dtype, out.dims), attributes);
  if (!plain.ok() || plain->implementation() != any.implementation()) return any;
  return plain;
}

// Whether the operand of a post-op has the result's sizes, `dims`; else it has one number, or one a
// channel.
bool IsFull(const Tensor& operand, const ir::Dims& dims) { return operand.dims == dims; }

// [1, c, 1, …]
ir::Dims ChannelDims(const Tensor& operand, size_t rank) {
  ir::Dims dims(rank, 1);
  dims[1] = operand.NumElements();
  return dims;
}

// An operand that is not full, in those sizes.
absl::StatusOr<Tensor> ChannelOperand(Lowering& lowering, const Tensor& operand, size_t rank) {
  INGOT_ASSIGN_OR_RETURN(Tensor dense, lowering.Dense(operand));
  dense.dims = ChannelDims(operand, rank);
  dense.strides = ir::ContiguousStrides(dense.dims);
  return dense;
}

// The post-ops while layouts are still unknown: full operands may have any. Adds no steps.
absl::Status DescribePostOps(const Lowering& lowering, const Unit& unit, const ir::Dims& dims,
                             Attributes& attributes) {
  for (const PostOp& post_op : unit.post_ops) {
    const std::optional<PrimitivePostOp> primitive = AsPrimitive(post_op);
    if (!primitive) return absl::InternalError("a post-op that oneDNN does not have");
    if (!IsBinary(post_op.op)) {
      attributes.AppendEltwise(primitive->algorithm, primitive->alpha, primitive->beta);
      continue;
    }
    const Tensor& operand = lowering.Get(post_op.operand);
    attributes.AppendBinary(
        primitive->algorithm,
        IsFull(operand, dims)
            ? MemoryDesc::Any(operand.dtype, dims)
            : MemoryDesc::RowMajor(operand.dtype, ChannelDims(operand, dims.size())));
  }
  return absl::OkStatus();
}

// The same, operands as `dst` lies; the addend at `sum` is accumulated in place.
absl::Status AppendConvPostOps(Lowering& lowering, const Unit& unit, const ir::Dims& dims,
                               const MemoryDesc& dst, int sum, Attributes& attributes,
                               std::vector<CallArgument>& arguments) {
  for (size_t i = 0; i < unit.post_ops.size(); ++i) {
    const PostOp& post_op = unit.post_ops[i];
    if (static_cast<int>(i) == sum) {
      attributes.AppendSum();
      continue;
    }
    const auto adapt = [&](const PostOp&) -> absl::StatusOr<Tensor> {
      const Tensor& operand = lowering.Get(post_op.operand);
      return IsFull(operand, dims) ? lowering.InLayout(operand, dst)
                                   : ChannelOperand(lowering, operand, dims.size());
    };
    INGOT_RETURN_IF_ERROR(AppendPostOps({post_op}, adapt, attributes, arguments));
  }
  return absl::OkStatus();
}

// The addend whose memory the output can take: it dies here, lies as the output will, and nothing
// else of the convolution lives there.
int InPlaceAddend(Lowering& lowering, const Unit& unit, const Convolution& c, const ir::Dims& dims,
                  const MemoryDesc& dst) {
  for (size_t i = 0; i < unit.post_ops.size(); ++i) {
    const PostOp& post_op = unit.post_ops[i];
    if (post_op.op != kernels::EpilogueOp::kAdd) continue;
    const Tensor& addend = lowering.Get(post_op.operand);
    const bool once =
        std::count_if(unit.post_ops.begin(), unit.post_ops.end(), [&](const PostOp& p) {
          return IsBinary(p.op) && lowering.Get(p.operand).buffer == addend.buffer;
        }) == 1;
    const bool apart = addend.buffer != c.src.buffer && addend.buffer != c.weights.buffer &&
                       (!c.bias || addend.buffer != c.bias->buffer);
    if (IsFull(addend, dims) && once && apart && addend.offset == 0 && HasLayout(addend, dst) &&
        lowering.DiesHere(addend)) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

absl::Status Lower(Lowering& lowering, const Unit& unit) {
  INGOT_ASSIGN_OR_RETURN(Convolution c, ReadConvolution(lowering, unit));
  const ir::ValueId result = lowering.graph().node(unit.nodes.back()).outputs[0];
  const ir::TensorType& type = lowering.graph().type(result);
  // A unit of one node says nothing of who runs it.
  if (unit.runs_as != RunsAs::kPrimitive && unit.runs_as != RunsAs::kPrimitiveConvolution)
    return LowerOwnConvolution(lowering, unit, c, result, type);
  double flops = 2;
  for (size_t i = 1; i < c.weights.dims.size(); ++i) {
    if (c.groups == 1 || i >= 2) flops *= static_cast<double>(c.weights.dims[i]);
  }
  lowering.UseThreadsFor(flops * static_cast<double>(type.NumElements()) / kFlopsPerNanosecond);

  // Grouped ones with few channels a group have no loops for bf16 that pay.
  if (c.groups == 1) c.factor = LeftFactorType(lowering, c.weights, c.src.dims[1]);
  Attributes first;
  INGOT_RETURN_IF_ERROR(DescribePostOps(lowering, unit, type.dims, first));
  INGOT_ASSIGN_OR_RETURN(PrimitiveDesc desc, ChooseLayouts(c, type, first));
  // Not every loop of oneDNN has every post-op: on AVX2 those for groups of few channels have no
  // addends, and its reference code would run instead.
  if (desc.IsReference() && !unit.post_ops.empty()) {
    lowering.GiveUpUnit();
    return absl::OkStatus();
  }
  const MemoryDesc src_layout = desc.src(), dst_layout = desc.dst();
  const int sum = InPlaceAddend(lowering, unit, c, type.dims, dst_layout);

  std::vector<CallArgument> arguments;
  Attributes attributes;
  INGOT_RETURN_IF_ERROR(
      AppendConvPostOps(lowering, unit, type.dims, dst_layout, sum, attributes, arguments));
  INGOT_ASSIGN_OR_RETURN(desc, Describe(c, src_layout, dst_layout, attributes));
  INGOT_ASSIGN_OR_RETURN(const Tensor src, lowering.InLayout(c.src, desc.src(), c.factor));
  INGOT_ASSIGN_OR_RETURN(const Tensor weights,
                         lowering.InLayout(c.weights, desc.weights(), c.factor));
  Tensor out;
  if (sum >= 0) {
    out = lowering.Get(unit.post_ops[sum].operand);
    // Read as well as written: the planner must see both.
    arguments.push_back({0, Read(out), MemoryDesc()});
  } else {
    out = lowering.NewTensor(type.dtype, type.dims, desc.dst());
  }
  lowering.Set(result, out);
  arguments.push_back({DNNL_ARG_SRC, Read(src), desc.src()});
  arguments.push_back({DNNL_ARG_WEIGHTS, Read(weights), desc.weights()});
  if (c.bias) arguments.push_back(Reads(DNNL_ARG_BIAS, *c.bias));
  arguments.push_back({DNNL_ARG_DST, Write(out), desc.dst()});
  return lowering.AddCall(desc, std::move(arguments));
}

constexpr OpLowering kLowerings[] = {{"aten::convolution", &Supports, &Lower}};

}  // namespace

absl::Span<const OpLowering> ConvLowerings() { return kLowerings; }

}  // namespace ingot::onednn
