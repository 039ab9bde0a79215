#include "backends/onednn/kernels/cpu_limit.h"

#include <atomic>
#include <cstdint>

#include "hwy/targets.h"

namespace ingot::kernels {
namespace {

std::atomic<bool> bf16_is_within_limit{true};

}  // namespace

void LimitCpu(CpuLimit limit) {
  int64_t disabled = 0;
  if (limit < CpuLimit::kAvx512) disabled |= HWY_AVX3 | HWY_AVX3_DL;
  if (limit < CpuLimit::kAvx2) disabled |= HWY_AVX2;
  hwy::DisableTargets(disabled);
  bf16_is_within_limit = limit >= CpuLimit::kAvx512Bf16;
}

bool IsBf16WithinLimit() { return bf16_is_within_limit; }

}  // namespace ingot::kernels
