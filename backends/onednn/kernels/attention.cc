#include "backends/onednn/kernels/attention.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "backends/onednn/kernels/attention_plan.h"
#include "backends/onednn/kernels/parallel.h"

namespace ingot::kernels {
namespace {

constexpr double kNanosecondsAMultiplyAdd = 0.02;
// Items a thread that even out heads that don't divide by the threads.
constexpr int64_t kItemsAThread = 4;

bool UsesMatrixVector(const AttentionShape& shape) {
  return shape.q_len <= kMaxMatrixVectorQueries && shape.q.d == 1 && shape.k.d == 1 &&
         shape.v.d == 1;
}

// Parts a head's queries are split into; each repacks the head's K and V.
int64_t QuerySplits(const AttentionShape& shape, int threads) {
  const int64_t heads = shape.batch * shape.heads;
  const int64_t blocks = (shape.q_len + kQueryBlock - 1) / kQueryBlock;
  if (threads <= 1 || heads % threads == 0 || heads >= kItemsAThread * threads) return 1;
  return std::min(blocks, (kItemsAThread * threads + heads - 1) / heads);
}

}  // namespace

absl::Status ValidateAttention(const AttentionShape& shape) {
  if (shape.batch < 0 || shape.heads < 0 || shape.q_len < 0 || shape.kv_len < 0 ||
      shape.head_dim < 0 || shape.v_dim < 0) {
    return absl::InvalidArgumentError("attention with a negative size");
  }
  if (shape.kv_heads < 1 || shape.heads % shape.kv_heads != 0) {
    return absl::InvalidArgumentError(absl::StrCat("attention of ", shape.heads, " heads over ",
                                                   shape.kv_heads, " heads of keys"));
  }
  return absl::OkStatus();
}

size_t AttentionWorkspaceBytes(const AttentionShape& shape, int threads) {
  return static_cast<size_t>(std::max(threads, 1)) * static_cast<size_t>(LayoutOf(shape).total) *
         sizeof(float);
}

void Attention(const AttentionShape& shape, const float* q, const float* k, const float* v,
               const void* mask, float* out, void* workspace, int threads) {
  if (shape.batch * shape.heads * shape.q_len == 0) return;
  const int64_t total = LayoutOf(shape).total;
  const bool matrix_vector = UsesMatrixVector(shape);
  const int64_t splits = matrix_vector ? 1 : QuerySplits(shape, threads);
  const double work = kNanosecondsAMultiplyAdd * static_cast<double>(shape.q_len) *
                      static_cast<double>(shape.kv_len) *
                      static_cast<double>(shape.head_dim + shape.v_dim + 16) /
                      static_cast<double>(splits);
  ParallelFor(threads, shape.batch * shape.heads * splits, GrainFor(work + 50.0),
              [&](int64_t begin, int64_t end, int thread) {
                const AttentionJob job = {
                    &shape, q, k, v, mask, out, static_cast<float*>(workspace) + thread * total,
                    splits};
                if (matrix_vector) {
                  MatrixVectorAttention(job, begin, end);
                } else {
                  BlockedAttention(job, begin, end);
                }
              });
}

}  // namespace ingot::kernels