#include "frontends/functional/layout.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "absl/status/status.h"

namespace ingot::functional {
namespace {

struct Step {
  int64_t stride = 0;
  int64_t size = 0;
};

// Of the dimensions along which there is more than one element, by stride. Signs don't change which
// elements share places.
std::vector<Step> AscendingSteps(const Layout& layout) {
  std::vector<Step> steps;
  for (size_t d = 0; d < layout.strides.size(); ++d) {
    if (layout.type.dims[d] > 1)
      steps.push_back({std::abs(layout.strides[d]), layout.type.dims[d]});
  }
  std::sort(steps.begin(), steps.end(),
            [](const Step& a, const Step& b) { return a.stride < b.stride; });
  return steps;
}

// Adds to `positions`, for each, those that lie further along the dimension.
void Spread(std::vector<int64_t>& positions, const Step& step) {
  std::vector<int64_t> spread;
  spread.reserve(positions.size() * static_cast<size_t>(step.size));
  for (const int64_t position : positions) {
    for (int64_t i = 0; i < step.size; ++i) spread.push_back(position + i * step.stride);
  }
  positions = std::move(spread);
}

}  // namespace

Layout Layout::RowMajor(ir::TensorType type) {
  Layout layout;
  layout.strides = ir::ContiguousStrides(type.dims);
  layout.type = std::move(type);
  return layout;
}

std::pair<int64_t, int64_t> Layout::Extent() const {
  int64_t last = offset;
  for (size_t d = 0; d < strides.size(); ++d) {
    if (type.dims[d] == 0) return {offset, offset};
    last += (type.dims[d] - 1) * strides[d];
  }
  return {offset, last + 1};
}

bool Layout::IsRowMajor() const {
  int64_t expected = 1;
  for (size_t d = strides.size(); d-- > 0;) {
    if (type.dims[d] == 0) return true;
    if (type.dims[d] != 1 && strides[d] != expected) return false;
    expected *= type.dims[d];
  }
  return true;
}

bool Layout::IsDense() const {
  std::vector<size_t> order(strides.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [this](size_t a, size_t b) { return strides[a] > strides[b]; });
  Layout sorted;
  for (const size_t d : order) {
    if (type.dims[d] == 1) continue;
    sorted.type.dims.push_back(type.dims[d]);
    sorted.strides.push_back(strides[d]);
  }
  return sorted.IsRowMajor();
}

bool Layout::HasOwnPlaces() const {
  if (type.NumElements() < 2) return true;
  int64_t reach = 0;  // of the dimensions so far
  for (const Step& step : AscendingSteps(*this)) {
    if (step.stride <= reach) return false;
    reach += step.stride * (step.size - 1);
  }
  return true;
}

bool Layout::OverlapsItself() const {
  if (HasOwnPlaces()) return false;
  const std::vector<Step> steps = AscendingSteps(*this);
  if (steps.front().stride == 0) return true;
  int64_t places = 1;
  for (const Step& step : steps) places += step.stride * (step.size - 1);
  if (type.NumElements() > places) return true;
  std::vector<int64_t> positions = {0};
  for (const Step& step : steps) Spread(positions, step);
  std::vector<bool> taken(static_cast<size_t>(places), false);
  for (const int64_t position : positions) {
    if (taken[static_cast<size_t>(position)]) return true;
    taken[static_cast<size_t>(position)] = true;
  }
  return false;
}

bool Layout::HasElementsOf(const Layout& other) const {
  return type.dtype == other.type.dtype && conjugate == other.conjugate &&
         negative == other.negative && foreign_dtype == other.foreign_dtype;
}

bool Layout::Intersects(const Layout& other) const {
  // Other dtypes count positions in other units.
  if (type.dtype != other.type.dtype || foreign_dtype != other.foreign_dtype) return true;
  const auto [begin, end] = Extent();
  const auto [other_begin, other_end] = other.Extent();
  if (std::max(begin, other_begin) >= std::min(end, other_end)) return false;
  std::vector<bool> taken(static_cast<size_t>(end - begin), false);
  for (const int64_t position : Positions()) taken[static_cast<size_t>(position - begin)] = true;
  for (const int64_t position : other.Positions()) {
    if (position >= begin && position < end && taken[static_cast<size_t>(position - begin)])
      return true;
  }
  return false;
}

bool Layout::Covers(const Layout& other) const {
  if (*this == other) return true;
  if (!HasElementsOf(other)) return false;
  const auto [begin, end] = Extent();
  const auto [other_begin, other_end] = other.Extent();
  return IsDense() && begin <= other_begin && other_end <= end;
}

std::vector<int64_t> Layout::Positions() const {
  std::vector<int64_t> positions = {offset};
  for (size_t d = 0; d < strides.size(); ++d) Spread(positions, {strides[d], type.dims[d]});
  return positions;
}

std::optional<ir::TensorType> TypeOf(const Layout& layout) {
  if (layout.foreign_dtype != 0) return std::nullopt;
  return layout.type;
}

absl::StatusOr<std::vector<int64_t>> NumbersIn(const Layout& root, const Layout& layout) {
  if (!layout.HasElementsOf(root)) {
    return absl::UnimplementedError(
        "a view that reads its memory as another dtype, or conjugated, is written or can't be "
        "followed: clone it first");
  }
  const auto [begin, end] = root.Extent();
  std::vector<int64_t> number(static_cast<size_t>(end - begin), -1);
  int64_t next = 0;
  for (const int64_t position : root.Positions())
    number[static_cast<size_t>(position - begin)] = next++;
  std::vector<int64_t> numbers = layout.Positions();
  for (int64_t& place : numbers) {
    if (place < begin || place >= end || number[static_cast<size_t>(place - begin)] < 0) {
      return absl::UnimplementedError(
          "a view reaches beyond the tensor whose memory it shares: clone the tensor first");
    }
    place = number[static_cast<size_t>(place - begin)];
  }
  return numbers;
}

}  // namespace ingot::functional
