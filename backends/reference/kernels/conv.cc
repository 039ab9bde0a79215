// Convolutions by the definition, one result element after another.
#include <array>

#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

// One to three spatial dimensions, completed to three by sizes of 1 in front.
using Three = std::array<int64_t, 3>;

Three SpatialOf(absl::Span<const int64_t> dims) {
  Three three = {1, 1, 1};
  std::copy(dims.begin() + 2, dims.end(), three.end() - (dims.size() - 2));
  return three;
}

// int[] arguments: one entry stands for all.
Three Parameter(absl::Span<const int64_t> list, int spatial, int64_t neutral) {
  Three three = {neutral, neutral, neutral};
  for (int i = 0; i < spatial; ++i) three[3 - spatial + i] = list[list.size() == 1 ? 0 : i];
  return three;
}

struct Convolution {
  Three in, out, kernel, stride, padding, dilation;
  bool transposed;
  int64_t batch, in_channels, out_channels, groups;

  explicit Convolution(const KernelContext& context) {
    const ConstTensor input = context.In("input");
    const int spatial = input.rank() - 2;
    in = SpatialOf(input.dims);
    out = SpatialOf(context.Out().dims);
    kernel = SpatialOf(context.In("weight").dims);
    stride = Parameter(context.op().Ints("stride"), spatial, 1);
    padding = Parameter(context.op().Ints("padding"), spatial, 0);
    dilation = Parameter(context.op().Ints("dilation"), spatial, 1);
    transposed = context.op().Bool("transposed");
    batch = input.dims[0];
    in_channels = input.dims[1];
    out_channels = context.Out().dims[1];
    groups = context.op().Int("groups");
  }

  // The input place that kernel element k touches for result place o along dimension d, or -1.
  int64_t Source(int d, int64_t o, int64_t k) const {
    int64_t at;
    if (transposed) {
      const int64_t scaled = o + padding[d] - k * dilation[d];
      if (scaled % stride[d] != 0) return -1;
      at = scaled / stride[d];
    } else {
      at = o * stride[d] - padding[d] + k * dilation[d];
    }
    return at >= 0 && at < in[d] ? at : -1;
  }

  // Offset of weight[·,·,0,0,0] between input channel `ic` and result channel `oc` of one group.
  int64_t WeightOffset(int64_t group, int64_t ic, int64_t oc) const {
    const int64_t taps = kernel[0] * kernel[1] * kernel[2];
    const int64_t ins = in_channels / groups, outs = out_channels / groups;
    if (transposed) return ((group * ins + ic) * outs + oc) * taps;
    return ((group * outs + oc) * ins + ic) * taps;
  }
};

// The sum over one input channel's kernel window for the result place (z, y, x).
template <typename T, typename A>
A Window(const Convolution& c, const T* input, const T* weight, const Three& place) {
  A sum = 0;
  for (int64_t kz = 0; kz < c.kernel[0]; ++kz) {
    const int64_t z = c.Source(0, place[0], kz);
    if (z < 0) continue;
    for (int64_t ky = 0; ky < c.kernel[1]; ++ky) {
      const int64_t y = c.Source(1, place[1], ky);
      if (y < 0) continue;
      const T* row = input + (z * c.in[1] + y) * c.in[2];
      const T* taps = weight + (kz * c.kernel[1] + ky) * c.kernel[2];
      for (int64_t kx = 0; kx < c.kernel[2]; ++kx) {
        const int64_t x = c.Source(2, place[2], kx);
        if (x >= 0) sum = Plus(sum, Times(Convert<A>(row[x]), Convert<A>(taps[kx])));
      }
    }
  }
  return sum;
}

template <typename T, typename A>
void Convolve(const Convolution& c, const T* input, const T* weight, const T* bias, T* out) {
  const int64_t in_plane = c.in[0] * c.in[1] * c.in[2];
  const int64_t ins = c.in_channels / c.groups, outs = c.out_channels / c.groups;
  for (int64_t n = 0; n < c.batch; ++n) {
    for (int64_t channel = 0; channel < c.out_channels; ++channel) {
      const int64_t group = channel / outs, oc = channel % outs;
      Three at;
      for (at[0] = 0; at[0] < c.out[0]; ++at[0]) {
        for (at[1] = 0; at[1] < c.out[1]; ++at[1]) {
          for (at[2] = 0; at[2] < c.out[2]; ++at[2]) {
            A sum = bias == nullptr ? A(0) : Convert<A>(bias[channel]);
            for (int64_t ic = 0; ic < ins; ++ic) {
              const T* plane = input + (n * c.in_channels + group * ins + ic) * in_plane;
              sum = Plus(sum, Window<T, A>(c, plane, weight + c.WeightOffset(group, ic, oc), at));
            }
            *out++ = Convert<T>(sum);
          }
        }
      }
    }
  }
}

absl::Status RunConvolution(const KernelContext& context) {
  const Convolution c(context);
  const bool has_bias = context.op().Has("bias");
  VisitElement(context.Out().dtype, [&](auto tag) {
    using T = decltype(tag);
    using A = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
    Convolve<T, A>(c, static_cast<const T*>(context.In("input").data),
                   static_cast<const T*>(context.In("weight").data),
                   has_bias ? static_cast<const T*>(context.In("bias").data) : nullptr,
                   static_cast<T*>(context.Out().data));
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> ConvKernels() { return {{"aten::convolution", RunConvolution}}; }

}  // namespace ingot::reference
