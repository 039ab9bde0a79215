// f32 matrix products that are too small for a oneDNN primitive call (about 0.3 us and a fork): y =
// act(x w + bias).
//
//   SmallGemm g = SmallGemm::Make(n, k);
//   g.Pack(w, /*k_stride=*/1, /*n_stride=*/k, packed);  // once; torch's linear weight is [n, k]
//   g.Run(x, lda, m, packed, bias, SmallGemmActivation::kRelu, y, ldc, threads);
//
// Worth it below about m * n * k = 1e6; above, oneDNN's blocking over caches wins. Sums run over k
// in order in f32 FMA.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SMALL_GEMM_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SMALL_GEMM_H_

#include <cstddef>
#include <cstdint>

namespace ingot::kernels {

enum class SmallGemmActivation : uint8_t {
  kNone,
  kRelu,
  kGeluErf,
  kGeluTanh,
  kSilu,
  kTanh,
  kSigmoid
};

namespace internal {
struct SmallGemmTarget;
}

class SmallGemm {
 public:
  // Chooses the loops for this machine; Pack and Run of one object belong together.
  static SmallGemm Make(int64_t n, int64_t k);

  size_t PackedBytes() const;
  // w[k, n] by strides in elements into `packed` (PackedBytes(), best 64-byte aligned).
  void Pack(const float* w, int64_t k_stride, int64_t n_stride, float* packed) const;
  // x: [m, k] rows lda apart; bias: [n] or null; y: [m, n] rows ldc apart, must not overlap x.
  void Run(const float* x, int64_t lda, int64_t m, const float* packed, const float* bias,
           SmallGemmActivation activation, float* y, int64_t ldc, int threads) const;

  int64_t n() const { return n_; }
  int64_t k() const { return k_; }

 private:
  int64_t n_ = 0;
  int64_t k_ = 0;
  const internal::SmallGemmTarget* target_ = nullptr;
};

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SMALL_GEMM_H_
