// Walks a box of indices in row-major order with several strided offsets at once.
//
//   Walk<2> walk(dims, {x_strides, y_strides});
//   walk.ForEach([&](const std::array<int64_t, 2>& at) { y[at[1]] = x[at[0]]; });
//
// Of the dimensions at most kMaxWalkDims may have a size other than 1 (FitsWalk): a walk over more
// visits nothing. A box without dimensions has one element. Offsets are in the unit of the strides.
// Allocates nothing.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_WALK_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_WALK_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace ingot::kernels {

inline constexpr int kMaxWalkDims = 16;

// Whether a walk over `dims` is possible.
inline bool FitsWalk(absl::Span<const int64_t> dims) {
  return std::count_if(dims.begin(), dims.end(), [](int64_t d) { return d != 1; }) <= kMaxWalkDims;
}

template <int kOffsets>
class Walk {
 public:
  using Offsets = std::array<int64_t, kOffsets>;

  // REQUIRES: each span of strides has as many entries as `dims`.
  Walk(absl::Span<const int64_t> dims,
       const std::array<absl::Span<const int64_t>, kOffsets>& strides) {
    if (!FitsWalk(dims)) {
      count_ = 0;
      return;
    }
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d] == 1) continue;
      dims_[rank_] = dims[d];
      count_ *= dims[d];
      for (int k = 0; k < kOffsets; ++k) strides_[rank_][k] = strides[k][d];
      ++rank_;
    }
  }

  int64_t count() const { return count_; }

  template <class F>
  void ForEach(const F& f) const {
    ForRange(0, count_, f);
  }

  // Elements [begin, end) of the row-major order.
  template <class F>
  void ForRange(int64_t begin, int64_t end, const F& f) const {
    if (begin >= end) return;
    std::array<int64_t, kMaxWalkDims> place{};
    Offsets at{};
    int64_t rest = begin;
    for (int d = rank_ - 1; d >= 0; --d) {
      place[d] = rest % dims_[d];
      rest /= dims_[d];
      for (int k = 0; k < kOffsets; ++k) at[k] += place[d] * strides_[d][k];
    }
    for (int64_t i = begin;;) {
      f(at);
      if (++i == end) return;
      for (int d = rank_ - 1; d >= 0; --d) {
        for (int k = 0; k < kOffsets; ++k) at[k] += strides_[d][k];
        if (++place[d] < dims_[d]) break;
        for (int k = 0; k < kOffsets; ++k) at[k] -= dims_[d] * strides_[d][k];
        place[d] = 0;
      }
    }
  }

 private:
  int rank_ = 0;
  int64_t count_ = 1;
  std::array<int64_t, kMaxWalkDims> dims_{};
  std::array<Offsets, kMaxWalkDims> strides_{};
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_WALK_H_
