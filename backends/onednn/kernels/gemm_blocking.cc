#include "backends/onednn/kernels/gemm_blocking.h"

#include <algorithm>
#include <cstdint>

#include "hwy/base.h"

namespace ingot::kernels::internal {
namespace {

// Elements of the left factor that a chunk keeps in L2 beside a panel.
constexpr int64_t kChunkElements = 96 * 1024;
constexpr int64_t kLineFloats = 16;
// Chunks whose sums are kept: rows, and panels for which it is worth bringing their rows into L2.
constexpr int64_t kMaxKeptRows = 128;
constexpr int64_t kMinGroupPanels = 8;
// Rows that are a multiple of half a page apart fall into two sets of an 8-way L1 cache of 32 KiB.
constexpr int64_t kConflictStride = 512;
constexpr int64_t kMinRowsToCopy = 4;

// Of chunks of this many units or fewer.
int64_t MostKeptRows(const GemmLimits& limits, const GemmBlocking& b) {
  return std::min(b.units, kMaxKeptRows / limits.max_rows) * limits.max_rows;
}

// Chunks as even as can be, and as many panels as L2 holds sums for, beside the chunk's rows of
// this block of k and of the next.
void KeepSums(const GemmLimits& limits, int64_t block, GemmBlocking& b) {
  b.keep_sums = true;
  const int64_t chunks = hwy::DivCeil(b.units, kMaxKeptRows / limits.max_rows);
  b.chunk_units = std::max<int64_t>(hwy::DivCeil(b.units, std::max<int64_t>(chunks, 1)), 1);
  const int64_t columns = kChunkElements / (b.chunk_units * limits.max_rows) - 2 * block;
  b.group_panels = std::min(b.group_panels, std::max(columns / limits.panel, kMinGroupPanels));
}

}  // namespace

GemmBlocking BlockGemm(const GemmLimits& limits, const GemmProblem& problem) {
  GemmBlocking b;
  const int64_t k = problem.k, taps = problem.taps, rows = problem.rows;
  const int64_t tap_size = k / taps;
  b.panels = hwy::DivCeil(problem.n, limits.panel);
  b.units_a_group = hwy::DivCeil(rows, limits.max_rows);
  b.units = problem.groups * b.units_a_group;
  b.unit_rows = rows / std::max<int64_t>(b.units_a_group, 1);
  b.longer_units = rows % std::max<int64_t>(b.units_a_group, 1);
  const int64_t most = k <= limits.max_whole_k ? limits.max_whole_k : limits.max_k_block;
  const int64_t blocks = std::max<int64_t>(hwy::DivCeil(tap_size, most), 1);
  b.k_block = blocks == 1 ? tap_size
                          : hwy::DivCeil(hwy::DivCeil(tap_size, blocks), kLineFloats) * kLineFloats;
  if (blocks == 1) b.tap_block = hwy::DivCeil(taps, std::max<int64_t>(hwy::DivCeil(k, most), 1));
  const int64_t block = std::max<int64_t>(b.k_block * b.tap_block, 1);
  b.chunk_units = std::max<int64_t>(kChunkElements / (block * limits.max_rows), 1);
  b.group_panels = std::max<int64_t>(b.panels, 1);
  if ((limits.keeps_sums || problem.keeps_sums) && block < k) KeepSums(limits, block, b);
  b.rows_first = block >= k && problem.n * k <= limits.rows_first_elements;
  // Not for the rows of convolutions, which several taps share.
  b.copy_rows = taps == 1 && problem.lda % kConflictStride == 0 && rows >= kMinRowsToCopy && k > 0;
  b.copy_stride = hwy::DivCeil(b.k_block, kLineFloats) * kLineFloats + kLineFloats;
  return b;
}

int64_t CopyElements(const GemmLimits& limits, const GemmBlocking& blocking) {
  if (!blocking.copy_rows) return 0;
  const int64_t rows =
      blocking.keep_sums ? MostKeptRows(limits, blocking) : blocking.chunk_units * limits.max_rows;
  return rows * blocking.copy_stride;
}

int64_t SumElements(const GemmLimits& limits, const GemmBlocking& blocking) {
  if (!blocking.keep_sums) return 0;
  // Fewer rows may have larger chunks, or more panels a group, but not more than L2 is to hold.
  return std::min(MostKeptRows(limits, blocking) * blocking.panels * limits.panel, kChunkElements);
}

GemmPasses::GemmPasses(const GemmBlocking& blocking, absl::Span<const int64_t> taps, int64_t k,
                       const GemmPart& part)
    : blocking_(blocking),
      taps_(taps),
      tap_size_(k / static_cast<int64_t>(taps.size())),
      part_(part),
      unit_(part.unit_begin),
      panel_(part.panel_begin) {}

GemmPass GemmPasses::Get() const {
  GemmPass pass;
  pass.part = {unit_, std::min(unit_ + blocking_.chunk_units, part_.unit_end), panel_,
               std::min(panel_ + blocking_.group_panels, part_.panel_end)};
  pass.block.taps = taps_.subspan(static_cast<size_t>(tap_), static_cast<size_t>(taps()));
  pass.block.first = k_;
  pass.block.k = elements();
  pass.block.row = tap_ * tap_size_ + k_;
  pass.block.last = tap_ + taps() == all_taps() && k_ + elements() == tap_size_;
  return pass;
}

void GemmPasses::Advance() {
  k_ += elements();
  if (k_ < tap_size_) return;
  k_ = 0;
  tap_ += taps();
  if (tap_ < all_taps()) return;
  tap_ = 0;
  unit_ += blocking_.chunk_units;
  if (unit_ < part_.unit_end) return;
  panel_ += blocking_.group_panels;
  if (panel_ < part_.panel_end) unit_ = part_.unit_begin;
}

}  // namespace ingot::kernels::internal
