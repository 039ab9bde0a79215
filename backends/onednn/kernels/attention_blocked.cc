#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "backends/onednn/kernels/attention_plan.h"
#include "backends/onednn/kernels/transpose.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/attention_blocked.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kPanel = 2 * kN;
constexpr float kLog2E = 1.44269504f;

// Rows of a register tile: with two vectors of columns, 24 accumulators of 32 registers or 12
// of 16.
#if HWY_TARGET <= HWY_AVX3
constexpr int kTileRows = 12;
constexpr int kTileStep = 16;  // rows a packed tile has room for
#elif HWY_TARGET <= HWY_AVX2
constexpr int kTileRows = 6;
constexpr int kTileStep = 8;
#else
constexpr int kTileRows = 4;
constexpr int kTileStep = 4;
#endif
static_assert(kQueryBlock % kTileRows == 0);
static_assert(kQueryBlock / kTileRows * kTileStep <= kPackedQueries);

HWY_INLINE F32 Splat(float value) { return hn::Set(kTag, value); }

// c[m, n] = (alpha[m] * c[m, n] or 0) + sum_k a[k * kStepK + m * kStepM] * b[k, n], for kRows x
// (kVectors * lanes). b has dense rows. All steps known to the compiler: the inner loop is
// broadcasts and FMAs off two pointers.
template <int kRows, int kVectors, int64_t kStepK, int64_t kStepM>
HWY_INLINE void MultiplyTile(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t k,
                             const float* alpha, float* HWY_RESTRICT c, int64_t c_stride) {
  F32 sum[kRows][kVectors];
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 2
    for (int n = 0; n < kVectors; ++n) {
      sum[m][n] = alpha == nullptr
                      ? hn::Zero(kTag)
                      : hn::Mul(hn::LoadU(kTag, c + m * c_stride + n * kN), Splat(alpha[m]));
    }
  }
  for (int64_t i = 0; i < k; ++i) {
    F32 column[kVectors];
#pragma GCC unroll 2
    for (int n = 0; n < kVectors; ++n) column[n] = hn::LoadU(kTag, b + n * kN);
#pragma GCC unroll 12
    for (int m = 0; m < kRows; ++m) {
      const F32 factor = Splat(a[m * kStepM]);
#pragma GCC unroll 2
      for (int n = 0; n < kVectors; ++n) sum[m][n] = hn::MulAdd(factor, column[n], sum[m][n]);
    }
    a += kStepK;
    b += kVectors * kN;
  }
#pragma GCC unroll 12
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 2
    for (int n = 0; n < kVectors; ++n) hn::StoreU(sum[m][n], kTag, c + m * c_stride + n * kN);
  }
}

// Rows of the register tile that the next `rows` rows start with: the largest that is not mostly
// padding.
int TileRowsFor(int64_t rows) {
  if (rows >= kTileRows) return kTileRows;
  for (int size : {1, 2, 4, 8}) {
    if (rows <= size && size < kTileRows) return size;
  }
  return kTileRows;
}

// Calls f(integral_constant<int, rows>) for a result of TileRowsFor.
template <class F>
HWY_INLINE void WithTileRows(int rows, const F& f) {
  switch (rows) {
    case 1:
      return f(std::integral_constant<int, 1>());
    case 2:
      return f(std::integral_constant<int, 2>());
    case 4:
      return f(std::integral_constant<int, 4>());
    default:
      if constexpr (kTileRows > 6) {
        if (rows == 8) return f(std::integral_constant<int, 8>());
      }
      return f(std::integral_constant<int, kTileRows>());
  }
}

// Vectors of the panel that starts with `columns` columns left.
HWY_INLINE int VectorsFor(int64_t columns) { return columns > kN ? 2 : 1; }

template <int kRows, int64_t kStepK, int64_t kStepM>
HWY_INLINE void MultiplyPanel(int vectors, const float* a, const float* b, int64_t k,
                              const float* alpha, float* c, int64_t c_stride) {
  if (vectors == 2) {
    MultiplyTile<kRows, 2, kStepK, kStepM>(a, b, k, alpha, c, c_stride);
  } else {
    MultiplyTile<kRows, 1, kStepK, kStepM>(a, b, k, alpha, c, c_stride);
  }
}

class BlockedHead {
 public:
  explicit BlockedHead(const AttentionJob& job)
      : job_(job), shape_(*job.shape), layout_(LayoutOf(shape_)), base_(job.workspace) {
    std::memset(base_ + layout_.queries, 0, kPackedQueries * shape_.head_dim * sizeof(float));
    std::memset(base_ + layout_.scores, 0, kQueryBlock * kKeyBlock * sizeof(float));
  }

  // Packs K and V unless the last call had the same.
  void UseKeys(int64_t batch, int64_t kv_head) {
    if (batch == batch_ && kv_head == kv_head_) return;
    batch_ = batch;
    kv_head_ = kv_head;
    PackKeys(job_.k + batch * shape_.k.batch + kv_head * shape_.k.head);
    PackValues(job_.v + batch * shape_.v.batch + kv_head * shape_.v.head);
  }

  void RunQueries(int64_t head, int64_t begin, int64_t end) {
    const float* q = job_.q + batch_ * shape_.q.batch + head * shape_.q.head;
    float* out = job_.out + batch_ * shape_.out.batch + head * shape_.out.head;
    mask_offset_ = batch_ * shape_.mask_strides.batch + head * shape_.mask_strides.head;
    for (int64_t first = begin; first < end; first += kQueryBlock) {
      RunBlock(q, out, first, std::min(kQueryBlock, end - first));
    }
  }

 private:
  // [panel][head_dim][width]: a transposition of each panel's keys.
  void PackKeys(const float* k) {
    const int64_t dim = shape_.head_dim;
    float* to = base_ + layout_.keys;
    for (int64_t first = 0; first < shape_.kv_len; first += kPanel) {
      const int64_t count = std::min(kPanel, shape_.kv_len - first);
      const int64_t width = VectorsFor(count) * kN;
      const float* from = k + first * shape_.k.row;
      if (shape_.k.d == 1) {
        TransposeBlock32(reinterpret_cast<const uint32_t*>(from), shape_.k.row,
                         reinterpret_cast<uint32_t*>(to), width, dim, count);
      } else {
        for (int64_t d = 0; d < dim; ++d) {
          for (int64_t j = 0; j < count; ++j) {
            to[d * width + j] = from[j * shape_.k.row + d * shape_.k.d];
          }
        }
      }
      for (int64_t d = 0; count < width && d < dim; ++d) {
        std::fill(to + d * width + count, to + (d + 1) * width, 0.0f);
      }
      to += kPanel * dim;
    }
  }

  // [panel][kv_len][width].
  void PackValues(const float* v) {
    float* to = base_ + layout_.values;
    for (int64_t first = 0; first < shape_.v_dim; first += kPanel) {
      const int64_t count = std::min(kPanel, shape_.v_dim - first);
      const int64_t width = VectorsFor(count) * kN;
      for (int64_t j = 0; j < shape_.kv_len; ++j) {
        const float* from = v + j * shape_.v.row + first * shape_.v.d;
        float* row = to + j * width;
        if (shape_.v.d == 1 && count == kPanel) {
          hn::StoreU(hn::LoadU(kTag, from), kTag, row);
          hn::StoreU(hn::LoadU(kTag, from + kN), kTag, row + kN);
          continue;
        }
        for (int64_t d = 0; d < count; ++d) row[d] = from[d * shape_.v.d];
        std::fill(row + count, row + width, 0.0f);
      }
      to += kPanel * shape_.kv_len;
    }
  }

  // [tile][head_dim][kTileStep], scaled. The scores' place, not yet in use, holds a dense strip of
  // the queries for the transposition.
  void PackQueries(const float* q, int64_t first, int64_t rows) {
    const int64_t dim = shape_.head_dim;
    const F32 factor = Splat(shape_.scale);
    float* strip = base_ + layout_.scores;
    for (int64_t d = 0; d < dim; d += kKeyBlock) {
      const int64_t width = std::min(kKeyBlock, dim - d);
      for (int64_t m = 0; m < rows; ++m) {
        const float* from = q + (first + m) * shape_.q.row + d * shape_.q.d;
        float* to = strip + m * kKeyBlock;
        if (shape_.q.d != 1) {
          for (int64_t i = 0; i < width; ++i) to[i] = from[i * shape_.q.d];
          from = to;
        }
        F32 unused[4];
        ForEachVector(width, unused, [&](auto at, int64_t i, F32&) HWY_ATTR {
          at.Store(hn::Mul(at.Load(from + i), factor), to + i);
        });
      }
      // Rows past the last are whatever the strip held: their scores are never looked at.
      for (int64_t row = 0; row < rows; row += kTileRows) {
        TransposeBlock32(reinterpret_cast<const uint32_t*>(strip + row * kKeyBlock), kKeyBlock,
                         reinterpret_cast<uint32_t*>(QueryTile(row) + d * kTileStep), kTileStep,
                         width, std::min<int64_t>(kTileStep, kQueryBlock - row));
      }
    }
  }

  // Rows start at a multiple of kTileRows.
  float* QueryTile(int64_t row) const {
    return base_ + layout_.queries + row / kTileRows * shape_.head_dim * kTileStep;
  }

  // Keys of the block that rows [0, row_end) see at most.
  int64_t VisibleKeys(int64_t row_end, int64_t key, int64_t count) const {
    if (!shape_.causal) return count;
    return std::clamp<int64_t>(first_query_ + row_end - key, 0, count);
  }

  void RunBlock(const float* q, float* out, int64_t first, int64_t rows) {
    first_query_ = first;
    PackQueries(q, first, rows);
    const int64_t padded_v = RoundUp(shape_.v_dim, kMaxPanel);
    std::memset(base_ + layout_.output, 0, kQueryBlock * padded_v * sizeof(float));
    std::fill_n(max_, kQueryBlock, -std::numeric_limits<float>::infinity());
    std::fill_n(sum_, kQueryBlock, 0.0f);
    const int64_t keys = shape_.causal ? std::min(shape_.kv_len, first + rows) : shape_.kv_len;
    for (int64_t key = 0; key < keys; key += kKeyBlock) {
      const int64_t count = std::min(kKeyBlock, keys - key);
      gathered_ = -1;
      Score(rows, key, count);
      for (int64_t m = 0; m < rows; ++m) {
        Exponentiate(m, first + m, key, count);
      }
      Accumulate(rows, key, count, padded_v);
    }
    WriteOutput(out, first, rows, padded_v);
  }

  // scores[m, j] = q_m k_j for a block of keys.
  void Score(int64_t rows, int64_t key, int64_t count) {
    const int64_t dim = shape_.head_dim;
    const float* panel = base_ + layout_.keys + key * dim;
    for (int64_t j = 0; j < count; j += kPanel) {
      const int vectors = VectorsFor(std::min(kPanel, shape_.kv_len - key - j));
      for (int64_t row = 0; row < rows; row += kTileRows) {
        if (j >= VisibleKeys(row + kTileRows, key, count)) continue;
        WithTileRows(TileRowsFor(rows - row), [&](auto tile_rows) HWY_ATTR {
          MultiplyPanel<tile_rows, kTileStep, 1>(vectors, QueryTile(row), panel, dim, nullptr,
                                                 base_ + layout_.scores + row * kKeyBlock + j,
                                                 kKeyBlock);
        });
      }
      panel += kPanel * dim;
    }
  }

  // The mask's addends for keys [key, key + count) of one query; null: no mask. Read in place where
  // that is dense, else gathered, once for all the queries it is the same for.
  const float* MaskRow(int64_t query, int64_t key, int64_t count) {
    const int64_t step = shape_.mask_strides.d;
    const int64_t offset = mask_offset_ + query * shape_.mask_strides.row + key * step;
    if (shape_.mask == AttentionMask::kNone) return nullptr;
    const bool additive = shape_.mask == AttentionMask::kAdditiveF32;
    if (additive && step == 1) return static_cast<const float*>(job_.mask) + offset;
    float* to = base_ + layout_.mask;
    if (offset == gathered_) return to;
    gathered_ = offset;
    if (additive) {
      const float* from = static_cast<const float*>(job_.mask) + offset;
      for (int64_t j = 0; j < count; ++j) to[j] = from[j * step];
    } else {
      const uint8_t* from = static_cast<const uint8_t*>(job_.mask) + offset;
      constexpr float kHidden = -std::numeric_limits<float>::infinity();
      for (int64_t j = 0; j < count; ++j) to[j] = from[j * step] != 0 ? 0.0f : kHidden;
    }
    return to;
  }

  // Turns a row of scores into weights relative to the running maximum, and says in alpha_ by how
  // much what was accumulated before must shrink.
  void Exponentiate(int64_t m, int64_t query, int64_t key, int64_t count) {
    float* scores = base_ + layout_.scores + m * kKeyBlock;
    const int64_t visible = shape_.causal ? std::clamp<int64_t>(query - key + 1, 0, count) : count;
    alpha_[m] = 1.0f;
    if (visible < count) std::fill(scores + visible, scores + count, 0.0f);
    if (visible == 0) return;
    const F32 least = hn::Neg(hn::Inf(kTag));
    F32 maxima[4] = {least, least, least, least};
    if (const float* mask = MaskRow(query, key, count); mask != nullptr) {
      ForEachVector(visible, maxima, [&](auto at, int64_t j, F32& max) HWY_ATTR {
        const F32 s = hn::Add(at.Load(mask + j), at.Load(scores + j));
        at.Store(s, scores + j);
        max = hn::Max(max, at.Or(s, least));
      });
    } else {
      ForEachVector(visible, maxima, [&](auto at, int64_t j, F32& max) HWY_ATTR {
        max = hn::Max(max, at.Or(at.Load(scores + j), least));
      });
    }
    const float new_max = std::max(max_[m], MaxAll(maxima));
    // While nothing is visible, any finite reference gives weights of 0.
    const F32 reference = Splat(std::isinf(new_max) && new_max < 0 ? 0.0f : new_max);
    // Exponents of 2 only now: of the differences, since the scores may be large.
    const F32 log2e = Splat(kLog2E);
    F32 sums[4] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
    ForEachVector(visible, sums, [&](auto at, int64_t j, F32& sum) HWY_ATTR {
      const F32 p = Exp2NonPositive(kTag, hn::Mul(hn::Sub(at.Load(scores + j), reference), log2e));
      at.Store(p, scores + j);
      sum = hn::Add(sum, at.Or(p, hn::Zero(kTag)));
    });
    alpha_[m] =
        hn::GetLane(Exp2NonPositive(kTag, hn::Mul(hn::Sub(Splat(max_[m]), reference), log2e)));
    sum_[m] = sum_[m] * alpha_[m] + SumAll(sums);
    max_[m] = new_max;
  }

  // output[m, d] = alpha[m] * output[m, d] + sum_j scores[m, j] * v[j, d].
  void Accumulate(int64_t rows, int64_t key, int64_t count, int64_t padded_v) {
    for (int64_t m = rows; m < kQueryBlock; ++m) alpha_[m] = 1.0f;
    const float* panel = base_ + layout_.values;
    for (int64_t d = 0; d < shape_.v_dim; d += kPanel) {
      const int vectors = VectorsFor(shape_.v_dim - d);
      const float* values = panel + key * vectors * kN;
      for (int64_t row = 0; row < rows; row += kTileRows) {
        const int64_t visible = VisibleKeys(row + kTileRows, key, count);
        if (visible == 0) continue;
        WithTileRows(TileRowsFor(rows - row), [&](auto tile_rows) HWY_ATTR {
          MultiplyPanel<tile_rows, 1, kKeyBlock>(
              vectors, base_ + layout_.scores + row * kKeyBlock, values, visible, alpha_ + row,
              base_ + layout_.output + row * padded_v + d, padded_v);
        });
      }
      panel += kPanel * shape_.kv_len;
    }
  }

  void WriteOutput(float* out, int64_t first, int64_t rows, int64_t padded_v) {
    for (int64_t m = 0; m < rows; ++m) {
      const float* from = base_ + layout_.output + m * padded_v;
      float* to = out + (first + m) * shape_.out.row;
      // No visible key: zeros. NaN stays.
      const float factor = sum_[m] == 0.0f ? 0.0f : 1.0f / sum_[m];
      if (shape_.out.d == 1) {
        F32 unused[4];
        ForEachVector(shape_.v_dim, unused, [&](auto at, int64_t d, F32&) HWY_ATTR {
          at.Store(hn::Mul(at.Load(from + d), Splat(factor)), to + d);
        });
      } else {
        for (int64_t d = 0; d < shape_.v_dim; ++d) to[d * shape_.out.d] = from[d] * factor;
      }
    }
  }

  const AttentionJob& job_;
  const AttentionShape& shape_;
  const AttentionLayout layout_;
  float* const base_;
  int64_t batch_ = -1;
  int64_t kv_head_ = -1;
  int64_t mask_offset_ = 0;
  int64_t first_query_ = 0;
  int64_t gathered_ = -1;  // offset of the mask row that is gathered for this block of keys
  float max_[kQueryBlock];
  float sum_[kQueryBlock];
  float alpha_[kQueryBlock];
};

}  // namespace

void BlockedAttentionTarget(const AttentionJob& job, int64_t begin, int64_t end) {
  const AttentionShape& shape = *job.shape;
  const int64_t blocks = (shape.q_len + kQueryBlock - 1) / kQueryBlock;
  const int64_t group = shape.heads / shape.kv_heads;
  BlockedHead worker(job);
  for (int64_t item = begin; item < end; ++item) {
    // From both ends in turn: with a causal mask later parts see more keys.
    const int64_t turn = item % job.query_splits;
    const int64_t part = turn % 2 == 0 ? turn / 2 : job.query_splits - 1 - turn / 2;
    const int64_t head = item / job.query_splits % shape.heads;
    const int64_t batch = item / job.query_splits / shape.heads;
    const int64_t first = blocks * part / job.query_splits * kQueryBlock;
    const int64_t last = blocks * (part + 1) / job.query_splits * kQueryBlock;
    worker.UseKeys(batch, head / group);
    worker.RunQueries(head, first, std::min(last, shape.q_len));
  }
}
}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {
HWY_EXPORT(BlockedAttentionTarget);
}  // namespace

void BlockedAttention(const AttentionJob& job, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(BlockedAttentionTarget)(job, begin, end);
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
