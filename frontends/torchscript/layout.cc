#include "frontends/torchscript/layout.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace ingot::torchscript {
namespace {

constexpr std::array<std::pair<at::ScalarType, ir::DType>, ir::kNumDTypes> kDTypes = {{
    {at::ScalarType::Bool, ir::DType::kBool},
    {at::ScalarType::Byte, ir::DType::kUInt8},
    {at::ScalarType::Char, ir::DType::kInt8},
    {at::ScalarType::Short, ir::DType::kInt16},
    {at::ScalarType::Int, ir::DType::kInt32},
    {at::ScalarType::Long, ir::DType::kInt64},
    {at::ScalarType::Half, ir::DType::kFloat16},
    {at::ScalarType::BFloat16, ir::DType::kBFloat16},
    {at::ScalarType::Float, ir::DType::kFloat32},
    {at::ScalarType::Double, ir::DType::kFloat64},
    {at::ScalarType::ComplexFloat, ir::DType::kComplex64},
    {at::ScalarType::ComplexDouble, ir::DType::kComplex128},
}};

}  // namespace

std::optional<ir::DType> ToDType(at::ScalarType type) {
  for (const auto& [scalar_type, dtype] : kDTypes) {
    if (scalar_type == type) return dtype;
  }
  return std::nullopt;
}

at::ScalarType ToScalarType(ir::DType dtype) {
  for (const auto& [scalar_type, candidate] : kDTypes) {
    if (candidate == dtype) return scalar_type;
  }
  return at::ScalarType::Undefined;
}

int64_t Layout::NumElements() const {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

std::pair<int64_t, int64_t> Layout::Extent() const {
  int64_t last = offset;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == 0) return {offset, offset};
    last += (sizes[d] - 1) * strides[d];
  }
  return {offset, last + 1};
}

bool Layout::IsRowMajor() const {
  int64_t expected = 1;
  for (size_t d = sizes.size(); d-- > 0;) {
    if (sizes[d] == 0) return true;
    if (sizes[d] != 1 && strides[d] != expected) return false;
    expected *= sizes[d];
  }
  return true;
}

bool Layout::IsDense() const {
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [this](size_t a, size_t b) { return strides[a] > strides[b]; });
  Layout sorted;
  for (size_t d : order) {
    if (sizes[d] == 1) continue;
    sorted.sizes.push_back(sizes[d]);
    sorted.strides.push_back(strides[d]);
  }
  return sorted.IsRowMajor();
}

bool Layout::OverlapsItself() const {
  if (NumElements() < 2 || IsDense()) return false;
  std::vector<std::pair<int64_t, int64_t>> steps;  // stride, size
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] > 1) steps.emplace_back(std::abs(strides[d]), sizes[d]);
  }
  std::sort(steps.begin(), steps.end());
  int64_t reach = 0;  // of the dimensions so far
  bool nested = true;
  for (const auto& [stride, size] : steps) {
    nested = nested && stride > reach;
    reach += stride * (size - 1);
  }
  if (nested) return false;
  std::vector<bool> taken(static_cast<size_t>(reach) + 1, false);
  Layout upward;  // the same places, counted from 0
  for (const auto& [stride, size] : steps) {
    upward.strides.push_back(stride);
    upward.sizes.push_back(size);
  }
  for (const int64_t place : upward.Positions()) {
    if (taken[static_cast<size_t>(place)]) return true;
    taken[static_cast<size_t>(place)] = true;
  }
  return false;
}

bool Layout::Intersects(const Layout& other) const {
  if (dtype != other.dtype) return true;  // whose positions count other units
  const auto [begin, end] = Extent();
  const auto [other_begin, other_end] = other.Extent();
  if (std::max(begin, other_begin) >= std::min(end, other_end)) return false;
  std::vector<bool> taken(static_cast<size_t>(end - begin), false);
  for (const int64_t place : Positions()) taken[static_cast<size_t>(place - begin)] = true;
  for (const int64_t place : other.Positions()) {
    if (place >= begin && place < end && taken[static_cast<size_t>(place - begin)]) return true;
  }
  return false;
}

std::vector<int64_t> Layout::Positions() const {
  std::vector<int64_t> positions = {offset};
  for (size_t d = 0; d < sizes.size(); ++d) {
    std::vector<int64_t> next;
    next.reserve(positions.size() * static_cast<size_t>(sizes[d]));
    for (int64_t position : positions) {
      for (int64_t i = 0; i < sizes[d]; ++i) next.push_back(position + i * strides[d]);
    }
    positions = std::move(next);
  }
  return positions;
}

bool Layout::Covers(const Layout& other) const {
  if (*this == other) return true;
  if (dtype != other.dtype || conjugate != other.conjugate || negative != other.negative)
    return false;
  const auto [begin, end] = Extent();
  const auto [other_begin, other_end] = other.Extent();
  return IsDense() && begin <= other_begin && other_end <= end;
}

bool HasLayout(const at::Tensor& tensor) {
  // A nested tensor calls itself strided, but has no sizes.
  return tensor.defined() && tensor.layout() == at::kStrided && !tensor.is_nested() &&
         tensor.is_cpu() && tensor.has_storage();
}

Layout LayoutOf(const at::Tensor& tensor) {
  Layout layout;
  layout.dtype = tensor.scalar_type();
  layout.sizes.assign(tensor.sizes().begin(), tensor.sizes().end());
  layout.strides.assign(tensor.strides().begin(), tensor.strides().end());
  layout.offset = tensor.storage_offset();
  layout.conjugate = tensor.is_conj();
  layout.negative = tensor.is_neg();
  return layout;
}

std::optional<ir::TensorType> TypeOf(const Layout& layout) {
  const std::optional<ir::DType> dtype = ToDType(layout.dtype);
  if (!dtype) return std::nullopt;
  return ir::TensorType{*dtype, layout.sizes};
}

}  // namespace ingot::torchscript
