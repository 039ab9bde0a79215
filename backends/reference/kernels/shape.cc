// Ops that copy or drop elements without arithmetic.
#include "backends/reference/kernels/families.h"

namespace ingot::reference {
namespace {

int Wrap(int64_t dim, int rank) { return static_cast<int>(dim < 0 ? dim + rank : dim); }

// Copies each operand into its place along `dim` of the result, one after another.
absl::Status RunCat(const KernelContext& context) {
  const Tensor out = context.Out();
  const int dim = Wrap(context.op().Int("dim"), out.rank());
  Layout to = DenseLayout(out.dims);
  for (ir::ValueId id : context.op().Values("tensors")) {
    const ConstTensor in = context.Value(id);
    if (in.NumElements() == 0) continue;
    CopyElements(in, DenseLayout(in.dims), out, to, in.dims);
    to.offset += in.dims[dim] * to.strides[dim];
  }
  return absl::OkStatus();
}

absl::Status RunStack(const KernelContext& context) {
  const Tensor out = context.Out();
  const int dim = Wrap(context.op().Int("dim"), out.rank());
  Layout to = DenseLayout(out.dims);
  const int64_t step = to.strides[dim];
  to.strides.erase(to.strides.begin() + dim);
  for (ir::ValueId id : context.op().Values("tensors")) {
    const ConstTensor in = context.Value(id);
    CopyElements(in, DenseLayout(in.dims), out, to, in.dims);
    to.offset += step;
  }
  return absl::OkStatus();
}

// The result as [r0, d0, r1, d1, …], where the operand does not move along the r's.
absl::Status RunRepeat(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const absl::Span<const int64_t> repeats = context.op().Ints("repeats");
  const ir::Dims strides = ir::ContiguousStrides(in.dims);
  ir::Dims dims;
  Layout from;
  for (size_t i = 0; i < repeats.size(); ++i) {
    const int d = static_cast<int>(i) - static_cast<int>(repeats.size()) + in.rank();
    dims.push_back(repeats[i]);
    from.strides.push_back(0);
    dims.push_back(d < 0 ? 1 : in.dims[d]);
    from.strides.push_back(d < 0 ? 0 : strides[d]);
  }
  CopyElements(in, from, context.Out(), DenseLayout(dims), dims);
  return absl::OkStatus();
}

absl::Status RunPad(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Tensor out = context.Out();
  const absl::Span<const int64_t> pad = context.op().Ints("pad");
  const Number value = context.Scalar("value");
  const int64_t total = out.NumElements();
  VisitElement(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    std::fill_n(static_cast<T*>(out.data), total, value.As<T>());
  });
  Layout from = DenseLayout(in.dims), to = DenseLayout(out.dims);
  ir::Dims dims(in.dims.begin(), in.dims.end());
  for (size_t i = 0; i < pad.size() / 2; ++i) {  // negative pads crop
    const int d = in.rank() - 1 - static_cast<int>(i);
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    from.offset += std::max<int64_t>(-before, 0) * from.strides[d];
    to.offset += std::max<int64_t>(before, 0) * to.strides[d];
    dims[d] =
        std::max<int64_t>(dims[d] + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0), 0);
  }
  CopyElements(in, from, out, to, dims);
  return absl::OkStatus();
}

absl::Status RunFlip(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  Layout from = DenseLayout(in.dims);
  for (int64_t dim : context.op().Ints("dims")) {
    if (in.rank() == 0) break;
    const int d = Wrap(dim, in.rank());
    from.offset += (in.dims[d] - 1) * from.strides[d];
    from.strides[d] = -from.strides[d];
  }
  CopyElements(in, from, context.Out(), DenseLayout(in.dims), in.dims);
  return absl::OkStatus();
}

// x mod n in [0, n).
int64_t Modulo(int64_t x, int64_t n) { return (x % n + n) % n; }

absl::Status RunRoll(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Tensor out = context.Out();
  const int64_t total = in.NumElements();
  if (total == 0) return absl::OkStatus();
  absl::Span<const int64_t> dims = context.op().Ints("dims");
  const absl::Span<const int64_t> shifts = context.op().Ints("shifts");
  const ir::Dims flat = {total};
  const bool all = dims.empty();
  const ir::Dims sizes = all ? flat : ir::Dims(in.dims.begin(), in.dims.end());
  ir::Dims shift(sizes.size(), 0);
  for (size_t i = 0; i < shifts.size(); ++i) {
    int64_t& s = shift[all ? 0 : Wrap(dims[i], in.rank())];
    const int64_t n = sizes[&s - shift.data()];
    s = Modulo(s + Modulo(shifts[i], n), n);
  }
  const ir::Dims strides = ir::ContiguousStrides(sizes);
  const Layout one = {{1}, 0};
  for (int64_t at = 0; at < total; ++at) {
    int64_t rest = at, from = 0;
    for (size_t d = 0; d < sizes.size(); ++d) {
      from += Modulo(rest / strides[d] - shift[d], sizes[d]) * strides[d];
      rest %= strides[d];
    }
    CopyElements(in, {one.strides, from}, out, {one.strides, at}, {1});
  }
  return absl::OkStatus();
}

template <bool kLower>
absl::Status RunTriangle(const KernelContext& context) {
  const Tensor out = context.Out();
  CopyDense(context.In("self"), out);
  const int64_t diagonal = context.op().Int("diagonal");
  const int64_t rows = out.dims[out.rank() - 2], columns = out.dims[out.rank() - 1];
  const int64_t total = out.NumElements();
  VisitElement(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    T* data = static_cast<T*>(out.data);
    for (int64_t i = 0; i < total; ++i) {
      const int64_t distance = i % columns - i / columns % rows;
      if (kLower ? distance > diagonal : distance < diagonal) data[i] = T{};
    }
  });
  return absl::OkStatus();
}

absl::Status RunSliceScatter(const KernelContext& context) {
  const Tensor out = context.Out();
  const ConstTensor src = context.In("src");
  CopyDense(context.In("self"), out);
  const int dim = Wrap(context.op().Int("dim"), out.rank());
  int64_t start = context.op().IntOr("start", 0);
  if (start < 0) start += out.dims[dim];
  Layout to = DenseLayout(out.dims);
  to.offset = std::clamp<int64_t>(start, 0, out.dims[dim]) * to.strides[dim];
  to.strides[dim] *= std::min(context.op().Int("step"), out.dims[dim]);
  CopyElements(src, DenseLayout(src.dims), out, to, src.dims);
  return absl::OkStatus();
}

absl::Status RunSelectScatter(const KernelContext& context) {
  const Tensor out = context.Out();
  const ConstTensor src = context.In("src");
  CopyDense(context.In("self"), out);
  const int dim = Wrap(context.op().Int("dim"), out.rank());
  Layout to = DenseLayout(out.dims);
  to.offset = Wrap(context.op().Int("index"), static_cast<int>(out.dims[dim])) * to.strides[dim];
  to.strides.erase(to.strides.begin() + dim);
  CopyElements(src, DenseLayout(src.dims), out, to, src.dims);
  return absl::OkStatus();
}

// [B, C, r, r, H, W] read as [B, C, H, r, W, r].
absl::Status RunPixelShuffle(const KernelContext& context) {
  const ConstTensor in = context.In("self");
  const Tensor out = context.Out();
  const int64_t r = context.op().Int("upscale_factor");
  const int rank = in.rank();
  const int64_t channels = out.dims[rank - 3], height = in.dims[rank - 2],
                width = in.dims[rank - 1];
  const int64_t batch = Product(in.dims.first(rank - 3));
  const int64_t plane = height * width;
  const ir::Dims dims = {batch, channels, height, r, width, r};
  const Layout from = {{channels * r * r * plane, r * r * plane, width, r * plane, 1, plane}, 0};
  CopyElements(in, from, out, DenseLayout(dims), dims);
  return absl::OkStatus();
}

}  // namespace

std::vector<Kernel> ShapeKernels() {
  return {
      {"aten::cat", RunCat},
      {"aten::stack", RunStack},
      {"aten::repeat", RunRepeat},
      {"aten::constant_pad_nd", RunPad},
      {"aten::flip", RunFlip},
      {"aten::roll", RunRoll},
      {"aten::tril", RunTriangle<true>},
      {"aten::triu", RunTriangle<false>},
      {"aten::slice_scatter", RunSliceScatter},
      {"aten::select_scatter", RunSelectScatter},
      {"aten::pixel_shuffle", RunPixelShuffle},
  };
}

}  // namespace ingot::reference
