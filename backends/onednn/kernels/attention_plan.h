// What the loops of attention share. Private to this folder.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_ATTENTION_PLAN_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_ATTENTION_PLAN_H_

#include <cstdint>

#include "backends/onednn/kernels/attention.h"

namespace ingot::kernels {

// Queries and keys of one block of scores: 48 x 128 f32 are 24 KiB, next to a panel of K or V in
// L1.
inline constexpr int64_t kQueryBlock = 48;
inline constexpr int64_t kKeyBlock = 128;
// Queries of a block with the padding of their tiles.
inline constexpr int64_t kPackedQueries = 64;
// Widest panel of any target; packed K and V are padded to it.
inline constexpr int64_t kMaxPanel = 32;
// Up to here repacking K would cost more than it saves.
inline constexpr int64_t kMaxMatrixVectorQueries = 4;

inline int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// One thread's part of the workspace, in floats from its 64-byte aligned start.
struct AttentionLayout {
  int64_t keys;     // [panel][head_dim][panel width]
  int64_t values;   // [panel][kv_len][panel width]
  int64_t queries;  // [tile][head_dim][rows of a padded tile]
  int64_t scores;   // [kQueryBlock][kKeyBlock]
  int64_t output;   // [kQueryBlock][padded v_dim]
  int64_t mask;     // [kKeyBlock]
  int64_t total;
};

inline AttentionLayout LayoutOf(const AttentionShape& shape) {
  AttentionLayout layout;
  const int64_t padded_keys = RoundUp(shape.kv_len, kMaxPanel);
  const int64_t padded_v = RoundUp(shape.v_dim, kMaxPanel);
  int64_t end = 0;
  const auto take = [&end](int64_t floats) {
    const int64_t begin = end;
    end = RoundUp(end + floats, 16);
    return begin;
  };
  const bool packs =
      shape.q_len > kMaxMatrixVectorQueries || shape.k.d != 1 || shape.v.d != 1 || shape.q.d != 1;
  layout.keys = take(packs ? padded_keys * shape.head_dim : 0);
  layout.values = take(packs ? shape.kv_len * padded_v : 0);
  layout.queries = take(packs ? kPackedQueries * shape.head_dim : 0);
  layout.scores = take(packs ? kQueryBlock * kKeyBlock : padded_keys);
  layout.output = take(packs ? kQueryBlock * padded_v : padded_v);
  layout.mask = take(packs ? kKeyBlock : padded_keys);
  layout.total = end;
  return layout;
}

// What one thread works on: a run of (batch, head, part of the queries).
struct AttentionJob {
  const AttentionShape* shape;
  const float* q;
  const float* k;
  const float* v;
  const void* mask;
  float* out;
  float* workspace;  // this thread's
  int64_t query_splits;
};

// Items [begin, end) of batch x heads x query_splits: blocks of queries against K and V repacked.
void BlockedAttention(const AttentionJob& job, int64_t begin, int64_t end);

// Items [begin, end) of batch x heads: one query at a time, K and V read where they are. Rows of q,
// k and v must be dense in d.
void MatrixVectorAttention(const AttentionJob& job, int64_t begin, int64_t end);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_ATTENTION_PLAN_H_
