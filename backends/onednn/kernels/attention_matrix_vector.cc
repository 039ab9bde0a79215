#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/onednn/kernels/attention_plan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/onednn/kernels/attention_matrix_vector.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "backends/onednn/kernels/f32_lanes-inl.h"
#include "backends/onednn/kernels/f32_math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::kernels {
namespace HWY_NAMESPACE {
namespace {

constexpr float kLog2E = 1.44269504f;

HWY_INLINE F32 Splat(float value) { return hn::Set(kTag, value); }

// Dot products of q with four keys at a time: their sums wait for memory, not for each other.
HWY_INLINE void ScoreKeys(const float* q, const float* k, int64_t row, int64_t dim, int64_t keys,
                          float factor, float* scores) {
  constexpr int kTogether = 4;
  for (int64_t j = 0; j < keys; j += kTogether) {
    const int count = static_cast<int>(std::min<int64_t>(kTogether, keys - j));
    const float* from[kTogether];
    for (int i = 0; i < kTogether; ++i) from[i] = k + (j + std::min(i, count - 1)) * row;
    F32 sum[kTogether] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
    int64_t d = 0;
    for (; d + kN <= dim; d += kN) {
      const F32 query = hn::LoadU(kTag, q + d);
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) {
        sum[i] = hn::MulAdd(query, hn::LoadU(kTag, from[i] + d), sum[i]);
      }
    }
    if (d < dim) {
      const size_t rest = static_cast<size_t>(dim - d);
      const F32 query = LoadPart(q + d, rest);
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) {
        sum[i] = hn::MulAdd(query, LoadPart(from[i] + d, rest), sum[i]);
      }
    }
    for (int i = 0; i < count; ++i) {
      scores[j + i] = hn::GetLane(hn::SumOfLanes(kTag, sum[i])) * factor;
    }
  }
}

// out[d] = factor * sum_j p[j] v[j, d], in strips of columns that stay in registers.
HWY_INLINE void MixValues(const float* p, const float* v, int64_t row, int64_t keys, int64_t dim,
                          float factor, float* out) {
  constexpr int kStrip = 4;
  int64_t d = 0;
  for (; d + kStrip * kN <= dim; d += kStrip * kN) {
    F32 sum[kStrip] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
    for (int64_t j = 0; j < keys; ++j) {
      const F32 weight = Splat(p[j]);
#pragma GCC unroll 4
      for (int i = 0; i < kStrip; ++i) {
        sum[i] = hn::MulAdd(weight, hn::LoadU(kTag, v + j * row + d + i * kN), sum[i]);
      }
    }
    for (int i = 0; i < kStrip; ++i) {
      hn::StoreU(hn::Mul(sum[i], Splat(factor)), kTag, out + d + i * kN);
    }
  }
  for (; d < dim; d += kN) {
    const size_t count = static_cast<size_t>(std::min<int64_t>(kN, dim - d));
    F32 sum = hn::Zero(kTag);
    for (int64_t j = 0; j < keys; ++j) {
      const float* from = v + j * row + d;
      const F32 value = count == kN ? hn::LoadU(kTag, from) : LoadPart(from, count);
      sum = hn::MulAdd(Splat(p[j]), value, sum);
    }
    sum = hn::Mul(sum, Splat(factor));
    if (count == kN) {
      hn::StoreU(sum, kTag, out + d);
    } else {
      StorePart(sum, out + d, count);
    }
  }
}

// scores += mask, from either kind.
void AddMask(const AttentionShape& shape, const void* mask, int64_t offset, int64_t keys,
             float* scores) {
  const int64_t step = shape.mask_strides.d;
  if (shape.mask == AttentionMask::kAdditiveF32) {
    const float* from = static_cast<const float*>(mask) + offset;
    for (int64_t j = 0; j < keys; ++j) scores[j] += from[j * step];
  } else if (shape.mask == AttentionMask::kBool) {
    const uint8_t* from = static_cast<const uint8_t*>(mask) + offset;
    constexpr float kHidden = -std::numeric_limits<float>::infinity();
    for (int64_t j = 0; j < keys; ++j) scores[j] = from[j * step] != 0 ? scores[j] : kHidden;
  }
}

// In place; returns 1 / sum, or 0 if nothing is visible.
float Weigh(float* scores, int64_t keys) {
  const F32 least = hn::Neg(hn::Inf(kTag));
  F32 maxima[4] = {least, least, least, least};
  ForEachVector(keys, maxima, [&](auto at, int64_t j, F32& max) HWY_ATTR {
    max = hn::Max(max, at.Or(at.Load(scores + j), least));
  });
  const float max = MaxAll(maxima);
  const F32 reference = Splat(std::isinf(max) && max < 0 ? 0.0f : max);
  F32 sums[4] = {hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag), hn::Zero(kTag)};
  ForEachVector(keys, sums, [&](auto at, int64_t j, F32& sum) HWY_ATTR {
    // Exponents of 2 only now: of the differences, since the scores may be large.
    const F32 p =
        Exp2NonPositive(kTag, hn::Mul(hn::Sub(at.Load(scores + j), reference), Splat(kLog2E)));
    at.Store(p, scores + j);
    sum = hn::Add(sum, at.Or(p, hn::Zero(kTag)));
  });
  const float sum = SumAll(sums);
  return sum == 0.0f ? 0.0f : 1.0f / sum;
}

}  // namespace

// One query at a time, K and V where they are. Items are (batch, head).
void MatrixVectorAttentionTarget(const AttentionJob& job, int64_t begin, int64_t end) {
  const AttentionShape& shape = *job.shape;
  const AttentionLayout layout = LayoutOf(shape);
  float* scores = job.workspace + layout.scores;
  float* row = job.workspace + layout.output;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t head = item % shape.heads, batch = item / shape.heads;
    const int64_t kv_head = head / (shape.heads / shape.kv_heads);
    const float* k = job.k + batch * shape.k.batch + kv_head * shape.k.head;
    const float* v = job.v + batch * shape.v.batch + kv_head * shape.v.head;
    for (int64_t i = 0; i < shape.q_len; ++i) {
      const int64_t keys = shape.causal ? std::min(shape.kv_len, i + 1) : shape.kv_len;
      const float* q = job.q + batch * shape.q.batch + head * shape.q.head + i * shape.q.row;
      ScoreKeys(q, k, shape.k.row, shape.head_dim, keys, shape.scale, scores);
      AddMask(shape, job.mask,
              batch * shape.mask_strides.batch + head * shape.mask_strides.head +
                  i * shape.mask_strides.row,
              keys, scores);
      const float factor = Weigh(scores, keys);
      float* out = job.out + batch * shape.out.batch + head * shape.out.head + i * shape.out.row;
      const bool dense = shape.out.d == 1;
      MixValues(scores, v, shape.v.row, keys, shape.v_dim, factor, dense ? out : row);
      for (int64_t d = 0; !dense && d < shape.v_dim; ++d) out[d * shape.out.d] = row[d];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ingot::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ingot::kernels {
namespace {
HWY_EXPORT(MatrixVectorAttentionTarget);
}  // namespace

void MatrixVectorAttention(const AttentionJob& job, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(MatrixVectorAttentionTarget)(job, begin, end);
}

}  // namespace ingot::kernels
#endif  // HWY_ONCE
