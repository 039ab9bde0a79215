// Copies between tensors of equal sizes and any strides.
//
// Strides count elements of `element_size` bytes and may be zero or negative in `src` and must
// address each element once in `dst`. Source and destination must not overlap. Thread-safe.
#ifndef INGOT_CORE_BASE_STRIDED_COPY_H_
#define INGOT_CORE_BASE_STRIDED_COPY_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace ingot {

void StridedCopy(absl::Span<const int64_t> dims, size_t element_size, const void* src,
                 absl::Span<const int64_t> src_strides, void* dst,
                 absl::Span<const int64_t> dst_strides);

// Whether a tensor of these sizes and strides is dense and row-major: strides of sizes 0 and 1
// don't matter.
bool IsRowMajor(absl::Span<const int64_t> dims, const int64_t* strides);

}  // namespace ingot

#endif  // INGOT_CORE_BASE_STRIDED_COPY_H_
