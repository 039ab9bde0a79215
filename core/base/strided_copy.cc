#include "core/base/strided_copy.h"

#include <cstring>

#include "absl/container/inlined_vector.h"

namespace ingot {
namespace {

struct Dim {
  int64_t size, src, dst;
};
using Loop = absl::InlinedVector<Dim, 6>;

// Drops sizes of 1 and joins neighbours that are one run in both tensors; outermost first.
Loop Collapse(absl::Span<const int64_t> dims, absl::Span<const int64_t> src,
              absl::Span<const int64_t> dst) {
  Loop loop;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (!loop.empty() && loop.back().src == dims[i] * src[i] &&
        loop.back().dst == dims[i] * dst[i]) {
      loop.back() = {loop.back().size * dims[i], src[i], dst[i]};
    } else {
      loop.push_back({dims[i], src[i], dst[i]});
    }
  }
  return loop;
}

template <typename T>
void CopyRow(const Dim& d, const char* src, char* dst) {
  // Records of an archive need not be aligned.
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < d.size; ++i) {
    T element;
    std::memcpy(&element, src + i * d.src * kSize, sizeof(T));
    std::memcpy(dst + i * d.dst * kSize, &element, sizeof(T));
  }
}

struct Complex128 {
  double re, im;
};

using RowFn = void (*)(const Dim&, const char*, char*);

RowFn RowFor(size_t element_size) {
  switch (element_size) {
    case 1:
      return CopyRow<uint8_t>;
    case 2:
      return CopyRow<uint16_t>;
    case 4:
      return CopyRow<uint32_t>;
    case 8:
      return CopyRow<uint64_t>;
    default:
      return CopyRow<Complex128>;
  }
}

void CopyFrom(const Loop& loop, size_t depth, size_t element_size, RowFn row, const char* src,
              char* dst) {
  const Dim& d = loop[depth];
  if (depth + 1 == loop.size()) {
    if (d.src == 1 && d.dst == 1) {
      std::memcpy(dst, src, d.size * element_size);
    } else {
      row(d, src, dst);
    }
    return;
  }
  const int64_t size = static_cast<int64_t>(element_size);
  for (int64_t i = 0; i < d.size; ++i) {
    CopyFrom(loop, depth + 1, element_size, row, src + i * d.src * size, dst + i * d.dst * size);
  }
}

}  // namespace

void StridedCopy(absl::Span<const int64_t> dims, size_t element_size, const void* src,
                 absl::Span<const int64_t> src_strides, void* dst,
                 absl::Span<const int64_t> dst_strides) {
  for (int64_t size : dims) {
    if (size == 0) return;
  }
  const Loop loop = Collapse(dims, src_strides, dst_strides);
  if (loop.empty()) {
    std::memcpy(dst, src, element_size);
    return;
  }
  CopyFrom(loop, 0, element_size, RowFor(element_size), static_cast<const char*>(src),
           static_cast<char*>(dst));
}

bool IsRowMajor(absl::Span<const int64_t> dims, const int64_t* strides) {
  int64_t expected = 1;
  bool dense = true;
  for (size_t i = dims.size(); i-- > 0;) {
    if (dims[i] == 0) return true;
    if (dims[i] != 1) {
      dense = dense && strides[i] == expected;
      expected *= dims[i];
    }
  }
  return dense;
}

}  // namespace ingot
