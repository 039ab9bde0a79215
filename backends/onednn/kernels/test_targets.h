// Runs a test once for each CPU target this binary holds and this machine can run, so that the AVX2
// and scalar loops are tested on AVX-512 machines too. Test-only.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_TEST_TARGETS_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_TEST_TARGETS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hwy/targets.h"

namespace ingot::kernels {

// One bit each; the best target has the lowest.
inline std::vector<int64_t> AllTargets() {
  std::vector<int64_t> targets;
  const int64_t supported = hwy::SupportedTargets() & (HWY_TARGETS);
  for (int bit = 0; bit < 63; ++bit) {
    if ((supported >> bit) & 1) targets.push_back(int64_t{1} << bit);
  }
  return targets;
}

inline std::string TargetTestName(const testing::TestParamInfo<int64_t>& info) {
  std::string name;
  for (char c : std::string(hwy::TargetName(info.param))) {
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  }
  return name;
}

class TargetTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { Choose(GetParam()); }
  void TearDown() override { Choose(0); }

 private:
  // 0: what the machine supports.
  static void Choose(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

}  // namespace ingot::kernels

#define INGOT_FOR_ALL_TARGETS(Suite)                                                          \
  INSTANTIATE_TEST_SUITE_P(Targets, Suite, testing::ValuesIn(::ingot::kernels::AllTargets()), \
                           ::ingot::kernels::TargetTestName)

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_TEST_TARGETS_H_
