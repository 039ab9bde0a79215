#include "backends/onednn/kernels/small_gemm.h"

#include <cmath>
#include <random>
#include <vector>

#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

std::vector<float> Random(int64_t n, int seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(n);
  for (float& value : values) value = normal(generator);
  return values;
}

double Activated(SmallGemmActivation activation, double x) {
  switch (activation) {
    case SmallGemmActivation::kNone:
      return x;
    case SmallGemmActivation::kRelu:
      return std::max(0.0, x);
    case SmallGemmActivation::kGeluErf:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case SmallGemmActivation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case SmallGemmActivation::kSilu:
      return x / (1 + std::exp(-x));
    case SmallGemmActivation::kTanh:
      return std::tanh(x);
    case SmallGemmActivation::kSigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return x;
}

class SmallGemmTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(SmallGemmTest);

TEST_P(SmallGemmTest, AnyShapeBiasActivationAndWeightLayout) {
  for (int64_t m : {1, 2, 3, 5, 8, 13, 150}) {
    for (int64_t n : {1, 7, 16, 31, 64, 100, 257}) {
      for (int64_t k : {0, 1, 5, 64}) {
        const SmallGemm gemm = SmallGemm::Make(n, k);
        const std::vector<float> w = Random(n * k, 1), b = Random(n, 2);
        const int64_t lda = k + 3, ldc = n + 2;
        const std::vector<float> x = Random(m * lda, 3);
        const bool out_by_in = n % 2 == 0;  // torch's linear, or plain [k, n]
        std::vector<float> packed(gemm.PackedBytes() / sizeof(float));
        gemm.Pack(w.data(), out_by_in ? 1 : n, out_by_in ? k : 1, packed.data());
        const auto activation = static_cast<SmallGemmActivation>((m + n + k) % 7);
        const bool has_bias = (n + k) % 3 != 0;
        std::vector<float> y(m * ldc, 42);
        gemm.Run(x.data(), lda, m, packed.data(), has_bias ? b.data() : nullptr, activation,
                 y.data(), ldc, 2);
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < ldc; ++j) {
            if (j >= n) {
              ASSERT_EQ(y[i * ldc + j], 42);
              continue;
            }
            double sum = has_bias ? b[j] : 0, magnitude = 1;
            for (int64_t c = 0; c < k; ++c) {
              const double term = double{x[i * lda + c]} * w[out_by_in ? j * k + c : c * n + j];
              sum += term;
              magnitude += std::abs(term);
            }
            ASSERT_NEAR(y[i * ldc + j], Activated(activation, sum), 1e-6 * magnitude)
                << m << " " << n << " " << k;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ingot::kernels
