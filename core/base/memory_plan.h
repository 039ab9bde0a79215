// Places buffers with known lifetimes at offsets of one arena, so that buffers that are never alive
// at the same time share memory.
//
//   std::vector<BufferLifetime> buffers = {{1024, 0, 2}, {1024, 3, 4}};
//   MemoryPlan plan = PlanMemory(buffers);     // both at offset 0, plan.arena_bytes == 1024
//
// Greedy best fit by decreasing size (Pisarchyk and Lee, "Efficient Memory Management for Deep
// Neural Net Inference", arXiv 2001.03288, section 4.3): for each buffer, the smallest gap among
// the buffers placed already whose lifetimes overlap its own. Pure and deterministic.
#ifndef INGOT_CORE_BASE_MEMORY_PLAN_H_
#define INGOT_CORE_BASE_MEMORY_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace ingot {

// Every offset is a multiple of this (bytes): a cache line, and the widest vector.
inline constexpr size_t kArenaAlignment = 64;

struct BufferLifetime {
  size_t bytes = 0;
  // Steps of the first write and of the last use, both included.
  uint32_t first = 0;
  uint32_t last = 0;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  // by buffer; bytes
  size_t arena_bytes = 0;
  // The most bytes alive at one step: no plan can be smaller.
  size_t lower_bound = 0;
};

MemoryPlan PlanMemory(absl::Span<const BufferLifetime> buffers);

}  // namespace ingot

#endif  // INGOT_CORE_BASE_MEMORY_PLAN_H_
