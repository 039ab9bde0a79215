#include "core/base/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace ingot {
namespace {

size_t AlignUp(size_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

bool Overlap(const BufferLifetime& a, const BufferLifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

size_t LowerBound(absl::Span<const BufferLifetime> buffers) {
  // +bytes at the first step, -bytes after the last; the running sum's maximum.
  std::vector<std::pair<uint64_t, int64_t>> events;
  events.reserve(buffers.size() * 2);
  for (const BufferLifetime& b : buffers) {
    const int64_t bytes = static_cast<int64_t>(AlignUp(b.bytes));
    events.emplace_back(2 * uint64_t{b.first}, bytes);
    events.emplace_back(2 * uint64_t{b.last} + 1, -bytes);
  }
  std::sort(events.begin(), events.end());
  int64_t alive = 0, most = 0;
  for (const auto& [step, delta] : events) most = std::max(most, alive += delta);
  return static_cast<size_t>(most);
}

// The offset of the smallest gap that holds `bytes` between `placed` (sorted by offset), or the
// end.
size_t BestGap(const std::vector<std::pair<size_t, size_t>>& placed, size_t bytes) {
  size_t end = 0, best = 0, best_gap = std::numeric_limits<size_t>::max();
  for (const auto& [offset, size] : placed) {
    if (offset > end && offset - end >= bytes && offset - end < best_gap) {
      best = end;
      best_gap = offset - end;
    }
    end = std::max(end, offset + size);
  }
  return best_gap == std::numeric_limits<size_t>::max() ? end : best;
}

}  // namespace

MemoryPlan PlanMemory(absl::Span<const BufferLifetime> buffers) {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  plan.lower_bound = LowerBound(buffers);

  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });

  std::vector<size_t> done;
  std::vector<std::pair<size_t, size_t>> neighbours;  // offset, size
  for (size_t i : order) {
    const size_t bytes = AlignUp(buffers[i].bytes);
    neighbours.clear();
    for (size_t j : done) {
      if (Overlap(buffers[i], buffers[j]))
        neighbours.emplace_back(plan.offsets[j], AlignUp(buffers[j].bytes));
    }
    std::sort(neighbours.begin(), neighbours.end());
    plan.offsets[i] = BestGap(neighbours, bytes);
    plan.arena_bytes = std::max(plan.arena_bytes, plan.offsets[i] + bytes);
    done.push_back(i);
  }
  return plan;
}

}  // namespace ingot
