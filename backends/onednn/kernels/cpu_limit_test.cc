#include "backends/onednn/kernels/cpu_limit.h"

#include "backends/onednn/kernels/packed_gemm.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"

namespace ingot::kernels {
namespace {

class LimitCpuTest : public testing::Test {
 protected:
  void TearDown() override { LimitCpu(CpuLimit::kAvx512Bf16); }

  const int64_t machine_ = hwy::SupportedTargets();
  const bool machine_has_bf16_ = PackedGemm::HasBf16();
};

TEST_F(LimitCpuTest, TakesAwayWhatIsAboveIt) {
  LimitCpu(CpuLimit::kAvx512);
  EXPECT_EQ(hwy::SupportedTargets(), machine_);
  EXPECT_FALSE(PackedGemm::HasBf16());
  LimitCpu(CpuLimit::kAvx2);
  EXPECT_EQ(hwy::SupportedTargets(), machine_ & ~(HWY_AVX3 | HWY_AVX3_DL));
  EXPECT_FALSE(PackedGemm::HasBf16());
  LimitCpu(CpuLimit::kBaseline);
  EXPECT_EQ(hwy::SupportedTargets() & (HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL), 0);
}

TEST_F(LimitCpuTest, CanBeLifted) {
  LimitCpu(CpuLimit::kBaseline);
  LimitCpu(CpuLimit::kAvx512Bf16);
  EXPECT_EQ(hwy::SupportedTargets(), machine_);
  EXPECT_EQ(PackedGemm::HasBf16(), machine_has_bf16_);
}

}  // namespace
}  // namespace ingot::kernels
