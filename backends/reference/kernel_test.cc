#include "backends/reference/kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/reference/kernels/families.h"
#include "backends/reference/kernels/philox.h"
#include "core/ops/registry.h"

namespace ingot::reference {
namespace {

using testing::ElementsAre;

// Their results are compared with LibTorch in tests/conformance.
TEST(KernelTest, EveryOpOfTheRegistryHasOne) {
  for (const ops::OpDef* def : ops::AllOps()) {
    const Kernel* kernel = FindKernel(def->schema.op);
    ASSERT_NE(kernel, nullptr) << def->schema.op;
    EXPECT_EQ(kernel->op, def->schema.op);
  }
}

TEST(KernelTest, EveryKernelIsOfAnOpAndThereIsOneAnOp) {
  size_t count = 0;
  for (auto family :
       {PointwiseKernels, ActivationKernels, MatmulKernels, ConvKernels, PoolKernels, NormKernels,
        AttentionKernels, IndexKernels, ReduceKernels, ViewKernels, ShapeKernels, RandomKernels,
        RnnKernels, SpecialKernels, ScanKernels, ResampleKernels, ScatterKernels}) {
    for (const Kernel& kernel : family()) {
      EXPECT_NE(ops::FindOp(kernel.op), nullptr) << kernel.op;
      ++count;
    }
  }
  EXPECT_EQ(count, ops::AllOps().size());
}

// Known answers of the authors' Random123 library (kat_vectors, philox4x32 10).
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(
      Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
      ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

}  // namespace
}  // namespace ingot::reference
