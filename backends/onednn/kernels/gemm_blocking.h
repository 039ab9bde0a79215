// How a product with a packed right factor is cut into blocks for the caches, and in which order
// they come. For packed_gemm.cc.
//
//   GemmBlocking b = BlockGemm(limits, {.n = n, .k = k, .taps = 1, .groups = 1, .rows = m, .lda =
//   k}); for (GemmPasses passes(b, taps, k, part); !passes.done(); passes.Advance())
//   Run(passes.Get());
//
// Rows are counted in units, which one tile covers; columns in panels. Goto and van de Geijn,
// "Anatomy of High-Performance Matrix Multiplication" (2008), has the reasons: a block of a panel
// stays in L1 while a chunk of rows, which stays in L2, passes by.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_GEMM_BLOCKING_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_GEMM_BLOCKING_H_

#include <algorithm>
#include <cstdint>

#include "absl/types/span.h"

namespace ingot::kernels::internal {

// Elements of a right factor that may stay in L2 while the rows pass by.
inline constexpr int64_t kResidentElements = 96 * 1024;

// What a CPU target's tiles take, and what serves them.
struct GemmLimits {
  int64_t panel = 0;  // columns
  int64_t max_rows = 0;
  int64_t max_k_block = 0;
  int64_t max_whole_k = 0;          // a k of at most this is one block; at least max_k_block
  int64_t rows_first_elements = 0;  // right factors of at most so many pass by row after row
  bool keeps_sums = false;          // if there are several blocks of k
};

// Sizes in elements; see PackedGemmArgs.
struct GemmProblem {
  int64_t n = 0, k = 0;  // k: of all taps
  int64_t taps = 1;
  int64_t groups = 1, rows = 0, lda = 0;  // rows: of each group
  bool keeps_sums = false;                // whatever the limits say: the result can't hold them
};

// A unit is a run of rows that one tile covers: as even as can be, the first `longer_units` of a
// group have one row more than `unit_rows`.
struct GemmBlocking {
  int64_t panels = 0;
  int64_t units_a_group = 0, units = 0;
  int64_t unit_rows = 0, longer_units = 0;
  int64_t k_block = 0;      // of one tap: a multiple of 4 unless it is all of it
  int64_t tap_block = 1;    // taps done together; 1 unless k_block is all of one
  int64_t chunk_units = 0;  // whose left rows stay in L2
  // Panels that a chunk takes through all blocks of k before the next ones.
  int64_t group_panels = 0;
  bool keep_sums = false;   // meanwhile, in memory of the thread's own instead of the result
  bool rows_first = false;  // all panels stay in L2: row by row, as results are written in order
  bool copy_rows = false;   // they would fall into the same few sets of L1
  int64_t copy_stride = 0;  // elements between copied rows
};

GemmBlocking BlockGemm(const GemmLimits& limits, const GemmProblem& problem);

// Elements that are enough for one thread's copied rows and kept sums, of this problem or of one
// that has fewer rows or groups: multiples of a line.
int64_t CopyElements(const GemmLimits& limits, const GemmBlocking& blocking);
int64_t SumElements(const GemmLimits& limits, const GemmBlocking& blocking);

// A unit, which goes on to later ones without dividing.
class UnitCursor {
 public:
  UnitCursor(const GemmBlocking& blocking, int64_t unit)
      : blocking_(&blocking),
        group_(unit / blocking.units_a_group),
        place_(unit % blocking.units_a_group) {}

  int64_t group() const { return group_; }
  // The first row within the group, and the number of rows.
  int64_t first() const {
    return place_ * blocking_->unit_rows + std::min(place_, blocking_->longer_units);
  }
  int64_t rows() const { return blocking_->unit_rows + (is_longer() ? 1 : 0); }
  // How many units from this one on have as many rows and lie in its group.
  int64_t alike() const {
    return (is_longer() ? blocking_->longer_units : blocking_->units_a_group) - place_;
  }
  // REQUIRES: count <= alike().
  void Advance(int64_t count) {
    place_ += count;
    if (place_ < blocking_->units_a_group) return;
    place_ = 0;
    ++group_;
  }

 private:
  bool is_longer() const { return place_ < blocking_->longer_units; }

  const GemmBlocking* blocking_;
  int64_t group_, place_;  // place_: within the group
};

// A block of the inner dimension: `k` elements from `first` on of each of `taps`, the weights' rows
// being `row` and following.
struct KBlock {
  absl::Span<const int64_t> taps;
  int64_t first = 0, k = 0;
  int64_t row = 0;
  bool last = false;
  int64_t size() const { return k * static_cast<int64_t>(taps.size()); }
};

// What one thread does of a product.
struct GemmPart {
  int64_t unit_begin = 0, unit_end = 0;
  int64_t panel_begin = 0, panel_end = 0;
};

// A chunk of units by a group of panels over one block of k.
struct GemmPass {
  GemmPart part;
  KBlock block;
};

// The passes of a part in their order: all chunks by a group of panels, whose weights are still in
// the shared cache when the next chunk comes, and each through all blocks of k.
class GemmPasses {
 public:
  // `blocking` and `taps` must outlive it. k: of all taps.
  GemmPasses(const GemmBlocking& blocking, absl::Span<const int64_t> taps, int64_t k,
             const GemmPart& part);

  bool done() const { return unit_ >= part_.unit_end || panel_ >= part_.panel_end; }
  // REQUIRES: !done().
  GemmPass Get() const;
  void Advance();

 private:
  int64_t all_taps() const { return static_cast<int64_t>(taps_.size()); }
  int64_t taps() const { return std::min(blocking_.tap_block, all_taps() - tap_); }
  int64_t elements() const { return std::min(blocking_.k_block, tap_size_ - k_); }

  const GemmBlocking& blocking_;
  const absl::Span<const int64_t> taps_;
  const int64_t tap_size_;
  const GemmPart part_;
  int64_t unit_, panel_, tap_ = 0, k_ = 0;
};

}  // namespace ingot::kernels::internal

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_GEMM_BLOCKING_H_
