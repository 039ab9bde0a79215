// Arithmetic of sizes and dimensions that several families need.
#ifndef INGOT_BACKENDS_ONEDNN_DIMS_H_
#define INGOT_BACKENDS_ONEDNN_DIMS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace ingot::onednn {

// A dimension of `rank`, or a place among as many, counted from the end if negative.
inline int64_t Wrap(int64_t dim, int64_t rank) { return dim < 0 ? dim + rank : dim; }

// One number for each spatial dimension: PyTorch takes a list of one for all.
inline std::vector<int64_t> Spread(absl::Span<const int64_t> list, int spatial) {
  if (list.size() == 1) return std::vector<int64_t>(spatial, list[0]);
  return std::vector<int64_t>(list.begin(), list.end());
}

// A dense tensor seen as [outer, n, inner], n along one of its dimensions. A number is a row of
// one.
struct Span3 {
  int64_t outer = 1, n = 1, inner = 1;
};
inline Span3 Around(absl::Span<const int64_t> dims, int64_t dim) {
  Span3 s;
  const auto rank = static_cast<int64_t>(dims.size());
  dim = Wrap(dim, rank);
  for (int64_t i = 0; i < rank; ++i) (i < dim ? s.outer : i == dim ? s.n : s.inner) *= dims[i];
  return s;
}

}  // namespace ingot::onednn

#endif  // INGOT_BACKENDS_ONEDNN_DIMS_H_
