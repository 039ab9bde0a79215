#include "backends/onednn/kernels/index.h"

#include <atomic>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

constexpr double kNanosecondsAnIndex = 3.0;
constexpr double kNanosecondsAByte = 0.05;
constexpr int64_t kNoBadPosition = std::numeric_limits<int64_t>::max();

// The lowest bad position of all threads, so that the error does not depend on scheduling.
void KeepLowest(std::atomic<int64_t>& lowest, int64_t position) {
  int64_t known = lowest.load(std::memory_order_relaxed);
  while (position < known &&
         !lowest.compare_exchange_weak(known, position, std::memory_order_relaxed)) {
  }
}

int64_t IndexAt(const Indices& indices, int64_t i) {
  return indices.is_i64 ? static_cast<const int64_t*>(indices.data)[i]
                        : static_cast<const int32_t*>(indices.data)[i];
}

absl::Status BadIndex(const Indices& indices, int64_t position, int64_t size) {
  return absl::OutOfRangeError(absl::StrCat("index ", IndexAt(indices, position), " at position ",
                                            position, " is out of range for a dimension of size ",
                                            size));
}

// True and the wrapped index, or false.
bool Resolve(int64_t index, int64_t size, bool allow_negative, int64_t& resolved) {
  resolved = index < 0 && allow_negative ? index + size : index;
  return static_cast<uint64_t>(resolved) < static_cast<uint64_t>(size);
}

template <class F>
auto WithIndexType(const Indices& indices, const F& f) {
  if (indices.is_i64) return f(static_cast<const int64_t*>(indices.data));
  return f(static_cast<const int32_t*>(indices.data));
}

// A constant size lets the compiler copy in registers.
template <class F>
void WithRowSize(int64_t bytes, const F& f) {
  switch (bytes) {
    case 4:
      return f(std::integral_constant<int64_t, 4>());
    case 8:
      return f(std::integral_constant<int64_t, 8>());
    default:
      return f(bytes);
  }
}

template <class Index, class Bytes>
void TakeRows(const TakeArgs& args, const Index* indices, Bytes row_bytes, int64_t begin,
              int64_t end, std::atomic<int64_t>& bad) {
  const int64_t count = args.indices.count;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t position = item % count;
    const int64_t outer = item / count;
    int64_t index;
    if (!Resolve(indices[position], args.size, args.allow_negative, index)) {
      KeepLowest(bad, position);
      return;
    }
    std::memcpy(static_cast<char*>(args.out) + item * row_bytes,
                static_cast<const char*>(args.x) + (outer * args.size + index) * row_bytes,
                row_bytes);
  }
}

template <class Index, class T>
void GatherItems(const GatherArgs& args, const Index* indices, int64_t begin, int64_t end,
                 std::atomic<int64_t>& bad) {
  const T* x = static_cast<const T*>(args.x);
  T* out = static_cast<T*>(args.out);
  // Items are rows of `inner` elements.
  for (int64_t row = begin; row < end; ++row) {
    const T* from = x + row / args.n * args.size * args.x_inner;
    for (int64_t i = 0; i < args.inner; ++i) {
      const int64_t position = row * args.inner + i;
      const int64_t index = indices[position];
      if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(args.size)) {
        KeepLowest(bad, position);
        return;
      }
      out[position] = from[index * args.x_inner + i];
    }
  }
}

}  // namespace

absl::Status Take(const TakeArgs& args, int threads) {
  const int64_t items = args.outer * args.indices.count;
  std::atomic<int64_t> bad{kNoBadPosition};
  const double work =
      kNanosecondsAnIndex + kNanosecondsAByte * static_cast<double>(args.inner_bytes);
  ParallelFor(threads, items, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    WithIndexType(args.indices, [&](const auto* indices) {
      WithRowSize(args.inner_bytes,
                  [&](auto row_bytes) { TakeRows(args, indices, row_bytes, begin, end, bad); });
    });
  });
  const int64_t position = bad.load(std::memory_order_relaxed);
  return position == kNoBadPosition ? absl::OkStatus()
                                    : BadIndex(args.indices, position, args.size);
}

absl::Status Gather(const GatherArgs& args, int threads) {
  if (args.inner == 0) return absl::OkStatus();
  std::atomic<int64_t> bad{kNoBadPosition};
  const double work = kNanosecondsAnIndex * static_cast<double>(args.inner);
  ParallelFor(threads, args.outer * args.n, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    WithIndexType(args.index, [&](const auto* indices) {
      VisitSize(args.element_size, [&](auto element) {
        using Index = std::remove_cvref_t<decltype(*indices)>;
        GatherItems<Index, decltype(element)>(args, indices, begin, end, bad);
      });
    });
  });
  const int64_t position = bad.load(std::memory_order_relaxed);
  return position == kNoBadPosition ? absl::OkStatus() : BadIndex(args.index, position, args.size);
}

absl::Status MultiIndex(const MultiIndexArgs& args, int threads) {
  const size_t k = args.sizes.size();
  if (k == 0 || k != args.indices.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("index of ", k, " dimensions with ", args.indices.size(), " index tensors"));
  }
  const int64_t count = args.indices[0].count;
  int64_t table = 1;
  for (size_t d = 0; d < k; ++d) {
    if (args.indices[d].count != count) {
      return absl::InvalidArgumentError(
          absl::StrCat("index tensors of ", count, " and ", args.indices[d].count, " elements"));
    }
    table *= args.sizes[d];
  }
  std::atomic<int64_t> bad{kNoBadPosition};
  const double work = kNanosecondsAnIndex * static_cast<double>(k) +
                      kNanosecondsAByte * static_cast<double>(args.inner_bytes);
  ParallelFor(threads, args.outer * count, GrainFor(work), [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t position = item % count;
      int64_t row = 0;
      for (size_t d = 0; d < k; ++d) {
        int64_t index;
        if (!Resolve(IndexAt(args.indices[d], position), args.sizes[d], true, index)) {
          KeepLowest(bad, position);
          return;
        }
        row = row * args.sizes[d] + index;
      }
      std::memcpy(
          static_cast<char*>(args.out) + item * args.inner_bytes,
          static_cast<const char*>(args.x) + (item / count * table + row) * args.inner_bytes,
          args.inner_bytes);
    }
  });
  const int64_t position = bad.load(std::memory_order_relaxed);
  if (position == kNoBadPosition) return absl::OkStatus();
  for (size_t d = 0; d < k; ++d) {
    int64_t index;
    if (!Resolve(IndexAt(args.indices[d], position), args.sizes[d], true, index)) {
      return BadIndex(args.indices[d], position, args.sizes[d]);
    }
  }
  return absl::InternalError("index changed while it was used");
}

}  // namespace ingot::kernels
