#include "backends/onednn/kernels/table_copy.h"

#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {

void TableCopy(const TableCopyArgs& args, int threads) {
  static const std::vector<int64_t>* const kOne = new std::vector<int64_t>{0};
  const std::vector<int64_t>* tables[3] = {kOne, kOne, kOne};
  const size_t rank = args.offsets.size();
  for (size_t d = 0; d < rank; ++d) tables[3 - rank + d] = &args.offsets[d];
  const auto elements =
      static_cast<int64_t>(tables[0]->size() * tables[1]->size() * tables[2]->size());
  VisitSize(args.element_size, [&](auto element) {
    using T = decltype(element);
    ParallelFor(threads, args.planes, GrainFor(static_cast<double>(elements)),
                [&](int64_t begin, int64_t end, int) {
                  T* to = static_cast<T*>(args.y) + begin * elements;
                  for (int64_t plane = begin; plane < end; ++plane) {
                    const T* const x = static_cast<const T*>(args.x) + plane * args.plane_elements;
                    for (const int64_t d : *tables[0]) {
                      for (const int64_t h : *tables[1]) {
                        for (const int64_t w : *tables[2]) *to++ = x[d + h + w];
                      }
                    }
                  }
                });
  });
}

}  // namespace ingot::kernels
