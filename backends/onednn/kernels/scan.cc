#include "backends/onednn/kernels/scan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

// Calls f(offset of a line's first element) for each of the lines.
template <class F>
void ForEachLine(const ScanArgs& args, double ns_an_element, int threads, const F& f) {
  const double work = ns_an_element * static_cast<double>(args.n) + 1;
  ParallelFor(threads, args.outer * args.inner, GrainFor(work),
              [&](int64_t begin, int64_t end, int) {
                for (int64_t line = begin; line < end; ++line) {
                  f(line / args.inner * args.n * args.inner + line % args.inner);
                }
              });
}

// log(e^a + e^b); equal infinities are their own sum.
double LogAddExp(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  const double least = std::min(a, b), most = std::max(a, b);
  if (least == most && std::isinf(least)) return least;
  return most + std::log1p(std::exp(least - most));
}

}  // namespace

void CumProd(const ScanArgs& args, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    using Product = std::conditional_t<kIsFloating<T>, double, uint64_t>;
    const T* const x = static_cast<const T*>(args.x);
    T* const y = static_cast<T*>(args.y);
    ForEachLine(args, 1.5, threads, [&](int64_t first) {
      Product product = 1;
      for (int64_t i = 0; i < args.n; ++i) {
        const int64_t at = first + i * args.inner;
        product *= static_cast<Product>(static_cast<Compute<T>>(x[at]));
        y[at] = static_cast<T>(static_cast<Compute<T>>(product));
      }
    });
  });
}

void CumLogSumExp(const ScanArgs& args, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    if constexpr (kIsFloating<T>) {
      const T* const x = static_cast<const T*>(args.x);
      T* const y = static_cast<T*>(args.y);
      ForEachLine(args, 30, threads, [&](int64_t first) {
        double sum = -std::numeric_limits<double>::infinity();
        for (int64_t i = 0; i < args.n; ++i) {
          const int64_t at = first + i * args.inner;
          sum = LogAddExp(sum, static_cast<double>(static_cast<Compute<T>>(x[at])));
          y[at] = static_cast<T>(static_cast<Compute<T>>(sum));
        }
      });
    }
  });
}

void CumExtreme(const ScanArgs& args, bool max, int64_t* indices, int threads) {
  VisitElement(args.dtype, [&](auto element) {
    using T = decltype(element);
    const T* const x = static_cast<const T*>(args.x);
    T* const y = static_cast<T*>(args.y);
    ForEachLine(args, 2, threads, [&](int64_t first) {
      T best = args.n > 0 ? x[first] : T{};
      int64_t place = 0;
      for (int64_t i = 0; i < args.n; ++i) {
        const int64_t at = first + i * args.inner;
        const auto value = static_cast<Compute<T>>(x[at]), known = static_cast<Compute<T>>(best);
        if (IsNan(value) || (!IsNan(known) && (max ? value >= known : value <= known))) {
          best = x[at];
          place = i;
        }
        y[at] = best;
        if (indices != nullptr) indices[at] = place;
      }
    });
  });
}

}  // namespace ingot::kernels
