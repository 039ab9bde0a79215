#include "backends/onednn/kernels/search.h"

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

// The first place whose element does not come before `value`. NaN comes after everything.
template <class T>
int64_t Search(const T* row, const int64_t* order, int64_t length, T value, bool right) {
  const auto v = static_cast<Compute<T>>(value);
  int64_t begin = 0, end = length;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    const auto element = static_cast<Compute<T>>(row[order == nullptr ? middle : order[middle]]);
    if (right ? !(element > v) : !(element >= v)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

}  // namespace

absl::Status SearchSorted(const SearchArgs& args, int threads) {
  const int64_t sorted_rows = args.shared ? 1 : args.rows;
  for (int64_t i = 0; args.order != nullptr && i < sorted_rows * args.length; ++i) {
    if (static_cast<uint64_t>(args.order[i]) >= static_cast<uint64_t>(args.length)) {
      return absl::OutOfRangeError(
          absl::StrCat("sorter has index ", args.order[i], " for rows of ", args.length));
    }
  }
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    ParallelFor(threads, args.rows * args.count, GrainFor(30),
                [&](int64_t begin, int64_t end, int) {
                  for (int64_t i = begin; i < end; ++i) {
                    const int64_t first = args.shared ? 0 : i / args.count * args.length;
                    const int64_t at =
                        Search(static_cast<const T*>(args.sorted) + first,
                               args.order == nullptr ? nullptr : args.order + first, args.length,
                               static_cast<const T*>(args.values)[i], args.right);
                    if (args.out_i32) {
                      static_cast<int32_t*>(args.out)[i] = static_cast<int32_t>(at);
                    } else {
                      static_cast<int64_t*>(args.out)[i] = at;
                    }
                  }
                });
  });
  return absl::OkStatus();
}

}  // namespace ingot::kernels
