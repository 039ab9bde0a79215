#include "backends/onednn/norm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/norm.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/pointwise.h"
#include "backends/onednn/layout.h"
#include "core/base/status_macros.h"

namespace ingot::onednn {
namespace {

absl::Status SupportsF32(const ir::Graph& graph, const ops::OpView& view) {
  absl::Status status;
  ir::ForEachOperand(view.node(), [&](ir::ValueId value) {
    if (graph.type(value).dtype != ir::DType::kFloat32) {
      status.Update(absl::UnimplementedError(absl::StrCat("normalisation is done in f32, not ",
                                                          ir::DTypeName(graph.type(value).dtype))));
    }
  });
  return status;
}

// The positions of optional operands among a step's operands; -1: absent.
struct Optional {
  int position = -1;
  const float* At(const StepArgs& args) const {
    return position < 0 ? nullptr : args.At<float>(position);
  }
};

absl::StatusOr<Optional> AddOptional(Lowering& lowering, const ops::OpView& view, const char* name,
                                     std::vector<Operand>& operands) {
  if (!view.Has(name)) return Optional{};
  INGOT_ASSIGN_OR_RETURN(const Tensor tensor, lowering.Dense(view.Value(name)));
  operands.push_back(Read(tensor));
  return Optional{static_cast<int>(operands.size()) - 1};
}

// --- layer_norm, rms_norm ---

template <bool kRms>
absl::Status LowerRowNorm(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Dense(view.Value("input")));
  const Tensor y = lowering.NewTensor(view.OutputType());
  lowering.Set(view.node().outputs[0], y);
  kernels::RowNorm norm;
  norm.n = 1;
  for (int64_t size : view.Ints("normalized_shape")) norm.n *= size;
  norm.rows = x.NumElements() / norm.n;
  norm.eps = static_cast<float>(view.FloatOr("eps", std::numeric_limits<float>::epsilon()));
  std::vector<Operand> operands = {Read(x), Write(y)};
  INGOT_ASSIGN_OR_RETURN(const Optional weight, AddOptional(lowering, view, "weight", operands));
  Optional bias;
  if (!kRms) {
    INGOT_ASSIGN_OR_RETURN(bias, AddOptional(lowering, view, "bias", operands));
  }
  const auto run = [=](const StepArgs& args, bool to_bf16) {
    kernels::RowNorm call = norm;
    call.x = args.At<float>(0);
    if (to_bf16) {
      call.bf16_y = args.At<kernels::BFloat16>(1);
    } else {
      call.y = args.At<float>(1);
    }
    call.weight = weight.At(args);
    call.bias = bias.At(args);
    kRms ? kernels::RmsNorm(call, args.threads()) : kernels::LayerNorm(call, args.threads());
    return absl::OkStatus();
  };
  KernelAbilities abilities;
  abilities.in_place_read = 0;
  abilities.in_place_write = 1;
  if (lowering.bf16()) {
    abilities.rounding.emplace();
    abilities.rounding->elements = norm.rows * norm.n;
    abilities.rounding->out = 1;
    abilities.rounding->run = [run](const StepArgs& args) { return run(args, true); };
  }
  return lowering.AddKernel(
      kRms ? "ingot:rms_norm" : "ingot:layer_norm", std::move(operands),
      [run](const StepArgs& args) { return run(args, false); }, std::move(abilities));
}

// --- group_norm ---

absl::Status LowerGroupNorm(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  Tensor x = lowering.Get(view.Value("input"));
  const bool nhwc = IsChannelsLast(x);
  if (!nhwc) {
    INGOT_ASSIGN_OR_RETURN(x, lowering.Dense(x));
  }
  Tensor y = lowering.NewTensor(view.OutputType());
  y.strides = x.strides;
  lowering.Set(view.node().outputs[0], y);
  kernels::GroupNormArgs norm;
  norm.batch = x.dims[0];
  norm.channels = x.dims[1];
  norm.spatial = x.NumElements() / (norm.batch * norm.channels);
  norm.groups = view.Int(view.def().schema.Find("group") >= 0 ? "group" : "num_groups");
  norm.eps = static_cast<float>(view.Float("eps"));
  std::vector<Operand> operands = {Read(x), Write(y)};
  if (nhwc) {
    operands.push_back(lowering.NewScratch(
        std::max<size_t>(kernels::GroupNormNhwcWorkspaceBytes(norm, lowering.threads()), 1)));
  }
  INGOT_ASSIGN_OR_RETURN(const Optional weight, AddOptional(lowering, view, "weight", operands));
  INGOT_ASSIGN_OR_RETURN(const Optional bias, AddOptional(lowering, view, "bias", operands));
  return lowering.AddInPlaceKernel(
      "ingot:group_norm", std::move(operands), 0, 1, [=](const StepArgs& args) {
        kernels::GroupNormArgs call = norm;
        call.x = args.At<float>(0);
        call.y = args.At<float>(1);
        call.weight = weight.At(args);
        call.bias = bias.At(args);
        if (nhwc) {
          kernels::GroupNormNhwc(call, args.At<void>(2), args.threads());
        } else {
          kernels::GroupNormNchw(call, args.threads());
        }
        return absl::OkStatus();
      });
}

// --- native_layer_norm, native_group_norm: with the statistics as results ---

// Mean and 1 / sqrt(variance + eps) of each row of x, dense [rows, n].
void RowStatistics(const float* x, int64_t rows, int64_t n, double eps, float* mean, float* rstd,
                   int threads) {
  kernels::ParallelFor(threads, rows, kernels::GrainFor(2.0 * static_cast<double>(n) + 1),
                       [&](int64_t begin, int64_t end, int) {
                         for (int64_t row = begin; row < end; ++row) {
                           const float* const v = x + row * n;
                           double sum = 0, squares = 0;
                           for (int64_t i = 0; i < n; ++i) sum += v[i];
                           const double average = n == 0 ? 0 : sum / static_cast<double>(n);
                           for (int64_t i = 0; i < n; ++i) {
                             squares += (v[i] - average) * (v[i] - average);
                           }
                           const double variance = n == 0 ? 0 : squares / static_cast<double>(n);
                           mean[row] = static_cast<float>(average);
                           rstd[row] = static_cast<float>(1 / std::sqrt(variance + eps));
                         }
                       });
}

template <absl::Status (*kLowerResult)(Lowering&, const Unit&)>
absl::Status LowerNative(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  const std::vector<ir::ValueId>& outputs = view.node().outputs;
  const int produced = outputs[1] != ir::kNoValue ? 1 : outputs[2] != ir::kNoValue ? 2 : 0;
  if (produced != 0) {
    // Before the result, which may take over x's memory.
    INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Dense(view.Value("input")));
    const ir::TensorType& type = view.OutputType(produced);
    const Tensor mean = lowering.NewTensor(type), rstd = lowering.NewTensor(type);
    if (outputs[1] != ir::kNoValue) lowering.Set(outputs[1], mean);
    if (outputs[2] != ir::kNoValue) lowering.Set(outputs[2], rstd);
    const int64_t rows = type.NumElements(), n = rows == 0 ? 0 : x.NumElements() / rows;
    const double eps = view.Float("eps");
    INGOT_RETURN_IF_ERROR(lowering.AddKernel(
        "ingot:row_statistics", {Read(x), Write(mean), Write(rstd)}, [=](const StepArgs& args) {
          RowStatistics(args.At<float>(0), rows, n, eps, args.At<float>(1), args.At<float>(2),
                        args.threads());
          return absl::OkStatus();
        }));
  }
  if (outputs[0] == ir::kNoValue) return absl::OkStatus();
  const ir::TensorType& type = lowering.graph().type(outputs[0]);
  if (type.NumElements() != 0) return kLowerResult(lowering, unit);
  lowering.Set(outputs[0], lowering.NewTensor(type));
  return absl::OkStatus();
}

// --- batch_norm that no convolution takes in ---

absl::Status LowerBatchNorm(Lowering& lowering, const Unit& unit) {
  const ops::OpView view = lowering.View(unit.anchor);
  INGOT_ASSIGN_OR_RETURN(const Tensor x, lowering.Strided(view.Value("input")));
  INGOT_ASSIGN_OR_RETURN(const ChannelAffine affine, BatchNormAffine(lowering, view));
  Tensor y = lowering.NewTensor(view.OutputType());
  // Walks in the order of x's own layout, which y keeps.
  ir::Dims order = DenseOrder(x).value_or(ir::Dims{});
  if (order.empty()) {
    for (int i = 0; i < x.rank(); ++i) order.push_back(i);
  }
  ir::Dims dims, x_strides, channel;
  for (int64_t i : order) {
    dims.push_back(x.dims[i]);
    x_strides.push_back(x.strides[i]);
    channel.push_back(i == 1 ? 1 : 0);
  }
  const ir::Dims walked = ir::ContiguousStrides(dims);
  for (size_t i = 0; i < order.size(); ++i) y.strides[order[i]] = walked[i];
  lowering.Set(view.node().outputs[0], y);
  kernels::PointwiseBuilder builder(dims);
  const int in = builder.Input(ir::DType::kFloat32, x_strides);
  const int scale = builder.Input(ir::DType::kFloat32, channel);
  const int shift = builder.Input(ir::DType::kFloat32, channel);
  builder.Output(builder.Op(kernels::PwOp::kFma, {in, scale, shift}));
  INGOT_ASSIGN_OR_RETURN(kernels::Pointwise built, std::move(builder).Build());
  auto program = std::make_shared<const kernels::Pointwise>(std::move(built));
  const int in_place = x.strides == y.strides ? 0 : -1;
  return lowering.AddInPlaceKernel(
      "ingot:batch_norm", {Read(x), Read(affine.scale), Read(affine.shift), Write(y)}, in_place,
      in_place < 0 ? -1 : 3, [program](const StepArgs& args) {
        const void* const inputs[] = {args.At<void>(0), args.At<void>(1), args.At<void>(2)};
        void* const output = args.At<void>(3);
        program->Run(inputs, &output, args.threads());
        return absl::OkStatus();
      });
}

constexpr OpLowering kLowerings[] = {
    {"aten::layer_norm", &SupportsF32, &LowerRowNorm<false>},
    {"aten::rms_norm", &SupportsF32, &LowerRowNorm<true>},
    {"aten::native_layer_norm", &SupportsF32, &LowerNative<&LowerRowNorm<false>>},
    {"aten::native_group_norm", &SupportsF32, &LowerNative<&LowerGroupNorm>},
    {"aten::group_norm", &SupportsF32, &LowerGroupNorm},
    {"aten::batch_norm", &SupportsF32, &LowerBatchNorm},
};

}  // namespace

absl::StatusOr<ChannelAffine> BatchNormAffine(Lowering& lowering, const ops::OpView& view) {
  const int64_t channels = view.TensorType("running_mean").dims[0];
  const Tensor scale = lowering.NewTensor(ir::DType::kFloat32, {channels});
  const Tensor shift = lowering.NewTensor(ir::DType::kFloat32, {channels});
  INGOT_ASSIGN_OR_RETURN(const Tensor mean, lowering.Dense(view.Value("running_mean")));
  INGOT_ASSIGN_OR_RETURN(const Tensor var, lowering.Dense(view.Value("running_var")));
  std::vector<Operand> operands = {Read(mean), Read(var), Write(scale), Write(shift)};
  INGOT_ASSIGN_OR_RETURN(const Optional weight, AddOptional(lowering, view, "weight", operands));
  INGOT_ASSIGN_OR_RETURN(const Optional bias, AddOptional(lowering, view, "bias", operands));
  const double eps = view.Float("eps");
  INGOT_RETURN_IF_ERROR(
      lowering.AddKernel("ingot:batch_norm_affine", std::move(operands), [=](const StepArgs& args) {
        const float *m = args.At<float>(0), *v = args.At<float>(1);
        float *out_scale = args.At<float>(2), *out_shift = args.At<float>(3);
        const float *w = weight.At(args), *b = bias.At(args);
        for (int64_t c = 0; c < channels; ++c) {
          const double s = (w == nullptr ? 1.0 : w[c]) / std::sqrt(v[c] + eps);
          out_scale[c] = static_cast<float>(s);
          out_shift[c] = static_cast<float>((b == nullptr ? 0.0 : b[c]) - m[c] * s);
        }
        return absl::OkStatus();
      }));
  return ChannelAffine{scale, shift};
}

absl::Span<const OpLowering> NormLowerings() { return kLowerings; }

}  // namespace ingot::onednn
