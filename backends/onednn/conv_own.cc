// Convolutions in own kernels (kernels/packed_gemm.h, winograd.h, depthwise.h), which have all
// post-ops. Images lie channels-last on both sides.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "backends/onednn/conv.h"
#include "backends/onednn/kernels/depthwise.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/winograd.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/product.h"
#include "backends/onednn/strips.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

constexpr double kPaddedPerNanosecond = 32;  // bytes copied
// Elements of the inner dimension below which a tap is joined with its neighbours.
constexpr int64_t kMinTap = 16;

// The operand of an own kernel's post-op: pixels by channels, or channels alone.
absl::StatusOr<Tensor> PixelOperand(Lowering& lowering, const PostOp& post_op,
                                    const ir::TensorType& out) {
  Tensor operand = lowering.Get(post_op.operand);
  const int64_t channels = out.dims[1];
  if (operand.dims == out.dims) {
    INGOT_ASSIGN_OR_RETURN(operand, lowering.InLayout(operand, ChannelsLast(out.dtype, out.dims)));
    operand.dims = {out.NumElements() / channels, channels};
  } else {
    INGOT_ASSIGN_OR_RETURN(operand, lowering.Dense(operand));
    operand.dims = {1, operand.NumElements()};
  }
  operand.strides = {operand.dims[1], 1};
  return operand;
}

Tensor NewChannelsLast(Lowering& lowering, const ir::TensorType& type) {
  Tensor out = lowering.NewTensor(type);
  out.strides = ChannelsLastStrides(type.dims);
  return out;
}

// The lines of a convolution over dense images of `in_lines` lines of `in_line` floats: what any
// kernel that makes some of them alone has in common.
LineStep LinesOf(const Convolution& c, const ir::TensorType& type, int64_t in_lines,
                 int64_t in_line) {
  const size_t rank = c.weights.dims.size();  // [… , height, width]
  LineStep lines;
  lines.images = type.dims[0];
  lines.in_lines = in_lines;
  lines.out_lines = type.dims[2];
  lines.extent = (c.weights.dims[rank - 2] - 1) * c.window.dilation[0] + 1;
  lines.stride = c.window.stride[0];
  lines.in_line_bytes = static_cast<size_t>(in_line) * sizeof(float);
  lines.out_line_bytes = static_cast<size_t>(type.dims[1] * type.dims[3]) * sizeof(float);
  return lines;
}

// One tap, no padding: pixels times weights. Images lie channels-last on both sides.
absl::Status LowerProduct(Lowering& lowering, const Unit& unit, const Convolution& c,
                          ir::ValueId result, const ir::TensorType& type) {
  const ir::Dims& in = c.src.dims;
  const int64_t channels = in[1], columns = type.dims[1];
  ProductRows rows;
  const ir::DType factor = LeftFactorType(lowering, c.weights, channels);
  INGOT_ASSIGN_OR_RETURN(rows.x, lowering.InLayout(c.src, ChannelsLast(factor, in), factor));
  const bool strided = std::any_of(c.window.stride.begin(), c.window.stride.end(),
                                   [](int64_t stride) { return stride != 1; });
  if (strided) {
    rows.images = in[0];
    rows.image_stride = channels * in[2] * in[3];
    rows.groups = type.dims[2];
    rows.group_stride = c.window.stride[0] * in[3] * channels;
    rows.rows = type.dims[3];
    rows.lda = c.window.stride[1] * channels;
  } else {
    rows.rows = type.NumElements() / columns;
    rows.lda = channels;
  }
  Tensor weights = c.weights;
  weights.dims = {channels, columns};
  weights.strides = {c.weights.strides[1], c.weights.strides[0]};
  std::optional<LineStep> lines;
  if (in.size() == 4) lines = LinesOf(c, type, in[2], in[3] * channels);
  const Tensor out = NewChannelsLast(lowering, type);
  lowering.Set(result, out);
  const auto adapt = [&](const PostOp& post_op) { return PixelOperand(lowering, post_op, type); };
  return AddProduct(lowering, rows, weights, c.bias, unit.post_ops, adapt, out, columns, lines);
}

// `image` (channels-last) with the window's border of zeros.
absl::StatusOr<Tensor> Padded(Lowering& lowering, const Tensor& image, const Window& window) {
  const ir::Dims& in = image.dims;
  const int64_t top = window.padding_begin[0], left = window.padding_begin[1];
  const int64_t height = in[2] + top + window.padding_end[0];
  const int64_t width = in[3] + left + window.padding_end[1];
  if (height == in[2] && width == in[3]) return image;
  Tensor out = NewChannelsLast(lowering, {image.dtype, {in[0], in[1], height, width}});
  // Bytes: 0.0 has none that is set.
  const int64_t pixel = in[1] * static_cast<int64_t>(ir::ElementSize(image.dtype));
  const int64_t images = in[0], lines = in[2], line = in[3] * pixel, out_line = width * pixel;
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:pad", {Read(image), Write(out)}, [=](const StepArgs& args) {
        const double work = static_cast<double>(out_line) / kPaddedPerNanosecond + 1;
        kernels::ParallelFor(
            args.threads(), images * height, kernels::GrainFor(work),
            [&](int64_t begin, int64_t end, int) {
              for (int64_t row = begin; row < end; ++row) {
                char* const to = args.At<char>(1) + row * out_line;
                const int64_t from = row % height - top;
                if (from < 0 || from >= lines) {
                  std::memset(to, 0, out_line);
                  continue;
                }
                const int64_t begin_of_line = (row / height * lines + from) * line;
                std::memset(to, 0, left * pixel);
                std::memcpy(to + left * pixel, args.At<char>(0) + begin_of_line, line);
                std::memset(to + left * pixel + line, 0, out_line - left * pixel - line);
              }
            });
        return absl::OkStatus();
      }));
  return out;
}

// Several taps: each adds the product of the pixels at its offset with its weights.
absl::Status LowerTaps(Lowering& lowering, const Unit& unit, const Convolution& c,
                       ir::ValueId result, const ir::TensorType& type) {
  const ir::DType factor = LeftFactorType(lowering, c.weights, c.src.dims[1]);
  INGOT_ASSIGN_OR_RETURN(Tensor x,
                         lowering.InLayout(c.src, ChannelsLast(factor, c.src.dims), factor));
  INGOT_ASSIGN_OR_RETURN(x, Padded(lowering, x, c.window));
  const int64_t channels = x.dims[1], columns = type.dims[1], line = x.dims[3] * channels;
  ProductRows rows;
  rows.x = x;
  rows.images = type.dims[0];
  rows.image_stride = x.dims[2] * line;
  rows.groups = type.dims[2];
  rows.group_stride = c.window.stride[0] * line;
  rows.rows = type.dims[3];
  rows.lda = c.window.stride[1] * channels;
  const int64_t kernel_height = c.weights.dims[2], kernel_width = c.weights.dims[3];
  // The pixels under a line of the window lie side by side: few channels make one long tap of it.
  const int64_t taps_a_line = channels < kMinTap && c.window.dilation[1] == 1 ? 1 : kernel_width;
  for (int64_t h = 0; h < kernel_height; ++h) {
    for (int64_t w = 0; w < taps_a_line; ++w) {
      rows.taps.push_back(h * c.window.dilation[0] * line + w * c.window.dilation[1] * channels);
    }
  }
  // [out, in, height, width] -> [height, width, in, out].
  Tensor weights = c.weights;
  const ir::Dims &dims = c.weights.dims, &strides = c.weights.strides;
  weights.dims = {dims[2], dims[3], dims[1], dims[0]};
  weights.strides = {strides[2], strides[3], strides[1], strides[0]};
  INGOT_ASSIGN_OR_RETURN(weights, lowering.Dense(weights));
  weights.dims = {kernel_height * kernel_width * channels, columns};
  weights.strides = {columns, 1};
  const Tensor out = NewChannelsLast(lowering, type);
  lowering.Set(result, out);
  const auto adapt = [&](const PostOp& post_op) { return PixelOperand(lowering, post_op, type); };
  return AddProduct(lowering, rows, weights, c.bias, unit.post_ops, adapt, out, columns,
                    LinesOf(c, type, x.dims[2], line));
}

// A kernel that takes whole images and their border.
struct ImageKernel {
  const char* name;
  Tensor x, weights;
  size_t workspace = 0;
  std::optional<LineStep> lines;  // without run; null: it does not make some of them alone
  bool rounds = false;  // can store its result in bf16, which bf16_y of its arguments is for
};

// A step that calls run(args, weights, workspace, threads) with `call`'s fields, and x, bias,
// stages and y of the execution; for some lines alone with the part of the image that has them.
template <class Args, class Run>
absl::Status AddImageKernel(Lowering& lowering, const Unit& unit, const Convolution& c,
                            ir::ValueId result, const ir::TensorType& type, ImageKernel kernel,
                            const Args& call, const Run& run) {
  const Tensor out = NewChannelsLast(lowering, type);
  lowering.Set(result, out);
  std::vector<Operand> operands = {Read(kernel.x), Read(kernel.weights), Write(out),
                                   lowering.NewScratch(std::max<size_t>(kernel.workspace, 1))};
  const bool has_bias = c.bias.has_value();
  if (has_bias) operands.push_back(Read(*c.bias));
  const auto adapt = [&](const PostOp& post_op) { return PixelOperand(lowering, post_op, type); };
  INGOT_ASSIGN_OR_RETURN(const Epilogue epilogue, Epilogue::Make(unit.post_ops, adapt, operands));
  // `row`: the first pixel of y.
  const auto bound_run = [=](const StepArgs& args, Args bound, int64_t row, int threads) {
    std::array<kernels::EpilogueStage, Epilogue::kMaxStages> room;
    bound.bias = has_bias ? args.At<float>(4) : nullptr;
    bound.stages = epilogue.Bind(args, row, room);
    run(bound, args.At<float>(1), args.At<void>(3), threads);
  };
  const auto run_whole = [=](const StepArgs& args, Args bound) {
    bound.x = args.At<float>(0);
    bound_run(args, bound, 0, args.threads());
    return absl::OkStatus();
  };
  const StepFn whole = [=](const StepArgs& args) {
    Args bound = call;
    bound.y = args.At<float>(2);
    return run_whole(args, bound);
  };
  KernelAbilities abilities;
  if constexpr (requires { call.bf16_y; }) {
    if (kernel.rounds) {
      abilities.rounding.emplace();
      abilities.rounding->elements = type.NumElements();
      abilities.rounding->run = [=](const StepArgs& args) {
        Args bound = call;
        bound.bf16_y = args.At<kernels::BFloat16>(2);
        return run_whole(args, bound);
      };
    }
  }
  if (kernel.lines.has_value()) {
    abilities.lines = std::move(kernel.lines);
    const int64_t stride = abilities.lines->stride, out_lines = type.dims[2], width = type.dims[3];
    abilities.lines->run = [=](const StepArgs& args, const LineStep::Call& some) {
      Args bound = call;
      bound.images = 1;
      // The border above the lines that are there may be negative.
      bound.padding[0] += some.in_begin - some.begin * stride;
      bound.in[0] = some.in_end - some.in_begin;
      bound.out[0] = some.end - some.begin;
      bound.x = some.x;
      bound.y = some.y;
      bound_run(args, bound, (some.image * out_lines + some.begin) * width, 1);
    };
  }
  return lowering.AddKernel(kernel.name, std::move(operands), whole, std::move(abilities));
}

// 3x3 with stride 1, by fewer products than taps.
absl::Status LowerWinograd(Lowering& lowering, const Unit& unit, const Convolution& c,
                           ir::ValueId result, const ir::TensorType& type) {
  const bool bf16 = LeftFactorType(lowering, c.weights, c.src.dims[1]) == ir::DType::kBFloat16;
  const auto winograd =
      kernels::Winograd::Make(type.dims[1], c.src.dims[1],
                              bf16 ? kernels::GemmFactors::kBf16Pairs : kernels::GemmFactors::kF32);
  kernels::WinogradArgs call;
  call.images = type.dims[0];
  for (int d = 0; d < 2; ++d) {
    call.in[d] = c.src.dims[2 + d];
    call.out[d] = type.dims[2 + d];
    call.padding[d] = c.window.padding_begin[d];
  }
  INGOT_ASSIGN_OR_RETURN(const Tensor x,
                         lowering.InLayout(c.src, ChannelsLast(c.src.dtype, c.src.dims)));
  const Tensor packed = lowering.NewTensor(
      ir::DType::kFloat32, {static_cast<int64_t>(winograd.PackedBytes() / sizeof(float))});
  std::array<int64_t, 4> strides;
  std::copy(c.weights.strides.begin(), c.weights.strides.end(), strides.begin());
  INGOT_RETURN_IF_ERROR(lowering.AddKernel(
      "ingot:pack_winograd", {Read(c.weights), Write(packed)}, [=](const StepArgs& args) {
        winograd.Pack(args.At<float>(0), strides, args.At<float>(1), args.threads());
        return absl::OkStatus();
      }));
  return AddImageKernel(
      lowering, unit, c, result, type,
      {bf16 ? "ingot:winograd_bf16" : "ingot:winograd", x, packed,
       winograd.WorkspaceBytes(lowering.threads()), std::nullopt, /*rounds=*/bf16},
      call, [=](kernels::WinogradArgs& run, const float* weights, void* workspace, int threads) {
        run.packed = weights;
        run.workspace = workspace;
        winograd.Run(run, threads);
      });
}

absl::Status LowerDepthwise(Lowering& lowering, const Unit& unit, const Convolution& c,
                            ir::ValueId result, const ir::TensorType& type) {
  kernels::DepthwiseArgs call;
  call.images = type.dims[0];
  call.channels = type.dims[1];
  const int rank = c.weights.rank();  // [groups, 1, 1, height, width]
  for (int d = 0; d < 2; ++d) {
    call.in[d] = c.src.dims[2 + d];
    call.out[d] = type.dims[2 + d];
    call.kernel[d] = c.weights.dims[rank - 2 + d];
    call.stride[d] = c.window.stride[d];
    call.padding[d] = c.window.padding_begin[d];
    call.dilation[d] = c.window.dilation[d];
  }
  INGOT_ASSIGN_OR_RETURN(const Tensor x,
                         lowering.InLayout(c.src, ChannelsLast(c.src.dtype, c.src.dims)));
  // [channels, taps] -> [taps, channels].
  INGOT_ASSIGN_OR_RETURN(Tensor weights, lowering.Dense(c.weights));
  const int64_t taps = call.kernel[0] * call.kernel[1];
  weights.dims = {taps, call.channels};
  weights.strides = {1, taps};
  INGOT_ASSIGN_OR_RETURN(weights, lowering.Dense(weights));
  LineStep lines = LinesOf(c, type, call.in[0], call.in[1] * call.channels);
  lines.padding = call.padding[0];
  lines.weight_bytes = static_cast<size_t>(taps * call.channels) * sizeof(float);
  return AddImageKernel(lowering, unit, c, result, type,
                        {"ingot:depthwise", x, weights, /*workspace=*/0, lines}, call,
                        [](kernels::DepthwiseArgs& run, const float* packed, void*, int threads) {
                          run.weights = packed;
                          kernels::Depthwise(run, threads);
                        });
}

}  // namespace

absl::Status LowerOwnConvolution(Lowering& lowering, const Unit& unit, const Convolution& c,
                                 ir::ValueId result, const ir::TensorType& type) {
  switch (unit.runs_as) {
    case RunsAs::kProductConvolution:
      return LowerProduct(lowering, unit, c, result, type);
    case RunsAs::kTapConvolution:
      return LowerTaps(lowering, unit, c, result, type);
    case RunsAs::kWinogradConvolution:
      return LowerWinograd(lowering, unit, c, result, type);
    case RunsAs::kDepthwiseConvolution:
      return LowerDepthwise(lowering, unit, c, result, type);
    default:
      return absl::InternalError("not a convolution of an own kernel");
  }
}

}  // namespace ingot::onednn
