#include "core/base/memory_plan.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

TEST(PlanMemoryTest, NoBuffersNeedNoArena) {
  MemoryPlan plan = PlanMemory({});
  EXPECT_EQ(plan.arena_bytes, 0u);
  EXPECT_EQ(plan.lower_bound, 0u);
}

TEST(PlanMemoryTest, BuffersThatAreNeverAliveTogetherShareMemory) {
  const BufferLifetime buffers[] = {{1024, 0, 2}, {1024, 3, 4}};
  MemoryPlan plan = PlanMemory(buffers);
  EXPECT_THAT(plan.offsets, testing::ElementsAre(0u, 0u));
  EXPECT_EQ(plan.arena_bytes, 1024u);
}

TEST(PlanMemoryTest, AStepThatReadsOneBufferAndWritesAnotherKeepsThemApart) {
  const BufferLifetime buffers[] = {{64, 0, 1}, {64, 1, 2}};
  MemoryPlan plan = PlanMemory(buffers);
  EXPECT_NE(plan.offsets[0], plan.offsets[1]);
}

TEST(PlanMemoryTest, TheSmallestFittingGapIsTaken) {
  // 0 and 3 leave a gap of 256 after step 0; buffer 4 fits there.
  const BufferLifetime buffers[] = {{512, 0, 9}, {256, 0, 0}, {128, 0, 9}, {192, 5, 9}};
  MemoryPlan plan = PlanMemory(buffers);
  EXPECT_EQ(plan.offsets[3], plan.offsets[1]);
  EXPECT_EQ(plan.arena_bytes, plan.lower_bound);
}

TEST(PlanMemoryTest, RandomPlansNeverOverlapAndStayNearTheLowerBound) {
  std::mt19937 rng(7);
  double worst = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<BufferLifetime> buffers(1 + rng() % 60);
    for (BufferLifetime& b : buffers) {
      b.bytes = rng() % 5000;
      b.first = rng() % 40;
      b.last = b.first + rng() % 8;
    }
    MemoryPlan plan = PlanMemory(buffers);
    for (size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % kArenaAlignment, 0u);
      EXPECT_LE(plan.offsets[i] + buffers[i].bytes, plan.arena_bytes);
      for (size_t j = 0; j < i; ++j) {
        const bool together =
            buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
        const bool apart = plan.offsets[i] + buffers[i].bytes <= plan.offsets[j] ||
                           plan.offsets[j] + buffers[j].bytes <= plan.offsets[i];
        EXPECT_TRUE(!together || apart || buffers[i].bytes == 0 || buffers[j].bytes == 0);
      }
    }
    if (plan.lower_bound > 0) worst = std::max(worst, double(plan.arena_bytes) / plan.lower_bound);
  }
  EXPECT_LT(worst, 1.5);
}

}  // namespace
}  // namespace ingot
