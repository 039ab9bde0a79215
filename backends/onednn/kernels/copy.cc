#include "backends/onednn/kernels/copy.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"
#include "backends/onednn/kernels/transpose.h"

namespace ingot::kernels {
namespace {

// One L1-sized square of both sides: the source's rows stay in cache while the destination's are
// filled.
constexpr int64_t kTransposeTile = 64;
constexpr double kNanosecondsAByte = 0.03;

bool IsElementSize(int size) {
  return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

template <class T>
void CopyStrided(const T* src, int64_t src_stride, T* dst, int64_t dst_stride, int64_t n) {
  if (src_stride == 0) {
    const T value = *src;
    for (int64_t i = 0; i < n; ++i) dst[i * dst_stride] = value;
  } else if (dst_stride == 1) {
    for (int64_t i = 0; i < n; ++i) dst[i] = src[i * src_stride];
  } else {
    for (int64_t i = 0; i < n; ++i) dst[i * dst_stride] = src[i * src_stride];
  }
}

// dst[r * dst_stride + c] = src[c * src_stride + r] for r < rows, c < columns.
template <class T>
void TransposeTile(const T* src, int64_t src_stride, T* dst, int64_t dst_stride, int64_t rows,
                   int64_t columns) {
  if constexpr (sizeof(T) == 4) {
    TransposeBlock32(reinterpret_cast<const uint32_t*>(src), src_stride,
                     reinterpret_cast<uint32_t*>(dst), dst_stride, rows, columns);
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) dst[r * dst_stride + c] = src[c * src_stride + r];
    }
  }
}

}  // namespace

absl::StatusOr<StridedCopy> StridedCopy::Make(absl::Span<const int64_t> shape,
                                              absl::Span<const int64_t> src_strides,
                                              absl::Span<const int64_t> dst_strides,
                                              int element_size) {
  if (shape.size() != src_strides.size()) {
    return absl::InvalidArgumentError(absl::StrCat("copy of ", shape.size(), " dimensions with ",
                                                   src_strides.size(), " source strides"));
  }
  if (absl::Status status = ValidateFill(shape, dst_strides, element_size); !status.ok()) {
    return status;
  }
  StridedCopy copy;
  copy.element_size_ = element_size;
  copy.elements_ = 1;
  for (int64_t dim : shape) copy.elements_ *= dim;
  copy.Merge(shape, src_strides, dst_strides);
  copy.ChooseKind();
  return copy;
}

// Largest destination stride first, so that writes run forward; then dimensions walked as one
// become one.
void StridedCopy::Merge(absl::Span<const int64_t> shape, absl::Span<const int64_t> src_strides,
                        absl::Span<const int64_t> dst_strides) {
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != 1) dims_.push_back({shape[d], src_strides[d], dst_strides[d]});
  }
  std::stable_sort(dims_.begin(), dims_.end(),
                   [](const Dim& a, const Dim& b) { return std::abs(a.dst) > std::abs(b.dst); });
  size_t kept = 0;
  for (size_t d = 1; d < dims_.size(); ++d) {
    const Dim& inner = dims_[d];
    Dim& outer = dims_[kept];
    if (outer.src == inner.src * inner.size && outer.dst == inner.dst * inner.size) {
      outer = {outer.size * inner.size, inner.src, inner.dst};
    } else {
      dims_[++kept] = inner;
    }
  }
  if (!dims_.empty()) dims_.resize(kept + 1);
}

void StridedCopy::ChooseKind() {
  if (elements_ == 0) {
    kind_ = Kind::kEmpty;
    return;
  }
  if (dims_.empty()) dims_.push_back({1, 1, 1});
  const Dim& inner = dims_.back();
  if (inner.src == 1 && inner.dst == 1) {
    kind_ = dims_.size() == 1 ? Kind::kMemcpy : Kind::kRows;
    return;
  }
  kind_ = Kind::kStrided;
  if (inner.dst != 1 || inner.src <= 1) return;
  for (size_t d = 0; d + 1 < dims_.size(); ++d) {
    if (dims_[d].src != 1 || dims_[d].size < 2) continue;
    std::rotate(dims_.begin() + d, dims_.begin() + d + 1, dims_.end() - 1);
    kind_ = Kind::kTranspose;
    return;
  }
}

template <class T>
void StridedCopy::RunTyped(const void* src, void* dst, int threads) const {
  const T* from = static_cast<const T*>(src);
  T* to = static_cast<T*>(dst);
  const size_t inner_dims = kind_ == Kind::kTranspose ? 2 : 1;
  const size_t outer_dims = dims_.size() - inner_dims;
  const Dim& inner = dims_.back();
  const Dim& rows = dims_[outer_dims];
  // A transpose is split along its rows too: one large matrix must keep all threads busy.
  const int64_t strips =
      kind_ == Kind::kTranspose ? (rows.size + kTransposeTile - 1) / kTransposeTile : 1;
  const int64_t items = elements_ / inner.size / (inner_dims == 2 ? rows.size : 1) * strips;
  const double bytes = static_cast<double>(elements_ / items) * sizeof(T);
  ParallelFor(
      threads, items, GrainFor(kNanosecondsAByte * bytes), [&](int64_t begin, int64_t end, int) {
        for (int64_t item = begin; item < end; ++item) {
          int64_t rest = item / strips;
          int64_t src_offset = 0, dst_offset = 0;
          for (size_t d = outer_dims; d-- > 0;) {
            const int64_t index = rest % dims_[d].size;
            rest /= dims_[d].size;
            src_offset += index * dims_[d].src;
            dst_offset += index * dims_[d].dst;
          }
          if (kind_ == Kind::kRows) {
            std::memcpy(to + dst_offset, from + src_offset, inner.size * sizeof(T));
          } else if (kind_ == Kind::kStrided) {
            CopyStrided(from + src_offset, inner.src, to + dst_offset, inner.dst, inner.size);
          } else {
            const int64_t first = item % strips * kTransposeTile;
            const int64_t count = std::min(kTransposeTile, rows.size - first);
            for (int64_t c = 0; c < inner.size; c += kTransposeTile) {
              TransposeTile(from + src_offset + first + c * inner.src, inner.src,
                            to + dst_offset + first * rows.dst + c, rows.dst, count,
                            std::min(kTransposeTile, inner.size - c));
            }
          }
        }
      });
}

void StridedCopy::Run(const void* src, void* dst, int threads) const {
  if (kind_ == Kind::kEmpty) return;
  if (kind_ == Kind::kMemcpy) {
    const int64_t bytes = elements_ * element_size_;
    ParallelFor(threads, bytes, GrainFor(kNanosecondsAByte), [&](int64_t begin, int64_t end, int) {
      std::memcpy(static_cast<char*>(dst) + begin, static_cast<const char*>(src) + begin,
                  end - begin);
    });
    return;
  }
  VisitSize(element_size_, [&](auto element) { RunTyped<decltype(element)>(src, dst, threads); });
}

absl::Status ValidateFill(absl::Span<const int64_t> shape, absl::Span<const int64_t> dst_strides,
                          int element_size) {
  if (!IsElementSize(element_size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("elements of ", element_size, " bytes; 1, 2, 4, 8 and 16 can be moved"));
  }
  if (shape.size() != dst_strides.size()) {
    return absl::InvalidArgumentError(absl::StrCat(shape.size(), " dimensions with ",
                                                   dst_strides.size(), " destination strides"));
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0) {
      return absl::InvalidArgumentError(absl::StrCat("dimension ", d, " is ", shape[d]));
    }
    if (shape[d] > 1 && dst_strides[d] == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("destination stride of dimension ", d, " is 0: elements would overlap"));
    }
  }
  return absl::OkStatus();
}

void Fill(absl::Span<const int64_t> shape, absl::Span<const int64_t> dst_strides, int element_size,
          const void* value, void* dst, int threads) {
  int64_t elements = 1;
  for (int64_t dim : shape) elements *= dim;
  if (elements == 0) return;
  // The longest dense tail is one run.
  size_t outer_dims = shape.size();
  int64_t run = 1;
  while (outer_dims > 0 && (shape[outer_dims - 1] == 1 || dst_strides[outer_dims - 1] == run)) {
    run *= shape[--outer_dims];
  }
  int64_t stride = 1;
  if (run == 1 && outer_dims > 0) {
    --outer_dims;
    run = shape[outer_dims];
    stride = dst_strides[outer_dims];
  }
  const double bytes = static_cast<double>(run) * element_size;
  ParallelFor(threads, elements / run, GrainFor(kNanosecondsAByte * bytes),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t item = begin; item < end; ++item) {
                  int64_t rest = item, offset = 0;
                  for (size_t d = outer_dims; d-- > 0;) {
                    offset += rest % shape[d] * dst_strides[d];
                    rest /= shape[d];
                  }
                  VisitSize(element_size, [&](auto element) {
                    using T = decltype(element);
                    std::memcpy(&element, value, sizeof(T));
                    CopyStrided(&element, 0, static_cast<T*>(dst) + offset, stride, run);
                  });
                }
              });
}

}  // namespace ingot::kernels
