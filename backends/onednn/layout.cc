#include "backends/onednn/layout.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::onednn {

bool HasLayout(const Tensor& tensor, const MemoryDesc& desc) {
  ir::Dims strides;
  if (tensor.is_opaque() || !desc.IsStrided(&strides)) return tensor.Desc() == desc;
  for (int i = 0; i < tensor.rank(); ++i) {
    if (tensor.dims[i] > 1 && tensor.strides[i] != strides[i]) return false;
  }
  return true;
}

bool IsChannelsLast(const Tensor& tensor) {
  if (tensor.is_opaque() || tensor.IsRowMajor() || tensor.rank() < 3) return false;
  const std::optional<ir::Dims> order = DenseOrder(tensor);
  if (!order) return false;
  // Sizes of 1 may stand anywhere: only the order of the others counts.
  int64_t last = -1;
  ir::Dims expected = {0};
  for (int i = 2; i < tensor.rank(); ++i) expected.push_back(i);
  expected.push_back(1);
  for (int64_t dim : *order) {
    if (tensor.dims[dim] == 1) continue;
    int64_t place = 0;
    while (expected[place] != dim) ++place;
    if (place < last) return false;
    last = place;
  }
  return true;
}

std::string LayoutText(const Tensor& tensor) {
  if (tensor.is_opaque()) return tensor.opaque.ToString();
  if (tensor.IsRowMajor()) return "";
  if (IsChannelsLast(tensor)) return "channels_last";
  return absl::StrCat("strides[", absl::StrJoin(tensor.strides, ","), "]");
}

ir::Dims ChannelsLastStrides(absl::Span<const int64_t> dims) {
  ir::Dims strides(dims.size());
  int64_t next = dims[1];
  strides[1] = 1;
  for (size_t i = dims.size() - 1; i >= 2; --i) {
    strides[i] = next;
    next *= dims[i];
  }
  strides[0] = next;
  return strides;
}

MemoryDesc ChannelsLast(ir::DType dtype, absl::Span<const int64_t> dims) {
  return MemoryDesc::Strided(dtype, dims, ChannelsLastStrides(dims));
}

MemoryDesc ReadableLayout(const Tensor& tensor) {
  if (tensor.is_opaque()) return tensor.opaque;
  if (!DenseOrder(tensor)) return MemoryDesc();
  // Strides as oneDNN itself would write them, so that it knows the layout again.
  if (IsChannelsLast(tensor)) {
    return ChannelsLast(tensor.dtype, tensor.dims);
  }
  if (tensor.IsRowMajor()) return MemoryDesc::RowMajor(tensor.dtype, tensor.dims);
  return tensor.Desc();
}

}  // namespace ingot::onednn
