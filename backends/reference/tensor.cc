#include "backends/reference/tensor.h"

#include <cstring>

namespace ingot::reference {
namespace {

template <typename Bytes>
void MoveRun(const void* in, int64_t a, int64_t stride_a, void* out, int64_t b, int64_t stride_b,
             int64_t n) {
  const Bytes* from = static_cast<const Bytes*>(in) + a;
  Bytes* to = static_cast<Bytes*>(out) + b;
  for (int64_t i = 0; i < n; ++i) to[i * stride_b] = from[i * stride_a];
}

using MoveFn = void (*)(const void*, int64_t, int64_t, void*, int64_t, int64_t, int64_t);

// Same dtype: bits move unchanged, NaN payloads included.
MoveFn MoverFor(size_t element_size) {
  switch (element_size) {
    case 1:
      return MoveRun<uint8_t>;
    case 2:
      return MoveRun<uint16_t>;
    case 4:
      return MoveRun<uint32_t>;
    default:
      return MoveRun<uint64_t>;
  }
}

template <typename C>
void ConvertRun(const ConstTensor& in, int64_t a, int64_t stride_a, const Tensor& out, int64_t b,
                int64_t stride_b, int64_t n) {
  C buffer[kRun];
  for (int64_t i = 0; i < n; i += kRun) {
    const int64_t count = std::min(kRun, n - i);
    LoadRun(in, a + i * stride_a, stride_a, count, buffer);
    StoreRun(buffer, count, out, b + i * stride_b, stride_b);
  }
}

}  // namespace

int64_t Product(absl::Span<const int64_t> dims) {
  int64_t product = 1;
  for (int64_t size : dims) product *= size;
  return product;
}

int64_t ConstTensor::NumElements() const { return Product(dims); }

Axis AxisOf(absl::Span<const int64_t> dims, int64_t dim) {
  if (dims.empty()) return {};
  if (dim < 0) dim += static_cast<int64_t>(dims.size());
  return {Product(dims.first(dim)), dims[dim], Product(dims.subspan(dim + 1))};
}

Layout DenseLayout(absl::Span<const int64_t> dims) { return {ir::ContiguousStrides(dims), 0}; }

Layout BroadcastLayout(absl::Span<const int64_t> dims, absl::Span<const int64_t> to) {
  const ir::Dims dense = ir::ContiguousStrides(dims);
  Layout layout{ir::Dims(to.size(), 0), 0};
  const size_t added = to.size() - dims.size();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1) layout.strides[added + i] = dense[i];
  }
  return layout;
}

void ForEachPair(absl::Span<const int64_t> dims, const Layout& a, const Layout& b, RunFn fn) {
  if (Product(dims) == 0) return;
  if (dims.empty()) return fn(a.offset, b.offset, 1, 1, 1);
  const int last = static_cast<int>(dims.size()) - 1;
  ir::Dims index(dims.size(), 0);
  int64_t at_a = a.offset, at_b = b.offset;
  while (true) {
    fn(at_a, at_b, dims[last], a.strides[last], b.strides[last]);
    int d = last - 1;
    for (; d >= 0; --d) {
      at_a += a.strides[d];
      at_b += b.strides[d];
      if (++index[d] < dims[d]) break;
      at_a -= a.strides[d] * dims[d];
      at_b -= b.strides[d] * dims[d];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

void CopyElements(const ConstTensor& in, const Layout& from, const Tensor& out, const Layout& to,
                  absl::Span<const int64_t> dims) {
  if (in.dtype == out.dtype) {
    const MoveFn move = MoverFor(ir::ElementSize(in.dtype));
    ForEachPair(dims, from, to, [&](int64_t a, int64_t b, int64_t n, int64_t sa, int64_t sb) {
      move(in.data, a, sa, out.data, b, sb, n);
    });
    return;
  }
  // Through the wide type of the result; a float that becomes a bool or integer stays a float until
  // stored.
  const bool floating = ir::IsFloating(in.dtype) || ir::IsFloating(out.dtype);
  const bool wide = in.dtype == ir::DType::kFloat64 || out.dtype == ir::DType::kFloat64;
  ForEachPair(dims, from, to, [&](int64_t a, int64_t b, int64_t n, int64_t sa, int64_t sb) {
    if (!floating) return ConvertRun<int64_t>(in, a, sa, out, b, sb, n);
    if (wide) return ConvertRun<double>(in, a, sa, out, b, sb, n);
    ConvertRun<float>(in, a, sa, out, b, sb, n);
  });
}

void CopyDense(const ConstTensor& in, const Tensor& out) {
  const ir::Dims flat = {in.NumElements()};
  if (flat[0] == 0) return;
  if (in.dtype == out.dtype) {
    std::memcpy(out.data, in.data, flat[0] * ir::ElementSize(in.dtype));
    return;
  }
  CopyElements(in, {{1}, 0}, out, {{1}, 0}, flat);
}

}  // namespace ingot::reference
