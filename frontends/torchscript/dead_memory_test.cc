#include "frontends/torchscript/dead_memory.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <vector>

namespace ingot::torchscript {
namespace {

constexpr int64_t kElements = DeadMemory::kMinBytes / sizeof(float);

// What a recording keeps of one call.
class Kept {
 public:
  explicit Kept(DeadMemory& dead) : dead_(dead) {}
  void Add(const at::Tensor& tensor) {
    tensors_.push_back(tensor);
    tensors_.push_back(tensor);
    dead_.Hold(tensor, 2);
  }
  bool HasMemory(size_t i) const { return tensors_[2 * i].storage().data() != nullptr; }

 private:
  DeadMemory& dead_;
  std::vector<at::Tensor> tensors_;
};

bool All(const c10::StorageImpl*) { return true; }

TEST(DeadMemoryTest, FreesWhatOnlyTheRecordingRefersTo) {
  DeadMemory dead;
  Kept kept(dead);
  at::Tensor a = at::ones({kElements}), b = at::ones({kElements});
  kept.Add(a);
  kept.Add(b);
  a.reset();
  dead.Collect(&All);
  EXPECT_FALSE(kept.HasMemory(0));
  EXPECT_TRUE(kept.HasMemory(1));
  EXPECT_EQ(b.sum().item<float>(), static_cast<float>(kElements));
  b.reset();
  dead.Collect(&All);
  EXPECT_FALSE(kept.HasMemory(1));
}

TEST(DeadMemoryTest, AnObjectMayBeHeldSeveralTimes) {
  DeadMemory dead;
  Kept kept(dead);
  at::Tensor a = at::ones({kElements});
  kept.Add(a);
  kept.Add(a);
  dead.Collect(&All);
  EXPECT_TRUE(kept.HasMemory(0));
  a.reset();
  dead.Collect(&All);
  EXPECT_FALSE(kept.HasMemory(0));
}

TEST(DeadMemoryTest, ViewsKeepTheirBase) {
  for (const bool grad : {false, true}) {
    const at::AutoGradMode mode(grad);
    DeadMemory dead;
    Kept kept(dead);
    at::Tensor base = at::ones({2, kElements});
    at::Tensor view = base.select(0, 1);
    kept.Add(base);
    kept.Add(view);
    base.reset();
    dead.Collect(&All);
    EXPECT_TRUE(kept.HasMemory(0)) << "grad mode " << grad;
    view.reset();
    dead.Collect(&All);
    EXPECT_FALSE(kept.HasMemory(0)) << "grad mode " << grad;
  }
}

TEST(DeadMemoryTest, AViewsBaseMayBeUnknown) {
  DeadMemory dead;
  Kept kept(dead);
  at::Tensor view = at::ones({2, kElements}).view({kElements, 2});
  kept.Add(view);
  dead.Collect(&All);
  EXPECT_TRUE(kept.HasMemory(0));
  view.reset();
  dead.Collect(&All);
  EXPECT_FALSE(kept.HasMemory(0));
}

TEST(DeadMemoryTest, ReferencesToTheStorageAloneCount) {
  DeadMemory dead;
  Kept kept(dead);
  at::Tensor a = at::ones({kElements});
  const c10::Storage storage = a.storage();
  kept.Add(a);
  a.reset();
  dead.Collect(&All);
  EXPECT_TRUE(kept.HasMemory(0));
}

TEST(DeadMemoryTest, OnlyWhatIsAllowedIsFreed) {
  DeadMemory dead;
  Kept kept(dead);
  kept.Add(at::ones({kElements}));
  dead.Collect([](const c10::StorageImpl*) { return false; });
  EXPECT_TRUE(kept.HasMemory(0));
}

TEST(DeadMemoryTest, SmallMemoryStays) {
  DeadMemory dead;
  Kept kept(dead);
  kept.Add(at::ones({kElements - 1}));
  dead.Collect(&All);
  EXPECT_TRUE(kept.HasMemory(0));
}

TEST(DeadMemoryTest, FindsAllInTurnHoweverManyLive) {
  DeadMemory dead;
  Kept kept(dead);
  std::vector<at::Tensor> live;
  for (int i = 0; i < 300; ++i) {
    live.push_back(at::ones({kElements}));
    kept.Add(live.back());
  }
  live.erase(live.begin() + 100, live.begin() + 200);
  for (int i = 0; i < 10; ++i) dead.Collect(&All);
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(kept.HasMemory(i), i < 100 || i >= 200) << i;
}

}  // namespace
}  // namespace ingot::torchscript
