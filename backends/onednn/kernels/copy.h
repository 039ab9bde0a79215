// Moving elements without arithmetic: strided copies (permute, transpose, slice, expand, cat, flip,
// repeat) and fills (pad). Elements are 1, 2, 4, 8 or 16 bytes; their meaning doesn't matter.
//
//   // NCHW -> NHWC: iterate in destination order, source strides permuted.
//   StridedCopy::Make({n, h, w, c}, {c*h*w, w, 1, h*w}, {h*w*c, w*c, c, 1}, 4)
//   cat along dim 1: one StridedCopy a part, all with the destination's strides; add the part's
//   offset to dst. constant_pad_nd: Fill of the whole (or of each border box), then a StridedCopy
//   into the middle; negative pads slice the source.
//
// Plans are immutable; Run is reentrant, allocates nothing, forks only when the work pays. Source
// and destination must not overlap.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_COPY_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_COPY_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace ingot::kernels {

class StridedCopy {
 public:
  // Strides in elements, one for each dimension of shape; source strides may be 0 or negative,
  // destination strides must not be 0 where the dimension is above 1 (InvalidArgument).
  static absl::StatusOr<StridedCopy> Make(absl::Span<const int64_t> shape,
                                          absl::Span<const int64_t> src_strides,
                                          absl::Span<const int64_t> dst_strides, int element_size);

  void Run(const void* src, void* dst, int threads) const;

 private:
  enum class Kind : uint8_t {
    kEmpty,
    kMemcpy,
    kRows,       // innermost dimension dense on both sides
    kTranspose,  // innermost dimension dense in the destination, another one dense in the source
    kStrided
  };
  struct Dim {
    int64_t size = 1;
    int64_t src = 0;  // strides in elements
    int64_t dst = 0;
  };

  StridedCopy() = default;
  void Merge(absl::Span<const int64_t> shape, absl::Span<const int64_t> src_strides,
             absl::Span<const int64_t> dst_strides);
  void ChooseKind();
  template <class T>
  void RunTyped(const void* src, void* dst, int threads) const;

  Kind kind_ = Kind::kEmpty;
  int element_size_ = 1;
  int64_t elements_ = 0;
  // Outermost first, by destination stride, merged. The last one (kRows, kStrided) or two
  // (kTranspose: the source's dense dimension, then the destination's) belong to the inner loop.
  absl::InlinedVector<Dim, 6> dims_;
};

// Fill writes one element to a strided box. ValidateFill says InvalidArgument for what Fill would
// misread.
absl::Status ValidateFill(absl::Span<const int64_t> shape, absl::Span<const int64_t> dst_strides,
                          int element_size);
void Fill(absl::Span<const int64_t> shape, absl::Span<const int64_t> dst_strides, int element_size,
          const void* value, void* dst, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_COPY_H_
