#include "backends/onednn/kernels/sort.h"

#include <algorithm>
#include <cmath>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

template <class T>
struct Item {
  T value;
  int64_t index;
};

template <class T>
bool Greater(T a, T b) {
  if constexpr (kIsFloating<T>) {
    if (IsNan(a)) return !IsNan(b);
  }
  return static_cast<Compute<T>>(a) > static_cast<Compute<T>>(b);
}

template <class T>
bool Less(T a, T b) {
  if constexpr (kIsFloating<T>) {
    if (IsNan(b)) return !IsNan(a);
  }
  return static_cast<Compute<T>>(a) < static_cast<Compute<T>>(b);
}

// Calls order(items, n) for each row, then writes the first `keep` of its items.
template <class T, class F>
void ForEachRow(const SortArgs& args, int64_t keep, int threads, const F& order) {
  const double work = 3.0 * static_cast<double>(args.n) *
                      std::log2(static_cast<double>(std::max<int64_t>(args.n, 2)));
  ParallelFor(threads, args.outer * args.inner, GrainFor(work),
              [&](int64_t begin, int64_t end, int thread) {
                Item<T>* const items = static_cast<Item<T>*>(args.scratch) + thread * args.n;
                for (int64_t row = begin; row < end; ++row) {
                  const int64_t o = row / args.inner, i = row % args.inner;
                  const T* const x = static_cast<const T*>(args.x) + o * args.n * args.inner + i;
                  for (int64_t j = 0; j < args.n; ++j) items[j] = {x[j * args.inner], j};
                  order(items, items + args.n);
                  const int64_t first = o * keep * args.inner + i;
                  for (int64_t j = 0; j < keep; ++j) {
                    const int64_t to = first + j * args.inner;
                    if (args.values != nullptr) static_cast<T*>(args.values)[to] = items[j].value;
                    if (args.indices != nullptr) args.indices[to] = items[j].index;
                  }
                }
              });
}

// A total order makes any sort a stable one.
template <class T>
struct Before {
  bool descending;
  bool operator()(const Item<T>& a, const Item<T>& b) const {
    const bool less = Less(a.value, b.value), greater = Greater(a.value, b.value);
    if (less != greater) return descending ? greater : less;
    return a.index < b.index;
  }
};

// PyTorch partially sorts when k is small, and selects otherwise (native/TopKImpl.h).
template <class T, class Compare>
void Select(Item<T>* begin, Item<T>* end, int64_t k, bool sorted, const Compare& before) {
  if (k == 0) return;
  if (k * 64 <= end - begin) {
    std::partial_sort(begin, begin + k, end, before);
    return;
  }
  std::nth_element(begin, begin + k - 1, end, before);
  if (sorted) std::sort(begin, begin + k - 1, before);
}

}  // namespace

int64_t SortScratchBytes(ir::DType dtype, int64_t n, int threads) {
  int64_t item = 0;
  VisitElement(dtype, [&](auto element) { item = sizeof(Item<decltype(element)>); });
  return item * n * threads;
}

void Sort(const SortArgs& args, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    ForEachRow<T>(args, args.n, threads, [&](Item<T>* begin, Item<T>* end) {
      if (args.stable) {
        std::sort(begin, end, Before<T>{args.descending});
      } else if (args.descending) {
        std::sort(begin, end,
                  [](const Item<T>& a, const Item<T>& b) { return Greater(a.value, b.value); });
      } else {
        std::sort(begin, end,
                  [](const Item<T>& a, const Item<T>& b) { return Less(a.value, b.value); });
      }
    });
  });
}

void TopK(const SortArgs& args, int64_t k, bool sorted, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    ForEachRow<T>(args, k, threads, [&](Item<T>* begin, Item<T>* end) {
      if (args.descending) {
        Select(begin, end, k, sorted,
               [](const Item<T>& a, const Item<T>& b) { return Greater(a.value, b.value); });
      } else {
        Select(begin, end, k, sorted,
               [](const Item<T>& a, const Item<T>& b) { return Less(a.value, b.value); });
      }
    });
  });
}

void Median(const SortArgs& args, bool ignore_nan, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    if (args.n == 0) {
      if constexpr (kIsFloating<T>) {
        if (args.values == nullptr) return;
        std::fill_n(static_cast<T*>(args.values), args.outer * args.inner,
                    static_cast<T>(std::nanf("")));
      }
      return;
    }
    ForEachRow<T>(args, 1, threads, [&](Item<T>* begin, Item<T>* end) {
      std::sort(begin, end, Before<T>{false});
      // NaN is last.
      const Item<T>* first_nan = end;
      while (first_nan != begin && IsNan(first_nan[-1].value)) --first_nan;
      const int64_t numbers = first_nan - begin;
      if (first_nan != end && !(ignore_nan && numbers > 0)) {
        *begin = *first_nan;
      } else {
        *begin = begin[(numbers - 1) / 2];
      }
    });
  });
}

void KthValue(const SortArgs& args, int64_t k, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    ForEachRow<T>(args, 1, threads, [&](Item<T>* begin, Item<T>* end) {
      std::sort(begin, end, Before<T>{false});
      *begin = begin[k];
    });
  });
}

}  // namespace ingot::kernels
