// Matrix products with a right factor that is packed once: y = epilogue(x w + bias), in f32 or with
// factors of bf16.
//
//   PackedGemm g = PackedGemm::Make(n, k);
//   g.Pack(w, /*k_stride=*/1, /*n_stride=*/k, packed);  // once; torch's linear weight is [n, k]
//   PackedGemmArgs args;
//   args.x = x, args.rows = m, args.lda = k, args.packed = packed, args.y = y, args.ldc = n;
//   g.Run(args, threads);
//
// The right factor lies in panels of two vectors' width, k after k. A tile of up to 14 rows by one
// panel stays in registers over a block of k small enough for L2; the panel that comes next is
// fetched meanwhile, so that weights stream from memory behind the arithmetic. Threads share the
// columns where w is the greater factor, else the rows. Between two blocks of k sums wait in the
// thread's own memory, line behind line: in the result they would lie a row apart, in few sets of
// the caches. gemm_blocking.h cuts. Sums run over k in order in f32 FMA and depend neither on the
// number of threads nor on timing.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "backends/onednn/kernels/elements.h"
#include "backends/onednn/kernels/epilogue.h"

namespace ingot::kernels {

// What the factors are. Sums, bias and stages are f32 in both cases.
enum class GemmFactors : uint8_t {
  kF32,
  // Rounded to bf16, two neighbours in k in the place of one f32: k is even, and the left factor's
  // distances below count such pairs. One instruction multiplies and adds a pair, without rounding
  // in between, and takes subnormal numbers for 0.
  kBf16Pairs,
};

struct PackedGemmArgs {
  // The left factor's rows come in `groups` (image lines, say), group_stride elements apart, of
  // `rows` rows each, lda elements apart. Row i of group g is row g * rows + i of the result.
  const float* x = nullptr;
  int64_t groups = 1, group_stride = 0;
  int64_t rows = 0, lda = 0;
  // Convolutions: a row's elements come in taps.size() runs of k / taps.size(), each at its offset
  // from the row's place. Empty: one run at 0.
  absl::Span<const int64_t> taps;
  const float* packed = nullptr;
  const float* bias = nullptr;  // [n] or null
  absl::Span<const EpilogueStage> stages;
  float* y = nullptr;  // rows ldc apart; must not overlap x
  // Where the result goes instead, rounded; subnormal numbers become 0. REQUIRES: null, or
  // kBf16Pairs and the workspace.
  BFloat16* bf16_y = nullptr;
  int64_t ldc = 0;
  // WorkspaceBytes, 64-byte aligned; null is slower unless that is 0.
  void* workspace = nullptr;
};

namespace internal {
struct PackedGemmTarget;
}

class PackedGemm {
 public:
  // Chooses the loops for this machine; Pack and Run of one object belong together.
  // REQUIRES: for kBf16Pairs HasBf16() and an even k.
  static PackedGemm Make(int64_t n, int64_t k, GemmFactors factors = GemmFactors::kF32);
  // Whether this machine multiplies bf16 (AVX512-BF16).
  static bool HasBf16();

  size_t PackedBytes() const;
  // w[k, n] by strides in elements into `packed` (PackedBytes(), best 64-byte aligned).
  void Pack(const float* w, int64_t k_stride, int64_t n_stride, float* packed,
            int threads = 1) const;

  // Where Pack puts element (k, n), as do its neighbours up to the next multiple of panel() in n.
  // For kBf16Pairs k counts pairs.
  int64_t PlaceOf(int64_t k, int64_t n) const;
  int64_t panel() const;
  // REQUIRES: kF32.
  float At(const float* packed, int64_t k, int64_t n) const { return packed[PlaceOf(k, n)]; }

  // For calls with these rows, or fewer, of as many taps: room for sums that wait for the next
  // block of k, and for the left factor's rows if they would fall into the same few sets of the L1
  // cache. to_bf16: for calls with bf16_y.
  size_t WorkspaceBytes(const PackedGemmArgs& args, int threads, bool to_bf16 = false) const;
  void Run(const PackedGemmArgs& args, int threads) const;

  int64_t n() const { return n_; }

 private:
  int64_t n_ = 0;
  int64_t k_ = 0;  // f32 or pairs
  GemmFactors factors_ = GemmFactors::kF32;
  const internal::PackedGemmTarget* target_ = nullptr;
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_PACKED_GEMM_H_
