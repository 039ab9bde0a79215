#include "backends/onednn/kernels/gemm_blocking.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace ingot::kernels::internal {
namespace {

constexpr GemmLimits kAvx2 = {16, 6, 256, 256, 0, true};
constexpr GemmLimits kAvx512 = {32, 14, 512, 768, kResidentElements, false};

constexpr GemmProblem kProblems[] = {
    {.n = 40, .k = 100, .rows = 1, .lda = 100},
    {.n = 1536, .k = 384, .rows = 512, .lda = 384},
    {.n = 50257, .k = 768, .rows = 64, .lda = 768},
    {.n = 768, .k = 3072, .rows = 197, .lda = 3072},
    {.n = 128, .k = 576, .taps = 9, .groups = 28, .rows = 28, .lda = 64},
    {.n = 33, .k = 9 * 300, .taps = 9, .groups = 3, .rows = 5, .lda = 300},
};

TEST(GemmBlockingTest, UnitsCoverTheRowsOfEachGroupOnce) {
  for (const GemmLimits& limits : {kAvx2, kAvx512}) {
    for (const GemmProblem& problem : kProblems) {
      const GemmBlocking b = BlockGemm(limits, problem);
      UnitCursor at(b, 0);
      for (int64_t group = 0; group < problem.groups; ++group) {
        for (int64_t row = 0; row < problem.rows; row += at.rows(), at.Advance(1)) {
          ASSERT_EQ(at.group(), group);
          ASSERT_EQ(at.first(), row);
          ASSERT_GT(at.rows(), 0);
          ASSERT_LE(at.rows(), limits.max_rows);
          ASSERT_GT(at.alike(), 0);
        }
      }
      EXPECT_EQ(at.group(), problem.groups);
    }
  }
}

TEST(GemmBlockingTest, PassesTakeEachUnitAndPanelThroughAllOfKInOrder) {
  for (const GemmLimits& limits : {kAvx2, kAvx512}) {
    for (const GemmProblem& problem : kProblems) {
      const GemmBlocking b = BlockGemm(limits, problem);
      const std::vector<int64_t> taps(problem.taps);
      // Weights' rows that are done for a unit and a panel.
      std::map<std::pair<int64_t, int64_t>, int64_t> rows;
      const GemmPart part = {b.units / 3, b.units, b.panels / 2, b.panels};
      for (GemmPasses passes(b, taps, problem.k, part); !passes.done(); passes.Advance()) {
        const GemmPass pass = passes.Get();
        // Whole taps are rounded up.
        ASSERT_LT(pass.block.size(), 2 * limits.max_k_block);
        for (int64_t unit = pass.part.unit_begin; unit < pass.part.unit_end; ++unit) {
          for (int64_t panel = pass.part.panel_begin; panel < pass.part.panel_end; ++panel) {
            int64_t& done = rows[{unit, panel}];
            ASSERT_EQ(done, pass.block.row);
            done += pass.block.size();
            ASSERT_EQ(pass.block.last, done == problem.k);
          }
        }
      }
      EXPECT_EQ(rows.size(), static_cast<size_t>((part.unit_end - part.unit_begin) *
                                                 (part.panel_end - part.panel_begin)));
      for (const auto& [place, done] : rows) EXPECT_EQ(done, problem.k);
    }
  }
}

TEST(GemmBlockingTest, SumsAreKeptWhereSeveralBlocksOfKNeedThem) {
  EXPECT_FALSE(BlockGemm(kAvx2, {.n = 64, .k = 256, .rows = 100, .lda = 256}).keep_sums);
  EXPECT_TRUE(BlockGemm(kAvx2, {.n = 64, .k = 257, .rows = 100, .lda = 257}).keep_sums);
  EXPECT_FALSE(BlockGemm(kAvx512, {.n = 64, .k = 769, .rows = 100, .lda = 769}).keep_sums);
  // The result can't hold them.
  GemmProblem problem = {.n = 64, .k = 769, .rows = 100, .lda = 769, .keeps_sums = true};
  EXPECT_TRUE(BlockGemm(kAvx512, problem).keep_sums);
  problem.k = 768;
  EXPECT_FALSE(BlockGemm(kAvx512, problem).keep_sums);
}

TEST(GemmBlockingTest, AShortKIsOneBlockAndALongerOneIsCutEvenly) {
  EXPECT_EQ(BlockGemm(kAvx512, {.n = 64, .k = 768, .rows = 100, .lda = 768}).k_block, 768);
  EXPECT_EQ(BlockGemm(kAvx512, {.n = 64, .k = 769, .rows = 100, .lda = 769}).k_block, 400);
  EXPECT_EQ(BlockGemm(kAvx2, {.n = 64, .k = 257, .rows = 100, .lda = 257}).k_block, 144);
  GemmProblem convolution = {.n = 64, .k = 9 * 64, .taps = 9, .groups = 56, .rows = 56, .lda = 64};
  EXPECT_EQ(BlockGemm(kAvx512, convolution).tap_block, 9);
  EXPECT_EQ(BlockGemm(kAvx2, convolution).tap_block, 3);
}

int64_t UsedForSums(const GemmBlocking& b) {
  return b.keep_sums ? b.chunk_units * kAvx2.max_rows * b.group_panels * kAvx2.panel : 0;
}

int64_t UsedForCopies(const GemmBlocking& b) {
  return b.copy_rows ? std::min(b.chunk_units, b.units) * kAvx2.max_rows * b.copy_stride : 0;
}

TEST(GemmBlockingTest, KeptSumsAndTheRowsBesideThemFitL2) {
  for (const GemmProblem& problem : kProblems) {
    const GemmBlocking b = BlockGemm(kAvx2, problem);
    if (!b.keep_sums) continue;
    const int64_t rows = b.chunk_units * kAvx2.max_rows;
    EXPECT_LE(UsedForSums(b) + rows * b.k_block * b.tap_block, 128 * 1024) << problem.n;
  }
}

TEST(GemmBlockingTest, RoomForAProblemIsEnoughForOneOfFewerRows) {
  for (int64_t n : {16, 100, 1536, 50257}) {
    for (int64_t k : {300, 512, 3072}) {
      int64_t copies = 0, sums = 0;
      for (int64_t rows = 1; rows < 400; ++rows) {
        const GemmBlocking b = BlockGemm(kAvx2, {.n = n, .k = k, .rows = rows, .lda = k});
        ASSERT_GE(CopyElements(kAvx2, b), copies) << n << " " << k << " " << rows;
        ASSERT_GE(SumElements(kAvx2, b), sums) << n << " " << k << " " << rows;
        copies = CopyElements(kAvx2, b);
        sums = SumElements(kAvx2, b);
        ASSERT_GE(copies, UsedForCopies(b)) << n << " " << k << " " << rows;
        ASSERT_GE(sums, UsedForSums(b)) << n << " " << k << " " << rows;
      }
    }
  }
}

TEST(GemmBlockingTest, NoRowsOrNoInnerDimensionAreNoUnitsOrOneEmptyPass) {
  const GemmBlocking none = BlockGemm(kAvx2, {.n = 16, .k = 300, .rows = 0, .lda = 300});
  EXPECT_EQ(none.units, 0);
  const GemmBlocking empty = BlockGemm(kAvx2, {.n = 16, .k = 0, .rows = 3, .lda = 0});
  const std::vector<int64_t> taps = {0};
  GemmPasses passes(empty, taps, 0, {0, empty.units, 0, empty.panels});
  ASSERT_FALSE(passes.done());
  EXPECT_TRUE(passes.Get().block.last);
  EXPECT_EQ(passes.Get().block.size(), 0);
  passes.Advance();
  EXPECT_TRUE(passes.done());
}

}  // namespace
}  // namespace ingot::kernels::internal
