#include "core/ir/type.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::ir {

int64_t TensorType::NumElements() const {
  int64_t product = 1;
  for (int64_t dim : dims) product *= dim;
  return product;
}

std::string ToString(const TensorType& type) {
  return absl::StrCat(DTypeName(type.dtype), "[", absl::StrJoin(type.dims, ","), "]");
}

Dims ContiguousStrides(absl::Span<const int64_t> dims) {
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(dims[i], 1);
  }
  return strides;
}

bool BroadcastDims(absl::Span<const int64_t> a, absl::Span<const int64_t> b, Dims* result) {
  const size_t rank = std::max(a.size(), b.size());
  const auto at = [rank](absl::Span<const int64_t> dims, size_t i) -> int64_t {
    const size_t missing = rank - dims.size();
    return i < missing ? 1 : dims[i - missing];
  };
  Dims out(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t x = at(a, i);
    const int64_t y = at(b, i);
    if (x != y && x != 1 && y != 1) return false;
    out[i] = x == 1 ? y : x;
  }
  *result = std::move(out);
  return true;
}

}  // namespace ingot::ir
