// Scaled dot product attention, forward, f32: softmax(q k^T * scale + mask) v without the L x S
// matrix.
//
// Blocks of queries times blocks of keys with a running softmax (Milakov & Gimelshein 2018, Dao et
// al. 2022); K is repacked once a (batch, kv head) and block, queries are read in place. q_len == 1
// (decode) reads K and V once, as two matrix-vector products. Results agree with the unblocked f32
// formula within 1e-6 relative to max |v|.
//
// Semantics are torch.nn.functional.scaled_dot_product_attention's (2.13, CPU, dropout 0): causal
// aligns the mask to the top left (key j visible to query i iff j <= i) also when L != S; rows that
// no key is visible to give zeros. GQA: head h reads kv head h / (heads / kv_heads).
//
// Reentrant; allocates nothing; out must not overlap an input.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_ATTENTION_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_ATTENTION_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace ingot::kernels {

// Strides in elements; `d` is fastest when 1.
struct AttentionStrides {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t row = 0;
  int64_t d = 1;
};

enum class AttentionMask : uint8_t { kNone, kAdditiveF32, kBool /* one byte, true = visible */ };

struct AttentionShape {
  int64_t batch = 1;
  int64_t heads = 1;
  int64_t kv_heads = 1;  // divides heads
  int64_t q_len = 1;     // L
  int64_t kv_len = 1;    // S
  int64_t head_dim = 1;  // D of q and k
  int64_t v_dim = 1;     // D of v and out
  float scale = 1.0f;    // torch's default is 1 / sqrt(head_dim)
  bool causal = false;   // together with a mask: both apply
  AttentionMask mask = AttentionMask::kNone;
  AttentionStrides q, k, v, out;  // of [B, H, L, D], [B, Hkv, S, D] x 2, [B, H, L, Dv]
  AttentionStrides mask_strides;  // of [B, H, L, S]; row: L, d: S; 0 broadcasts
};

// InvalidArgument: negative or inconsistent sizes. Call once when planning; Attention does not
// check.
absl::Status ValidateAttention(const AttentionShape& shape);

// Bytes of workspace for this many threads; it must be 64-byte aligned.
size_t AttentionWorkspaceBytes(const AttentionShape& shape, int threads);

void Attention(const AttentionShape& shape, const float* q, const float* k, const float* v,
               const void* mask, float* out, void* workspace, int threads);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_ATTENTION_H_
