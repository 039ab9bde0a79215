// Walks over windows in the last one to three dimensions: what pooling and resampling share.
#ifndef INGOT_BACKENDS_REFERENCE_KERNELS_POOLING_H_
#define INGOT_BACKENDS_REFERENCE_KERNELS_POOLING_H_

#include <algorithm>
#include <array>

#include "backends/reference/kernel.h"

namespace ingot::reference {

// One to three spatial dimensions, completed to three by sizes of 1 in front.
using Three = std::array<int64_t, 3>;

inline Three LastDims(absl::Span<const int64_t> dims, int spatial) {
  Three three = {1, 1, 1};
  std::copy(dims.end() - spatial, dims.end(), three.end() - spatial);
  return three;
}

inline Three Parameter(absl::Span<const int64_t> list, int spatial, int64_t neutral) {
  Three three = {neutral, neutral, neutral};
  for (int i = 0; i < spatial; ++i) three[3 - spatial + i] = list[list.size() == 1 ? 0 : i];
  return three;
}

// The input places of one window along one dimension: `step` apart, `begin` to before `end`, all
// inside.
struct Range {
  int64_t begin = 0, end = 0, step = 1;
  int64_t padded = 0;  // places, with those in the padding
};

struct Pooling {
  int spatial;
  Three in, out;
  ConstTensor input;
  Tensor output;

  Pooling(const KernelContext& context, int spatial)
      : spatial(spatial),
        in(LastDims(context.In("self").dims, spatial)),
        out(LastDims(context.Out().dims, spatial)),
        input(context.In("self")),
        output(context.Out()) {}

  // Calls fn(result offset, input plane offset, three ranges) for each result element.
  template <typename RangeFn, typename Fn>
  void ForEachWindow(RangeFn&& range, Fn&& fn) const {
    const int64_t in_plane = in[0] * in[1] * in[2], out_plane = out[0] * out[1] * out[2];
    if (out_plane == 0) return;
    const int64_t planes = output.NumElements() / out_plane;
    int64_t at = 0;
    for (int64_t plane = 0; plane < planes; ++plane) {
      for (int64_t z = 0; z < out[0]; ++z) {
        for (int64_t y = 0; y < out[1]; ++y) {
          for (int64_t x = 0; x < out[2]; ++x) {
            const std::array<Range, 3> ranges = {range(0, z), range(1, y), range(2, x)};
            fn(at++, plane * in_plane, ranges);
          }
        }
      }
    }
  }

  // Calls fn(value) for each element of a window.
  template <typename A, typename Fn>
  void ForEachElement(int64_t plane, const std::array<Range, 3>& r, Fn&& fn) const {
    for (int64_t z = r[0].begin; z < r[0].end; z += r[0].step) {
      for (int64_t y = r[1].begin; y < r[1].end; y += r[1].step) {
        for (int64_t x = r[2].begin; x < r[2].end; x += r[2].step) {
          fn(Load<A>(input, plane + (z * in[1] + y) * in[2] + x));
        }
      }
    }
  }
};

// Fixed windows: kernel_size, stride, padding and dilation.
struct Windows {
  Three kernel, stride, padding, dilation;

  Windows(const ops::OpView& op, int spatial)
      : kernel(Parameter(op.Ints("kernel_size"), spatial, 1)),
        stride(Parameter(op.Ints("stride").empty() ? op.Ints("kernel_size") : op.Ints("stride"),
                         spatial, 1)),
        padding(Parameter(op.Ints("padding"), spatial, 0)),
        dilation({1, 1, 1}) {
    if (op.def().schema.Find("dilation") >= 0)
      dilation = Parameter(op.Ints("dilation"), spatial, 1);
  }

  Range At(const Pooling& p, int d, int64_t o) const {
    Range r;
    r.step = dilation[d];
    r.begin = o * stride[d] - padding[d];
    r.end = r.begin + (kernel[d] - 1) * dilation[d] + 1;
    r.padded = std::min(r.end, p.in[d] + padding[d]) - r.begin;
    if (r.begin < 0) r.begin += (-r.begin + r.step - 1) / r.step * r.step;
    r.end = std::min(r.end, p.in[d]);
    return r;
  }
};

}  // namespace ingot::reference

#endif  // INGOT_BACKENDS_REFERENCE_KERNELS_POOLING_H_
