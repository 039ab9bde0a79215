// Attention and softmax, in double.
#include <limits>

#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Rounds to a dtype: what eager's cast of the operand to `dtype` does.
double RoundTo(ir::DType dtype, double value) {
  double rounded = 0;
  VisitElement(dtype, [&](auto tag) { rounded = Convert<double>(Convert<decltype(tag)>(value)); });
  return rounded;
}

// Along one row of n elements that are `stride` apart: e^(x - max) / sum, or x - max - log(sum).
template <bool kLog>
void SoftmaxRow(const ConstTensor& in, const Tensor& out, int64_t offset, int64_t stride,
                int64_t n) {
  const auto each = [&](auto&& fn) {
    for (int64_t i = 0; i < n; ++i) {
      fn(offset + i * stride, RoundTo(out.dtype, Load<double>(in, offset + i * stride)));
    }
  };
  double greatest = -kInfinity, sum = 0;
  each([&](int64_t, double x) {
    if (x > greatest || std::isnan(x)) greatest = x;
  });
  each([&](int64_t, double x) { sum += std::exp(x - greatest); });
  each([&](int64_t at, double x) {
    Store(kLog ? x - greatest - std::log(sum) : std::exp(x - greatest) / sum, out, at);
  });
}

template <bool kLog>
absl::Status RunSoftmax(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Axis axis = AxisOf(in.dims, context.op().Int("dim"));
  for (int64_t row = 0; row < axis.outer * axis.inner; ++row) {
    const int64_t offset = row / axis.inner * axis.size * axis.inner + row % axis.inner;
    SoftmaxRow<kLog>(in, context.Out(), offset, axis.inner, axis.size);
  }
  return absl::OkStatus();
}

struct Attention {
  ConstTensor query, key, value, mask;
  bool causal, has_mask;
  int64_t length, source, width, value_width;
  double scale;
  double *scores, *row, *sums;  // scratch: source, width and value_width elements

  explicit Attention(const KernelContext& context)
      : query(context.In("query")), key(context.In("key")), value(context.In("value")) {
    causal = context.op().Bool("is_causal");
    has_mask = context.op().Has("attn_mask");
    if (has_mask) mask = context.In("attn_mask");
    length = query.dims[query.rank() - 2];
    source = key.dims[key.rank() - 2];
    width = query.dims.back();
    value_width = value.dims.back();
    scale = context.op().FloatOr("scale", 1 / std::sqrt(static_cast<double>(width)));
    scores = context.Scratch<double>();
    row = scores + source;
    sums = row + width;
  }

  double Score(int64_t key_at, int64_t j) const {
    double dot = 0;
    const double* q = row;
    ForEachRun<double>(key, key_at + j * width, 1, width, [&](const double* k, int64_t n) {
      for (int64_t e = 0; e < n; ++e) dot += q[e] * k[e];
      q += n;
    });
    return dot * scale;
  }

  // What the mask adds to the score: 0 or -inf for a bool mask.
  double Masked(double score, int64_t mask_at) const {
    const double m = Load<double>(mask, mask_at);
    if (mask.dtype == ir::DType::kBool) return m != 0 ? score : -kInfinity;
    return score + m;
  }

  // One query row: scores, softmax, and the sum of the values by these weights. A row that is
  // masked as a whole has no weights: its result is 0.
  void Row(int64_t i, int64_t key_at, int64_t value_at, int64_t mask_at, int64_t mask_stride,
           const Tensor& out, int64_t out_at) const {
    double greatest = -kInfinity, total = 0;
    for (int64_t j = 0; j < source; ++j) {
      scores[j] = causal && j > i ? -kInfinity : Score(key_at, j);
      if (has_mask) scores[j] = Masked(scores[j], mask_at + j * mask_stride);
      if (scores[j] > greatest || std::isnan(scores[j])) greatest = scores[j];
    }
    std::fill_n(sums, value_width, 0.0);
    if (greatest != -kInfinity) {
      for (int64_t j = 0; j < source; ++j) total += scores[j] = std::exp(scores[j] - greatest);
      for (int64_t j = 0; j < source; ++j) {
        double* sum = sums;
        const double weight = scores[j] / total;
        ForEachRun<double>(value, value_at + j * value_width, 1, value_width,
                           [&](const double* v, int64_t n) {
                             for (int64_t e = 0; e < n; ++e) sum[e] += weight * v[e];
                             sum += n;
                           });
      }
    }
    StoreRun(sums, value_width, out, out_at, 1);
  }
};

// The matrix of `tensor` that serves batch element `index` of sizes `batch`. Grouped heads (the
// last batch dimension): each serves as many neighbouring query heads as there are more of them.
int64_t MatrixOffset(const ConstTensor& tensor, absl::Span<const int64_t> batch, int64_t index) {
  const int own = tensor.rank() - 2;
  int64_t matrix = 0, stride = 1;
  for (int d = static_cast<int>(batch.size()) - 1; d >= 0; --d) {
    const int64_t place = index % batch[d];
    index /= batch[d];
    const int own_d = d - static_cast<int>(batch.size()) + own;
    if (own_d < 0) continue;
    const int64_t size = tensor.dims[own_d];
    matrix += (size == 1 ? 0 : place / (batch[d] / size)) * stride;
    stride *= size;
  }
  return matrix * tensor.dims[own] * tensor.dims[own + 1];
}

absl::Status RunAttention(const KernelContext& context) {
  const Attention attention(context);
  const Tensor out = context.Out();
  if (out.NumElements() == 0) return absl::OkStatus();
  const absl::Span<const int64_t> batch = out.dims.first(out.rank() - 2);
  Layout mask_layout;
  if (attention.has_mask) {
    ir::Dims scores(batch.begin(), batch.end());
    scores.push_back(attention.length);
    scores.push_back(attention.source);
    mask_layout = BroadcastLayout(attention.mask.dims, scores);
  }
  const int64_t batches = Product(batch);
  for (int64_t b = 0; b < batches; ++b) {
    const int64_t query_at = MatrixOffset(attention.query, batch, b);
    const int64_t key_at = MatrixOffset(attention.key, batch, b);
    const int64_t value_at = MatrixOffset(attention.value, batch, b);
    int64_t mask_at = 0, mask_step = 0, mask_stride = 0;
    if (attention.has_mask) {
      int64_t rest = b;
      for (int d = static_cast<int>(batch.size()) - 1; d >= 0; --d) {
        mask_at += rest % batch[d] * mask_layout.strides[d];
        rest /= batch[d];
      }
      mask_step = mask_layout.strides[batch.size()];
      mask_stride = mask_layout.strides[batch.size() + 1];
    }
    for (int64_t i = 0; i < attention.length; ++i) {
      LoadRun(attention.query, query_at + i * attention.width, 1, attention.width, attention.row);
      attention.Row(i, key_at, value_at, mask_at + i * mask_step, mask_stride, out,
                    (b * attention.length + i) * attention.value_width);
    }
  }
  return absl::OkStatus();
}

int64_t AttentionScratch(const ops::OpView& op) {
  const ir::Dims& key = op.TensorType("key").dims;
  return 8 * (key[key.size() - 2] + key.back() + op.TensorType("value").dims.back());
}

}  // namespace

std::vector<Kernel> AttentionKernels() {
  return {
      {"aten::scaled_dot_product_attention", RunAttention, AttentionScratch},
      {"aten::softmax.int", RunSoftmax<false>},
      {"aten::_softmax", RunSoftmax<false>},
      {"aten::log_softmax.int", RunSoftmax<true>},
      {"aten::_log_softmax", RunSoftmax<true>},
  };
}

}  // namespace ingot::reference
