#include "backends/onednn/tensor.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/strided_copy.h"

namespace ingot::onednn {

bool Tensor::IsRowMajor() const { return !is_opaque() && ingot::IsRowMajor(dims, strides.data()); }

bool Tensor::MayOverlap() const {
  std::vector<std::pair<int64_t, int64_t>> by_stride;  // stride, size
  for (size_t i = 0; i < strides.size(); ++i) {
    if (dims[i] > 1) by_stride.emplace_back(strides[i], dims[i]);
  }
  std::sort(by_stride.begin(), by_stride.end());
  int64_t next = 1;  // the least stride beside the dimensions so far
  for (const auto& [stride, size] : by_stride) {
    if (stride < next) return true;
    next = stride * size;
  }
  return false;
}

MemoryDesc Tensor::Desc() const {
  return is_opaque() ? opaque : MemoryDesc::Strided(dtype, dims, strides);
}

std::optional<ir::Dims> ViewStrides(absl::Span<const int64_t> old_dims,
                                    absl::Span<const int64_t> old_strides,
                                    absl::Span<const int64_t> dims) {
  // Maximal runs of old dimensions that are contiguous with each other are matched, innermost
  // first, with runs of new dimensions of the same product.
  if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d == 0; })) {
    return ir::ContiguousStrides(dims);
  }
  ir::Dims strides(dims.size(), 1);
  int next = static_cast<int>(dims.size()) - 1;
  int last = static_cast<int>(old_dims.size()) - 1;
  while (last >= 0 && old_dims[last] == 1) --last;
  while (last >= 0) {
    int64_t stride = old_strides[last];
    int64_t run = old_dims[last];
    int first = last;
    while (first > 0 && (old_dims[first - 1] == 1 || old_strides[first - 1] == stride * run)) {
      --first;
      run *= old_dims[first];
    }
    while (next >= 0 && run % dims[next] == 0 && (run > 1 || dims[next] == 1)) {
      strides[next] = stride;
      stride *= dims[next];
      run /= dims[next];
      --next;
    }
    if (run != 1) return std::nullopt;
    last = first - 1;
  }
  for (; next >= 0; --next) {
    if (dims[next] != 1) return std::nullopt;
  }
  return strides;
}

Tensor BroadcastTo(const Tensor& tensor, absl::Span<const int64_t> dims) {
  Tensor result = tensor;
  result.dims.assign(dims.begin(), dims.end());
  result.strides.assign(dims.size(), 0);
  const size_t missing = dims.size() - tensor.dims.size();
  for (size_t i = 0; i < tensor.dims.size(); ++i) {
    if (tensor.dims[i] == dims[missing + i] && tensor.dims[i] != 1) {
      result.strides[missing + i] = tensor.strides[i];
    }
  }
  return result;
}

std::optional<ir::Dims> DenseOrder(const Tensor& tensor) {
  if (tensor.is_opaque()) return std::nullopt;
  ir::Dims order(tensor.dims.size());
  std::iota(order.begin(), order.end(), 0);
  // Dimensions of size 1 keep their place among the others as far as strides can tell.
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return tensor.strides[a] * (tensor.dims[a] > 1) > tensor.strides[b] * (tensor.dims[b] > 1);
  });
  int64_t expected = 1;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    if (tensor.dims[*it] == 1) continue;
    if (tensor.strides[*it] != expected) return std::nullopt;
    expected *= tensor.dims[*it];
  }
  return order;
}

}  // namespace ingot::onednn
