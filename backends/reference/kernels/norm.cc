// Normalisations. Statistics in double, in two passes: the mean, then the squared distances from
// it.
#include <limits>

#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

struct Statistics {
  double mean = 0, variance = 0, mean_square = 0;
};

// Of the n elements from `offset` on.
Statistics StatisticsOf(const ConstTensor& x, int64_t offset, int64_t n) {
  Statistics s;
  double sum = 0, distances = 0, squares = 0;
  ForEachRun<double>(x, offset, 1, n, [&](const double* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      sum += values[i];
      squares += values[i] * values[i];
    }
  });
  s.mean = sum / static_cast<double>(n);
  ForEachRun<double>(x, offset, 1, n, [&](const double* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) distances += (values[i] - s.mean) * (values[i] - s.mean);
  });
  s.variance = distances / static_cast<double>(n);
  s.mean_square = squares / static_cast<double>(n);
  return s;
}

// out[i] = (x[i] - shift) * scale for n elements, times weight, plus bias; fn(i, value) applies
// these two.
template <typename Fn>
void ScaleRun(const ConstTensor& x, const Tensor& out, int64_t offset, int64_t n, double shift,
              double scale, Fn&& fn) {
  double row[kRun];
  for (int64_t i = 0; i < n; i += kRun) {
    const int64_t count = std::min(kRun, n - i);
    LoadRun(x, offset + i, 1, count, row);
    for (int64_t j = 0; j < count; ++j) row[j] = fn(i + j, (row[j] - shift) * scale);
    StoreRun(row, count, out, offset + i, 1);
  }
}

// A tensor argument that may be absent, read element by element.
class Parameter {
 public:
  Parameter(const KernelContext& context, const char* name, double fallback)
      : fallback_(fallback), given_(context.op().Has(name)) {
    if (given_) tensor_ = context.In(name);
  }
  double At(int64_t i) const { return given_ ? Load<double>(tensor_, i) : fallback_; }

 private:
  const double fallback_;
  const bool given_;
  ConstTensor tensor_;
};

// The further results of the native_ forms: mean and 1 / sqrt(variance + eps) of group `k`.
void StoreStatistics(const KernelContext& context, const Statistics& s, double eps, int64_t k) {
  if (context.num_outputs() < 3) return;
  const auto& outputs = context.op().node().outputs;
  if (outputs[1] != ir::kNoValue) Store(s.mean, context.Out(1), k);
  if (outputs[2] != ir::kNoValue) Store(1 / std::sqrt(s.variance + eps), context.Out(2), k);
}

absl::Status RunLayerNorm(const KernelContext& context) {
  const ConstTensor x = context.In("input");
  const Parameter weight(context, "weight", 1), bias(context, "bias", 0);
  const double eps = context.op().Float("eps");
  const int64_t n = Product(context.op().Ints("normalized_shape"));
  const int64_t total = x.NumElements();
  for (int64_t offset = 0; offset < total; offset += n) {
    const Statistics s = StatisticsOf(x, offset, n);
    ScaleRun(x, context.Out(), offset, n, s.mean, 1 / std::sqrt(s.variance + eps),
             [&](int64_t i, double value) { return value * weight.At(i) + bias.At(i); });
    StoreStatistics(context, s, eps, offset / n);
  }
  return absl::OkStatus();
}

absl::Status RunRmsNorm(const KernelContext& context) {
  const ConstTensor x = context.In("input");
  const Parameter weight(context, "weight", 1);
  // Half dtypes are normalised in f32, whose epsilon is then the default.
  const double eps = context.op().FloatOr("eps", x.dtype == ir::DType::kFloat64
                                                     ? std::numeric_limits<double>::epsilon()
                                                     : std::numeric_limits<float>::epsilon());
  const int64_t n = Product(context.op().Ints("normalized_shape"));
  const int64_t total = x.NumElements();
  for (int64_t offset = 0; offset < total; offset += n) {
    const Statistics s = StatisticsOf(x, offset, n);
    ScaleRun(x, context.Out(), offset, n, 0, 1 / std::sqrt(s.mean_square + eps),
             [&](int64_t i, double value) { return value * weight.At(i); });
  }
  return absl::OkStatus();
}

absl::Status RunBatchNorm(const KernelContext& context) {
  const ConstTensor x = context.In("input");
  const Parameter weight(context, "weight", 1), bias(context, "bias", 0);
  const Parameter mean(context, "running_mean", 0), variance(context, "running_var", 1);
  const double eps = context.op().Float("eps");
  const Axis axis = AxisOf(x.dims, 1);
  for (int64_t row = 0; row < axis.outer * axis.size; ++row) {
    const int64_t c = row % axis.size;
    const double scale = 1 / std::sqrt(variance.At(c) + eps);
    ScaleRun(x, context.Out(), row * axis.inner, axis.inner, mean.At(c), scale,
             [&](int64_t, double value) { return value * weight.At(c) + bias.At(c); });
  }
  return absl::OkStatus();
}

absl::Status RunGroupNorm(const KernelContext& context) {
  const ConstTensor x = context.In("input");
  const Parameter weight(context, "weight", 1), bias(context, "bias", 0);
  const double eps = context.op().Float("eps");
  const Axis axis = AxisOf(x.dims, 1);
  const bool native = context.op().def().schema.Find("group") >= 0;
  const int64_t groups = context.op().Int(native ? "group" : "num_groups");
  const int64_t channels = axis.size / groups;
  const int64_t n = channels * axis.inner;
  if (n == 0) return absl::OkStatus();
  for (int64_t row = 0; row < axis.outer * groups; ++row) {
    const Statistics s = StatisticsOf(x, row * n, n);
    const int64_t first = row % groups * channels;
    ScaleRun(x, context.Out(), row * n, n, s.mean, 1 / std::sqrt(s.variance + eps),
             [&](int64_t i, double value) {
               const int64_t c = first + i / axis.inner;
               return value * weight.At(c) + bias.At(c);
             });
    StoreStatistics(context, s, eps, row);
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> NormKernels() {
  return {
      {"aten::layer_norm", RunLayerNorm},        {"aten::native_layer_norm", RunLayerNorm},
      {"aten::native_group_norm", RunGroupNorm}, {"aten::rms_norm", RunRmsNorm},
      {"aten::batch_norm", RunBatchNorm},        {"aten::group_norm", RunGroupNorm},
  };
}

}  // namespace ingot::reference
