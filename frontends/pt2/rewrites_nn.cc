// Rewrites of network layers: convolutions, norms, pooling, padding, dropout, resizing.
#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "frontends/pt2/const_eval.h"
#include "frontends/pt2/const_factories.h"
#include "frontends/pt2/rewrites.h"
#include "frontends/pt2/steps.h"

namespace ingot::pt2 {
namespace {

using Result = absl::StatusOr<Tensors>;
using Ints = std::vector<int64_t>;

const Operand& Named(const OpSignature& op, const Operands& args, const char* name) {
  return args[static_cast<size_t>(op.schema.Find(name))];
}

// --- Convolutions ---

// In the spatial dimensions, whose number follows from the weight: one entry stands for all.
Ints Spatial(const Operand& operand, int count) {
  Ints values = std::holds_alternative<int64_t>(operand) ? Ints{std::get<int64_t>(operand)}
                                                         : std::get<Ints>(operand);
  if (values.size() == 1) values.resize(static_cast<size_t>(count), values[0]);
  return values;
}

// Without a batch dimension, one is added around the call.
template <typename Call>
Result Batched(Emitter& emitter, TensorId input, int rank, Call call) {
  if (emitter.type(input).rank() == rank) return call(input);
  INGOT_ASSIGN_OR_RETURN(const TensorId batch,
                         emitter.ApplyOne("aten::unsqueeze", {T(input), int64_t{0}}));
  INGOT_ASSIGN_OR_RETURN(const Tensors results, call(batch));
  return emitter.Apply("aten::squeeze.dim", {T(results[0]), int64_t{0}});
}

// "same": as much padding as keeps the size at stride 1; what is odd goes behind.
Result ConvolvePadded(Emitter& emitter, const OpSignature& op, const Operands& args, TensorId input,
                      const Ints& dilation, const Ints& stride) {
  const ir::Dims kernel = emitter.type(TensorArg(args, 1)).dims;
  const int count = static_cast<int>(kernel.size()) - 2;
  const auto& mode = std::get<std::string>(Named(op, args, "padding"));
  Ints padding(static_cast<size_t>(count), 0), behind(static_cast<size_t>(count) * 2, 0);
  bool odd = false;
  for (int d = 0; mode == "same" && d < count; ++d) {
    const auto at = static_cast<size_t>(d);
    const int64_t total = dilation[at] * (kernel[at + 2] - 1);
    padding[at] = total / 2;
    behind[static_cast<size_t>(count - 1 - d) * 2 + 1] = total % 2;
    odd |= total % 2 != 0;
  }
  if (mode != "same" && mode != "valid")
    return absl::InvalidArgumentError(absl::StrCat(op.schema.op, ": padding \"", mode, "\""));
  if (odd) {
    INGOT_ASSIGN_OR_RETURN(input,
                           emitter.ApplyOne("aten::constant_pad_nd", {T(input), behind, 0.0}));
  }
  return emitter.Apply("aten::convolution",
                       {T(input), args[1], args[2], stride, padding, dilation, false,
                        Ints(static_cast<size_t>(count), 0), Named(op, args, "groups")});
}

Result Convolution(Emitter& emitter, const OpSignature& op, Operands args) {
  const int rank = emitter.type(TensorArg(args, 1)).rank();
  const int count = rank - 2;
  const bool transposed = absl::StartsWith(op.schema.op, "aten::conv_transpose");
  // LibTorch's own convolution has no such kernel: the composite op splits it into real ones.
  if (transposed && ir::IsComplex(emitter.type(TensorArg(args, 0)).dtype))
    return emitter.ApplyAsIs(op, std::move(args));
  const Ints stride = Spatial(Named(op, args, "stride"), count);
  const Ints dilation = Spatial(Named(op, args, "dilation"), count);
  return Batched(emitter, TensorArg(args, 0), rank, [&](TensorId input) -> Result {
    if (std::holds_alternative<std::string>(Named(op, args, "padding")))
      return ConvolvePadded(emitter, op, args, input, dilation, stride);
    const Ints padding = Spatial(Named(op, args, "padding"), count);
    const Ints output_padding = transposed ? Spatial(Named(op, args, "output_padding"), count)
                                           : Ints(static_cast<size_t>(count), 0);
    return emitter.Apply("aten::convolution",
                         {T(input), args[1], args[2], stride, padding, dilation, transposed,
                          output_padding, Named(op, args, "groups")});
  });
}

Result InnerConvolution(Emitter& emitter, const OpSignature&, Operands args) {
  args.resize(9);  // the rest are flags of other devices
  return emitter.Apply("aten::convolution", std::move(args));
}

// --- Norms ---

// Statistics over all but the channels, dimension 1.
Ints AllButChannels(const Emitter& emitter, TensorId input) {
  Ints dims;
  for (int64_t d = 0; d < emitter.type(input).rank(); ++d) {
    if (d != 1) dims.push_back(d);
  }
  return dims;
}

// (1 - momentum) * running + momentum * now, in now's dtype and rounded once to running's.
absl::StatusOr<TensorId> Moved(Emitter& emitter, TensorId running, TensorId now, double momentum) {
  INGOT_ASSIGN_OR_RETURN(const TensorId before, InDtype(emitter, running, emitter.type(now).dtype));
  INGOT_ASSIGN_OR_RETURN(const TensorId kept,
                         emitter.ApplyOne("aten::mul.Scalar", {T(before), 1.0 - momentum}));
  INGOT_ASSIGN_OR_RETURN(const TensorId added,
                         emitter.ApplyOne("aten::mul.Scalar", {T(now), momentum}));
  INGOT_ASSIGN_OR_RETURN(const TensorId moved,
                         emitter.ApplyOne("aten::add.Tensor", {T(added), T(kept)}));
  return InDtype(emitter, moved, emitter.type(running).dtype);
}

// Batch norm in training: normalised by the batch's own mean and variance.
struct Trained {
  TensorId output = kNoTensor, running_mean = kNoTensor, running_var = kNoTensor;
  TensorId mean = kNoTensor, variance = kNoTensor;  // of the batch, biased
};
absl::StatusOr<Trained> TrainBatchNorm(Emitter& emitter, const Operands& args, double momentum,
                                       double eps) {
  const TensorId input = TensorArg(args, 0);
  const Ints dims = AllButChannels(emitter, input);
  Trained trained;
  INGOT_ASSIGN_OR_RETURN(const TensorId mean, emitter.ApplyOne("aten::mean.dim", {T(input), dims}));
  INGOT_ASSIGN_OR_RETURN(const TensorId variance,
                         emitter.ApplyOne("aten::var.correction", {T(input), dims, int64_t{0}}));
  INGOT_ASSIGN_OR_RETURN(
      trained.output,
      emitter.ApplyOne("aten::batch_norm", {args[0], args[1], args[2], T(mean), T(variance), false,
                                            momentum, eps, false}));
  trained.mean = mean;
  trained.variance = variance;
  // Eager moves the statistics of halves in float32.
  const ir::DType dtype = emitter.type(input).dtype;
  const bool is_half = dtype == ir::DType::kFloat16 || dtype == ir::DType::kBFloat16;
  INGOT_ASSIGN_OR_RETURN(const TensorId wide,
                         InDtype(emitter, input, is_half ? ir::DType::kFloat32 : dtype));
  if (!IsNone(args, 3)) {
    TensorId now = mean;
    if (is_half) {
      INGOT_ASSIGN_OR_RETURN(now, emitter.ApplyOne("aten::mean.dim", {T(wide), dims}));
    }
    INGOT_ASSIGN_OR_RETURN(trained.running_mean, Moved(emitter, TensorArg(args, 3), now, momentum));
  }
  if (!IsNone(args, 4)) {
    INGOT_ASSIGN_OR_RETURN(const TensorId unbiased,
                           emitter.ApplyOne("aten::var.correction", {T(wide), dims, int64_t{1}}));
    INGOT_ASSIGN_OR_RETURN(trained.running_var,
                           Moved(emitter, TensorArg(args, 4), unbiased, momentum));
  }
  return trained;
}

Result BatchNorm(Emitter& emitter, const OpSignature& op, Operands args) {
  const ir::TensorType& input = emitter.type(TensorArg(args, 0));
  if (input.NumElements() == 0 && input.rank() < 2)  // no channels, nothing to normalise
    return emitter.Apply("aten::clone", {args[0]});
  const bool has_statistics = !IsNone(args, 3) && !IsNone(args, 4);
  if (!std::get<bool>(args[5]) && has_statistics) return emitter.ApplyAsIs(op, std::move(args));
  INGOT_ASSIGN_OR_RETURN(
      const Trained trained,
      TrainBatchNorm(emitter, args, std::get<double>(args[6]), std::get<double>(args[7])));
  if (trained.running_mean != kNoTensor)
    INGOT_RETURN_IF_ERROR(emitter.Overwrite(TensorArg(args, 3), trained.running_mean));
  if (trained.running_var != kNoTensor)
    INGOT_RETURN_IF_ERROR(emitter.Overwrite(TensorArg(args, 4), trained.running_var));
  return Tensors{trained.output};
}

// The native forms return what only the backward half of training needs; its use is refused.
Tensors WithUnused(TensorId output, size_t unused) {
  Tensors results = {output};
  results.resize(1 + unused, kNoTensor);
  return results;
}

// `output`, and what else the op returns, from the op itself: a node that goes again if nothing
// uses its results.
Result WithTheRest(Emitter& emitter, const OpSignature& op, Operands args, TensorId output,
                   size_t rest) {
  absl::StatusOr<Tensors> results = emitter.ApplyAsIs(op, std::move(args));
  if (!results.ok() || results->size() != 1 + rest) return WithUnused(output, rest);
  (*results)[0] = output;
  return results;
}

// Output, mean and 1 / deviation, as training saves them; _batch_norm_with_update also reserves
// memory, none of it here.
Result WithSaved(Emitter& emitter, const OpSignature& op, const Trained& trained, double eps) {
  INGOT_ASSIGN_OR_RETURN(const TensorId shifted,
                         emitter.ApplyOne("aten::add.Scalar", {T(trained.variance), eps}));
  INGOT_ASSIGN_OR_RETURN(const TensorId inverse, emitter.ApplyOne("aten::rsqrt", {T(shifted)}));
  Tensors results = {trained.output, trained.mean, inverse};
  if (absl::StrContains(op.schema.op, "with_update")) {
    INGOT_ASSIGN_OR_RETURN(HostConstant none, Filled({ir::DType::kUInt8, {0}}, int64_t{0}));
    results.push_back(emitter.Constant(std::move(none)));
  }
  return results;
}

// In evaluation the file has nothing for what training saves: tensors without elements.
Result WithEmpty(Emitter& emitter, TensorId output, size_t saved) {
  Tensors results = WithUnused(output, saved);
  for (size_t i = 1; i <= saved && i < emitter.expected().size(); ++i) {
    const auto& layout = emitter.expected()[i];
    if (!layout || layout->type.NumElements() != 0) continue;
    INGOT_ASSIGN_OR_RETURN(HostConstant none, Filled(layout->type, int64_t{0}));
    results[i] = emitter.Constant(std::move(none));
  }
  return results;
}

Result NativeBatchNorm(Emitter& emitter, const OpSignature& op, Operands args) {
  const bool functional = absl::EndsWith(op.schema.op, "functional");
  const int training_at = op.schema.Find("training");
  const bool training =
      absl::StrContains(op.schema.op, "with_update") ||
      (training_at >= 0 && std::get<bool>(args[static_cast<size_t>(training_at)]));
  const double momentum = std::get<double>(Named(op, args, "momentum"));
  const double eps = std::get<double>(Named(op, args, "eps"));
  if (!training) {
    INGOT_ASSIGN_OR_RETURN(
        const TensorId output,
        emitter.ApplyOne("aten::batch_norm", {args[0], args[1], args[2], args[3], args[4], false,
                                              momentum, eps, false}));
    INGOT_ASSIGN_OR_RETURN(Tensors results, WithEmpty(emitter, output, 2));
    if (functional) results.insert(results.end(), {TensorArg(args, 3), TensorArg(args, 4)});
    return results;
  }
  INGOT_ASSIGN_OR_RETURN(const Trained trained, TrainBatchNorm(emitter, args, momentum, eps));
  INGOT_ASSIGN_OR_RETURN(Tensors results, WithSaved(emitter, op, trained, eps));
  if (functional) {
    results.insert(results.end(), {trained.running_mean, trained.running_var});
  } else {
    if (trained.running_mean != kNoTensor)
      INGOT_RETURN_IF_ERROR(emitter.Overwrite(TensorArg(args, 3), trained.running_mean));
    if (trained.running_var != kNoTensor)
      INGOT_RETURN_IF_ERROR(emitter.Overwrite(TensorArg(args, 4), trained.running_var));
  }
  return results;
}

// Without running statistics, the batch's own count.
Result BatchNormWithoutStatistics(Emitter& emitter, const OpSignature& op, Operands args) {
  args.insert(args.begin() + 3, 2, ir::None{});
  const double eps = std::get<double>(args.back());
  INGOT_ASSIGN_OR_RETURN(
      const Trained trained,
      TrainBatchNorm(emitter, args, std::get<double>(args[args.size() - 2]), eps));
  return WithSaved(emitter, op, trained, eps);
}

Result NativeLayerNorm(Emitter& emitter, const OpSignature& op, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const TensorId output, emitter.ApplyOne("aten::layer_norm", args));
  return WithTheRest(emitter, op, std::move(args), output, 2);
}

// input, weight, bias, N, C, HxW, group, eps
Result NativeGroupNorm(Emitter& emitter, const OpSignature& op, Operands args) {
  INGOT_ASSIGN_OR_RETURN(
      const TensorId output,
      emitter.ApplyOne("aten::group_norm", {args[0], args[6], args[1], args[2], args[7]}));
  return WithTheRest(emitter, op, std::move(args), output, 2);
}

// Running statistics move to the mean of the instances' own.
absl::Status MoveInstanceStatistics(Emitter& emitter, const Operands& args) {
  const TensorId input = TensorArg(args, 0);
  const double momentum = std::get<double>(args[6]);
  Ints places;
  for (int64_t d = 2; d < emitter.type(input).rank(); ++d) places.push_back(d);
  const auto move = [&](size_t at, const char* op, Operands statistics) -> absl::Status {
    if (IsNone(args, at)) return absl::OkStatus();
    INGOT_ASSIGN_OR_RETURN(const TensorId each, emitter.ApplyOne(op, std::move(statistics)));
    INGOT_ASSIGN_OR_RETURN(const TensorId mean,
                           emitter.ApplyOne("aten::mean.dim", {T(each), Ints{0}}));
    INGOT_ASSIGN_OR_RETURN(const TensorId moved,
                           Moved(emitter, TensorArg(args, at), mean, momentum));
    return emitter.Overwrite(TensorArg(args, at), moved);
  };
  INGOT_RETURN_IF_ERROR(move(3, "aten::mean.dim", {args[0], places}));
  return move(4, "aten::var.correction", {args[0], places, int64_t{1}});
}

// With its own statistics, each channel is a group.
Result InstanceNorm(Emitter& emitter, const OpSignature& op, Operands args) {
  const TensorId input = TensorArg(args, 0);
  if (!std::get<bool>(args[5])) {
    return emitter.Apply("aten::batch_norm", {args[0], args[1], args[2], args[3], args[4], false,
                                              args[6], args[7], false});
  }
  if (emitter.type(input).rank() < 3)
    return absl::UnimplementedError(
        absl::StrCat(op.schema.op, " needs places beside the channels"));
  INGOT_RETURN_IF_ERROR(MoveInstanceStatistics(emitter, args));
  return emitter.Apply("aten::group_norm",
                       {args[0], emitter.type(input).dims[1], args[1], args[2], args[7]});
}

// --- Dropout ---

Result Dropout(Emitter& emitter, const OpSignature& op, Operands args) {
  const bool drops = std::get<bool>(args[2]) && std::get<double>(args[1]) != 0;
  if (!drops) return Tensors{TensorArg(args, 0)};
  return emitter.ApplyAsIs(op, std::move(args));
}

Result NativeDropout(Emitter&, const OpSignature& op, Operands args) {
  const auto* train = std::get_if<bool>(&args[2]);
  if (train == nullptr || *train)
    return absl::UnimplementedError(
        absl::StrCat(op.schema.op, " in training is not supported: export with dropout itself"));
  return WithUnused(TensorArg(args, 0), 1);
}

// --- Pooling, padding, resizing ---

Result MaxPoolWithIndices(Emitter& emitter, const OpSignature& op, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const TensorId output, emitter.ApplyOne("aten::max_pool2d", args));
  return WithTheRest(emitter, op, std::move(args), output, 1);
}

// Each side is what lies at the other end; negative sizes cut off first.
Result PadCircular(Emitter& emitter, TensorId self, const Ints& pad) {
  Steps s(emitter);
  Ints sizes = SizesOf(emitter, self);
  if (pad.size() > 2 * sizes.size()) return absl::InvalidArgumentError("padding: too many sides");
  const auto slice = [&](int64_t dim, int64_t begin, int64_t end) {
    return s("aten::slice.Tensor", {T(self), dim, begin, end, int64_t{1}});
  };
  for (size_t i = 0; 2 * i < pad.size(); ++i) {
    const int64_t dim = std::ssize(sizes) - 1 - static_cast<int64_t>(i);
    int64_t size = sizes[static_cast<size_t>(dim)];
    const int64_t left = pad[2 * i], right = pad[2 * i + 1];
    if (left < 0 || right < 0) {
      const int64_t begin = std::max<int64_t>(-left, 0), end = size - std::max<int64_t>(-right, 0);
      if (begin > end) return absl::InvalidArgumentError("padding cuts off more than there is");
      self = slice(dim, begin, end);
      size = end - begin;
    }
    if (std::max(left, right) > size)
      return absl::InvalidArgumentError("circular padding is larger than what it repeats");
    TensorListOperand parts;
    if (left > 0) parts.ids.push_back(slice(dim, size - left, size));
    parts.ids.push_back(self);
    if (right > 0) parts.ids.push_back(slice(dim, 0, right));
    if (parts.ids.size() > 1) self = s("aten::cat", {parts, dim});
  }
  return s.Results({self});
}

Result Pad(Emitter& emitter, const OpSignature&, Operands args) {
  const auto& mode = std::get<std::string>(args[2]);
  const Ints& pad = std::get<Ints>(args[1]);
  if (mode == "constant") {
    const Operand value = IsNone(args, 3) ? Operand(0.0) : args[3];
    return emitter.Apply("aten::constant_pad_nd", {args[0], pad, value});
  }
  if (mode == "circular" && pad.size() % 2 == 0)
    return PadCircular(emitter, TensorArg(args, 0), pad);
  const char* const kind = mode == "reflect"     ? "reflection"
                           : mode == "replicate" ? "replication"
                                                 : nullptr;
  if (kind == nullptr || pad.size() % 2 != 0)
    return absl::UnimplementedError(absl::StrCat("padding \"", mode, "\" is not supported"));
  return emitter.Apply(absl::StrCat("aten::", kind, "_pad", pad.size() / 2, "d"), {args[0], pad});
}

// upsample_*.vec: sizes, or factors for all spatial dimensions.
Result Upsample(Emitter& emitter, const OpSignature& op, Operands args) {
  const ir::Dims& dims = emitter.type(TensorArg(args, 0)).dims;
  const std::string name = op.schema.op.substr(0, op.schema.op.find('.'));
  // The last digit: "upsample_linear1d".
  const auto spatial = static_cast<size_t>(name[name.size() - 2] - '0');
  if (dims.size() != spatial + 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(op.schema.op, " needs a tensor of ", spatial + 2, " dimensions"));
  }
  Operands call = {args[0], Operand(Ints())};
  if (op.schema.Find("align_corners") >= 0) call.push_back(Named(op, args, "align_corners"));
  if (!IsNone(args, 1)) {
    call[1] = std::get<Ints>(args[1]);
    call.resize(call.size() + spatial, ir::None{});
  } else {
    const auto* factors = std::get_if<std::vector<double>>(&args.back());
    if (factors == nullptr || factors->size() != spatial)
      return absl::InvalidArgumentError(absl::StrCat(op.schema.op, " needs sizes or factors"));
    Ints sizes;
    for (size_t d = 0; d < spatial; ++d) {
      sizes.push_back(static_cast<int64_t>(static_cast<double>(dims[d + 2]) * (*factors)[d]));
      call.emplace_back((*factors)[d]);
    }
    call[1] = std::move(sizes);
  }
  return emitter.Apply(name, std::move(call));
}

// --- Others ---

// glu(a, b) = a * sigmoid(b), the halves along dim.
Result Glu(Emitter& emitter, const OpSignature&, Operands args) {
  INGOT_ASSIGN_OR_RETURN(const Tensors halves,
                         emitter.Apply("aten::chunk", {args[0], int64_t{2}, args[1]}));
  if (halves.size() != 2) return absl::InvalidArgumentError("aten::glu halves an odd size");
  INGOT_ASSIGN_OR_RETURN(const TensorId gate, emitter.ApplyOne("aten::sigmoid", {T(halves[1])}));
  return emitter.Apply("aten::mul.Tensor", {T(halves[0]), T(gate)});
}

// A constant mask that lets everything through is none: models make one where nothing is masked.
Result Attention(Emitter& emitter, const OpSignature& op, Operands args) {
  const auto* mask = std::get_if<TensorOperand>(&args[3]);
  if (mask != nullptr && emitter.memory().IsConstant(mask->id) &&
      emitter.type(mask->id).dtype == ir::DType::kBool &&
      emitter.type(mask->id).NumElements() <= kMaxElements) {
    INGOT_ASSIGN_OR_RETURN(const HostConstant contents, emitter.memory().Contents(mask->id));
    const auto count = static_cast<size_t>(contents.type.NumElements());
    if (std::memchr(contents.data, 0, count) == nullptr) args[3] = ir::None{};
  }
  return emitter.ApplyAsIs(op, std::move(args));
}

Result FlashAttention(Emitter& emitter, const OpSignature&, Operands args) {
  INGOT_ASSIGN_OR_RETURN(
      const TensorId output,
      emitter.ApplyOne("aten::scaled_dot_product_attention",
                       {args[0], args[1], args[2], args[5], args[3], args[4], args[6], false}));
  return WithUnused(output, 1);
}

constexpr RewriteRow kRows[] = {
    {"aten::conv1d", Convolution, "convolution"},
    {"aten::conv2d", Convolution, "convolution"},
    {"aten::conv3d", Convolution, "convolution"},
    {"aten::conv1d.padding", Convolution, "convolution, constant_pad_nd"},
    {"aten::conv2d.padding", Convolution, "convolution, constant_pad_nd"},
    {"aten::conv3d.padding", Convolution, "convolution, constant_pad_nd"},
    {"aten::conv_transpose1d", Convolution, "convolution"},
    {"aten::conv_transpose2d.input", Convolution, "convolution"},
    {"aten::conv_transpose3d.input", Convolution, "convolution"},
    {"aten::_convolution", InnerConvolution, "convolution"},
    {"aten::batch_norm", BatchNorm, "itself; in training mean.dim, var.correction and updates"},
    {"aten::native_batch_norm", NativeBatchNorm, "batch_norm"},
    {"aten::_batch_norm_with_update", NativeBatchNorm, "mean.dim, var.correction, batch_norm"},
    {"aten::_native_batch_norm_legit", NativeBatchNorm, "batch_norm"},
    {"aten::_native_batch_norm_legit_functional", NativeBatchNorm, "batch_norm"},
    {"aten::_native_batch_norm_legit_no_training", NativeBatchNorm, "batch_norm"},
    {"aten::_native_batch_norm_legit.no_stats", BatchNormWithoutStatistics,
     "mean.dim, var.correction, batch_norm"},
    {"aten::native_layer_norm", NativeLayerNorm, "layer_norm"},
    {"aten::native_group_norm", NativeGroupNorm, "group_norm"},
    {"aten::instance_norm", InstanceNorm, "group_norm or batch_norm"},
    {"aten::dropout", Dropout, "its argument, unless in training"},
    {"aten::dropout_", Dropout, "its argument, unless in training"},
    {"aten::alpha_dropout", Dropout, "its argument, unless in training"},
    {"aten::feature_dropout", Dropout, "its argument, unless in training"},
    {"aten::feature_alpha_dropout", Dropout, "its argument, unless in training"},
    {"aten::native_dropout", NativeDropout, "its argument"},
    {"aten::max_pool2d_with_indices", MaxPoolWithIndices, "max_pool2d"},
    {"aten::pad", Pad, "constant_pad_nd"},
    {"aten::_upsample_nearest_exact1d.vec", Upsample, "_upsample_nearest_exact1d"},
    {"aten::_upsample_nearest_exact2d.vec", Upsample, "_upsample_nearest_exact2d"},
    {"aten::_upsample_nearest_exact3d.vec", Upsample, "_upsample_nearest_exact3d"},
    {"aten::upsample_bicubic2d.vec", Upsample, "upsample_bicubic2d"},
    {"aten::upsample_linear1d.vec", Upsample, "upsample_linear1d"},
    {"aten::upsample_nearest1d.vec", Upsample, "upsample_nearest1d"},
    {"aten::upsample_nearest3d.vec", Upsample, "upsample_nearest3d"},
    {"aten::upsample_trilinear3d.vec", Upsample, "upsample_trilinear3d"},
    {"aten::upsample_bilinear2d.vec", Upsample, "upsample_bilinear2d"},
    {"aten::upsample_nearest2d.vec", Upsample, "upsample_nearest2d"},
    {"aten::glu", Glu, "chunk, sigmoid, mul.Tensor"},
    {"aten::scaled_dot_product_attention", Attention, "itself, without a mask that masks nothing"},
    {"aten::_scaled_dot_product_flash_attention_for_cpu", FlashAttention,
     "scaled_dot_product_attention"},
};

}  // namespace

absl::Span<const RewriteRow> NetworkRewrites() { return kRows; }

}  // namespace ingot::pt2
