#include "tests/fuzz/graphs/shrink.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/fuzz/graphs/transform.h"

namespace ingot::fuzz {
namespace {

using Removal = absl::StatusOr<Case> (*)(const Case&, const std::vector<bool>&);

class Shrinker {
 public:
  Shrinker(Case c, absl::FunctionRef<bool(const Case&)> fails, int attempts)
      : case_(std::move(c)), fails_(fails), attempts_(attempts) {}

  Case Run() {
    for (bool changed = true; changed && attempts_ > 0;) {
      changed = Remove(&WithoutOutputs, [&] { return case_.graph.outputs().size(); });
      changed |= Remove(&Without, [&] { return case_.graph.nodes().size(); });
      changed |= Resize();
    }
    return std::move(case_);
  }

 private:
  bool Accept(absl::StatusOr<Case> candidate) {
    if (!candidate.ok() || attempts_ <= 0) return false;
    --attempts_;
    if (!fails_(*candidate)) return false;
    case_ = *std::move(candidate);
    return true;
  }

  template <typename Count>
  bool Remove(Removal removal, Count count) {
    bool changed = false;
    for (size_t chunk = (count() + 1) / 2; chunk > 0; chunk = chunk == 1 ? 0 : (chunk + 1) / 2) {
      // From the end: later nodes need earlier ones.
      for (size_t end = count(); end > 0 && end <= count();) {
        const size_t begin = end > chunk ? end - chunk : 0;
        std::vector<bool> removed(count(), false);
        std::fill(removed.begin() + static_cast<std::ptrdiff_t>(begin),
                  removed.begin() + static_cast<std::ptrdiff_t>(end), true);
        if (Accept(removal(case_, removed))) changed = true;
        end = std::min(begin, count());
      }
    }
    return changed;
  }

  bool Resize() {
    bool changed = false;
    std::set<int64_t> sizes;
    for (const ir::InputSpec& input : case_.graph.inputs()) {
      const ir::Dims& dims = case_.graph.type(input.value).dims;
      sizes.insert(dims.begin(), dims.end());
    }
    for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
      for (int64_t smaller = 1; smaller < *size; ++smaller) {
        if (!Accept(Resized(case_, *size, smaller))) continue;
        changed = true;
        break;
      }
    }
    return changed;
  }

  Case case_;
  absl::FunctionRef<bool(const Case&)> fails_;
  int attempts_;
};

}  // namespace

Case Shrink(Case c, absl::FunctionRef<bool(const Case&)> fails, int max_attempts) {
  return Shrinker(std::move(c), fails, max_attempts).Run();
}

}  // namespace ingot::fuzz
