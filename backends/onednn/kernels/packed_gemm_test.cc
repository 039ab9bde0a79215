#include "backends/onednn/kernels/packed_gemm.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"
#include "hwy/aligned_allocator.h"

namespace ingot::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

double Clamp(double x, double low, double high) { return std::min(std::max(x, low), high); }

// A stage by its formula in double; `other` is its operand.
double Apply(const EpilogueStage& stage, double x, double other) {
  switch (stage.op) {
    case EpilogueOp::kRelu:
      return std::max(0.0, x);
    case EpilogueOp::kLeakyRelu:
      return x > 0 ? x : x * stage.alpha;
    case EpilogueOp::kClamp:
      return Clamp(x, stage.alpha, stage.beta);
    case EpilogueOp::kHardswish:
      return x * Clamp(x + 3, 0, 6) / 6;
    case EpilogueOp::kHardsigmoid:
      return Clamp(x + 3, 0, 6) / 6;
    case EpilogueOp::kGeluErf:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case EpilogueOp::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case EpilogueOp::kSilu:
      return x / (1 + std::exp(-x));
    case EpilogueOp::kTanh:
      return std::tanh(x);
    case EpilogueOp::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case EpilogueOp::kAdd:
      return x + other;
    case EpilogueOp::kSub:
      return x - other;
    case EpilogueOp::kMul:
      return x * other;
    case EpilogueOp::kDiv:
      return x / other;
  }
  return x;
}

struct Problem {
  int64_t m, n, k;
  int64_t groups = 1;
  bool bias = true;
  std::vector<EpilogueStage> stages;
  int threads = 2;
  int64_t lda_more = 3;
  bool has_workspace = true;
};

// Runs it on random numbers and compares with sums in double.
void Check(const Problem& p) {
  SCOPED_TRACE(testing::Message() << p.m << " x " << p.n << " x " << p.k << ", groups " << p.groups
                                  << ", stages " << p.stages.size());
  const PackedGemm gemm = PackedGemm::Make(p.n, p.k);
  const std::vector<float> w = Random(p.n * p.k, 1), b = Random(p.n, 2);
  const int64_t lda = p.k + p.lda_more, ldc = p.n + 2, group_stride = p.m * lda + 5;
  const std::vector<float> x = Random(p.groups * group_stride, 3);
  const bool out_by_in = p.n % 2 == 0;  // torch's linear, or plain [k, n]
  std::vector<float> packed(gemm.PackedBytes() / sizeof(float));
  gemm.Pack(w.data(), out_by_in ? 1 : p.n, out_by_in ? p.k : 1, packed.data());
  std::vector<float> y(p.groups * p.m * ldc, 42);
  PackedGemmArgs args;
  args.x = x.data();
  args.groups = p.groups;
  args.group_stride = group_stride;
  args.rows = p.m;
  args.lda = lda;
  args.packed = packed.data();
  args.bias = p.bias ? b.data() : nullptr;
  args.stages = p.stages;
  args.y = y.data();
  args.ldc = ldc;
  const auto workspace = hwy::AllocateAligned<char>(gemm.WorkspaceBytes(args, p.threads) + 1);
  args.workspace = p.has_workspace ? workspace.get() : nullptr;
  gemm.Run(args, p.threads);
  for (int64_t i = 0; i < p.groups * p.m; ++i) {
    const float* const row = x.data() + i / p.m * group_stride + i % p.m * lda;
    for (int64_t j = 0; j < ldc; ++j) {
      if (j >= p.n) {
        ASSERT_EQ(y[i * ldc + j], 42);
        continue;
      }
      double sum = p.bias ? b[j] : 0, magnitude = 1;
      for (int64_t c = 0; c < p.k; ++c) {
        const double term = double{row[c]} * w[out_by_in ? j * p.k + c : c * p.n + j];
        sum += term;
        magnitude += std::abs(term);
      }
      for (const EpilogueStage& stage : p.stages) {
        const double other =
            IsBinary(stage.op) ? stage.operand[i * stage.row_stride + j * stage.column_stride] : 0;
        sum = Apply(stage, sum, other);
      }
      ASSERT_NEAR(y[i * ldc + j], sum, 1e-6 * magnitude) << i << " " << j;
    }
  }
}

class PackedGemmTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(PackedGemmTest);

TEST_P(PackedGemmTest, AnyShapeBiasActivationAndWeightLayout) {
  for (int64_t m : {1, 2, 3, 5, 8, 13, 15, 29, 150}) {
    for (int64_t n : {1, 7, 16, 31, 64, 100, 257}) {
      for (int64_t k : {0, 1, 5, 64}) {
        const auto op = static_cast<EpilogueOp>((m + n + k) % 10);
        std::vector<EpilogueStage> stages = {{op, -0.25f, 0.5f}};
        if (m % 4 == 0) stages.clear();
        Check({m, n, k, 1, (n + k) % 3 != 0, stages});
      }
    }
  }
}

TEST_P(PackedGemmTest, PacksWeightsOfAnyStrides) {
  for (const int64_t n : {1, 7, 16, 45, 70}) {
    for (const int64_t k : {1, 8, 13, 100}) {
      struct {
        int64_t k_stride, n_stride;
      } const layouts[] = {{1, k + 3}, {n + 3, 1}, {2, 2 * k + 1}, {0, 1}, {1, 0}};
      for (const auto& [k_stride, n_stride] : layouts) {
        SCOPED_TRACE(testing::Message()
                     << n << " x " << k << ", strides " << k_stride << ", " << n_stride);
        const PackedGemm gemm = PackedGemm::Make(n, k);
        const std::vector<float> w = Random((k - 1) * k_stride + (n - 1) * n_stride + 1, 1);
        std::vector<float> packed(gemm.PackedBytes() / sizeof(float), 42);
        gemm.Pack(w.data(), k_stride, n_stride, packed.data(), /*threads=*/2);
        float sum = 0, packed_sum = 0;
        for (int64_t i = 0; i < k; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            EXPECT_EQ(gemm.At(packed.data(), i, j), w[i * k_stride + j * n_stride]);
            sum += std::abs(gemm.At(packed.data(), i, j));
          }
        }
        // What fills the last panel up is zeros.
        for (const float v : packed) packed_sum += std::abs(v);
        EXPECT_NEAR(packed_sum, sum, 1e-3f * sum);
      }
    }
  }
}

TEST_P(PackedGemmTest, LongInnerDimensionsAreCutIntoBlocks) {
  Check({17, 40, 513});
  Check({20, 96, 1500, 1, true, {{EpilogueOp::kRelu}}});
  Check({1, 130, 1111, 1, false});
  // More rows and columns than wait together for the next block.
  Check({600, 300, 300, 1, true, {{EpilogueOp::kGeluErf}}});
  Check({43, 200, 700, 7, true, {{EpilogueOp::kRelu}}, 3});
  Check({20, 96, 1500, 1, true, {{EpilogueOp::kSilu}}, 2, 3, /*has_workspace=*/false});
}

TEST_P(PackedGemmTest, RowsHalfAPageApartAreCopied) {
  const PackedGemm gemm = PackedGemm::Make(40, 1024);
  PackedGemmArgs args;
  args.rows = 20;
  args.lda = 1027;
  const size_t without_copies = gemm.WorkspaceBytes(args, 1);
  args.lda = 1024;
  EXPECT_GT(gemm.WorkspaceBytes(args, 1), without_copies);
  Check({20, 40, 1024, 1, true, {}, 2, 0});
  Check({150, 33, 1024, 1, true, {{EpilogueOp::kRelu}}, 1, 0});
}

TEST_P(PackedGemmTest, RowsMayComeInGroups) {
  Check({7, 40, 12, 5});
  Check({28, 20, 9, 3, true, {{EpilogueOp::kRelu}}});
  Check({1, 70, 33, 4});
}

TEST_P(PackedGemmTest, TapsAddUpRunsAtTheirOffsets) {
  // A convolution of three taps, dilated by 2, along lines of 30 pixels.
  for (int64_t channels : {3, 40, 300, 700}) {
    const int64_t lines = 3, pixels = 26, line = 30, n = 37, k = 3 * channels;
    const PackedGemm gemm = PackedGemm::Make(n, k);
    const std::vector<float> x = Random(lines * line * channels, 1), w = Random(n * k, 2);
    std::vector<float> packed(gemm.PackedBytes() / sizeof(float)), y(lines * pixels * n);
    gemm.Pack(w.data(), n, 1, packed.data());
    const int64_t taps[] = {0, 2 * channels, 4 * channels};
    PackedGemmArgs args;
    args.x = x.data();
    args.groups = lines;
    args.group_stride = line * channels;
    args.rows = pixels;
    args.lda = channels;
    args.taps = taps;
    args.packed = packed.data();
    args.y = y.data();
    args.ldc = n;
    gemm.Run(args, 2);
    for (int64_t i = 0; i < lines * pixels; ++i) {
      const float* const row = x.data() + (i / pixels * line + i % pixels) * channels;
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0, magnitude = 1;
        for (int64_t c = 0; c < k; ++c) {
          const double term = double{row[taps[c / channels] + c % channels]} * w[c * n + j];
          sum += term;
          magnitude += std::abs(term);
        }
        ASSERT_NEAR(y[i * n + j], sum, 1e-6 * magnitude) << channels << " " << i << " " << j;
      }
    }
  }
}

TEST_P(PackedGemmTest, StagesRunInOrderOnOperandsOfEachForm) {
  struct {
    int64_t m, n, groups;
  } const sizes[] = {
      {21, 45, 1},    // not of whole panels
      {8, 64, 2},     // stays in L1 until all of it is there
      {300, 128, 1},  // some tiles at a time
  };
  for (const auto& [m, n, groups] : sizes) {
    const std::vector<float> full = Random(groups * m * n, 7), row = Random(n, 8), number = {1.5f};
    const std::vector<EpilogueStage> lists[] = {
        {{EpilogueOp::kAdd, 0, 0, full.data(), n, 1}, {EpilogueOp::kRelu}},
        {{EpilogueOp::kAdd, 0, 0, full.data(), n, 1}, {EpilogueOp::kSilu}},
        {{EpilogueOp::kGeluErf}, {EpilogueOp::kMul, 0, 0, row.data(), 0, 1}},
        {{EpilogueOp::kSub, 0, 0, number.data(), 0, 0},
         {EpilogueOp::kClamp, -1, 2},
         {EpilogueOp::kDiv, 0, 0, number.data(), 0, 0}}};
    for (const std::vector<EpilogueStage>& stages : lists) {
      for (const bool bias : {false, true}) Check({m, n, 30, groups, bias, stages});
    }
  }
}

TEST_P(PackedGemmTest, NanAndInfinityAreEagers) {
  const PackedGemm gemm = PackedGemm::Make(3, 1);
  const float w[] = {1, kNan, -kInfinity}, x[] = {1};
  std::vector<float> packed(gemm.PackedBytes() / sizeof(float));
  gemm.Pack(w, 1, 1, packed.data());
  float y[3];
  for (const EpilogueStage& stage :
       {EpilogueStage{EpilogueOp::kRelu}, EpilogueStage{EpilogueOp::kClamp, 0, 6}}) {
    PackedGemmArgs args;
    args.x = x;
    args.rows = 1;
    args.lda = 1;
    args.packed = packed.data();
    args.stages = {&stage, 1};
    args.y = y;
    args.ldc = 3;
    gemm.Run(args, 1);
    EXPECT_EQ(y[0], 1);
    EXPECT_TRUE(std::isnan(y[1]));
    EXPECT_EQ(y[2], 0);
  }
}

TEST_P(PackedGemmTest, ResultsDoNotDependOnTheNumberOfThreads) {
  const int64_t m = 100, n = 300, k = 700;
  const PackedGemm gemm = PackedGemm::Make(n, k);
  const std::vector<float> w = Random(n * k, 1), x = Random(m * k, 2);
  std::vector<float> packed(gemm.PackedBytes() / sizeof(float)), one(m * n), three(m * n);
  gemm.Pack(w.data(), 1, k, packed.data());
  PackedGemmArgs args;
  args.x = x.data();
  args.rows = m;
  args.lda = k;
  args.packed = packed.data();
  args.ldc = n;
  args.y = one.data();
  gemm.Run(args, 1);
  args.y = three.data();
  gemm.Run(args, 3);
  EXPECT_EQ(one, three);
}

// --- Factors of bf16 ---

uint16_t Bf16Bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float FromBf16(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

TEST_P(PackedGemmTest, OnlyMachinesWithTheInstructionHaveBf16) {
  if (PackedGemm::HasBf16()) {
    EXPECT_LE(GetParam(), HWY_AVX3);
  }
}

TEST_P(PackedGemmTest, Bf16PairsGiveSumsOfRoundedFactors) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 33, 2}, {14, 32, 64}, {29, 70, 1500}}) {
    const PackedGemm gemm = PackedGemm::Make(n, k, GemmFactors::kBf16Pairs);
    const std::vector<float> w = Random(n * k, 1), x = Random(m * k, 2), bias = Random(n, 3);
    std::vector<uint16_t> rounded(m * k);
    for (int64_t i = 0; i < m * k; ++i) rounded[i] = Bf16Bits(x[i]);
    std::vector<float> packed(gemm.PackedBytes() / sizeof(float)), y(m * n);
    EXPECT_LT(packed.size(), (n + 32) * k / 2 + 1);
    gemm.Pack(w.data(), 1, k, packed.data());
    PackedGemmArgs args;
    args.x = reinterpret_cast<const float*>(rounded.data());
    args.rows = m;
    args.lda = k / 2;
    args.packed = packed.data();
    args.bias = bias.data();
    args.y = y.data();
    args.ldc = n;
    const auto workspace = hwy::AllocateAligned<char>(gemm.WorkspaceBytes(args, 2) + 1);
    args.workspace = workspace.get();
    gemm.Run(args, 2);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = bias[j], magnitude = 1;
        for (int64_t c = 0; c < k; ++c) {
          const double term =
              double{FromBf16(rounded[i * k + c])} * FromBf16(Bf16Bits(w[j * k + c]));
          sum += term;
          magnitude += std::abs(term);
        }
        ASSERT_NEAR(y[i * n + j], sum, 2e-6 * magnitude) << m << " " << i << " " << j;
      }
    }
  }
}

TEST_P(PackedGemmTest, Bf16KeepsNanAndInfinity) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  const PackedGemm gemm = PackedGemm::Make(3, 2, GemmFactors::kBf16Pairs);
  const float w[] = {1, 0, kNan, 0, kInfinity, 0};  // [n, k]
  const uint16_t x[] = {Bf16Bits(1), Bf16Bits(1)};
  std::vector<float> packed(gemm.PackedBytes() / sizeof(float));
  gemm.Pack(w, 1, 2, packed.data());
  float y[3], pair;
  std::memcpy(&pair, x, sizeof(pair));
  PackedGemmArgs args;
  args.x = &pair;
  args.rows = 1;
  args.lda = 1;
  args.packed = packed.data();
  args.y = y;
  args.ldc = 3;
  gemm.Run(args, 1);
  EXPECT_EQ(y[0], 1);
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], kInfinity);
}

// --- Results in bf16 ---

std::vector<uint16_t> Bits(const std::vector<BFloat16>& values) {
  std::vector<uint16_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(uint16_t));
  return bits;
}

struct Bf16Result {
  int64_t m, n, k;
  std::vector<EpilogueStage> stages;
};

// Bits of a product's result, which lies in rows of n + 1: rounded here, or stored in bf16.
std::vector<uint16_t> RunInBf16(const Bf16Result& c, int threads, bool to_bf16) {
  const PackedGemm gemm = PackedGemm::Make(c.n, c.k, GemmFactors::kBf16Pairs);
  const std::vector<float> w = Random(c.n * c.k, 1), x = Random(c.m * c.k, 2),
                           bias = Random(c.n, 3);
  std::vector<uint16_t> factor;
  for (const float v : x) factor.push_back(Bf16Bits(v));
  std::vector<float> packed(gemm.PackedBytes() / sizeof(float)), y(c.m * (c.n + 1), 42);
  std::vector<BFloat16> bf16_y(y.size(), 42.0f);
  gemm.Pack(w.data(), 1, c.k, packed.data());
  PackedGemmArgs args;
  args.x = reinterpret_cast<const float*>(factor.data());
  args.rows = c.m;
  args.lda = c.k / 2;
  args.packed = packed.data();
  args.bias = bias.data();
  args.stages = c.stages;
  args.ldc = c.n + 1;
  const auto workspace =
      hwy::AllocateAligned<char>(gemm.WorkspaceBytes(args, threads, to_bf16) + 1);
  args.workspace = workspace.get();
  if (to_bf16) {
    args.bf16_y = bf16_y.data();
  } else {
    args.y = y.data();
  }
  gemm.Run(args, threads);
  if (to_bf16) return Bits(bf16_y);
  std::vector<uint16_t> rounded;
  for (const float v : y) {
    const bool subnormal = std::abs(v) < std::numeric_limits<float>::min();
    rounded.push_back(Bf16Bits(subnormal ? std::copysign(0.0f, v) : v));
  }
  return rounded;
}

TEST_P(PackedGemmTest, ResultsInBf16AreTheOthersRounded) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  const std::vector<float> full = Random(100000, 7);
  const Bf16Result cases[] = {
      {1, 33, 2, {}},
      {7, 16, 64, {{EpilogueOp::kRelu}}},
      {8, 64, 30, {{EpilogueOp::kSilu}}},   // small enough to wait for all of it
      {30, 45, 20, {{EpilogueOp::kTanh}}},  // not of whole panels
      {300, 128, 64, {{EpilogueOp::kGeluErf}}},
      {100, 96, 1500, {{EpilogueOp::kAdd, 0, 0, full.data(), 97, 1}, {EpilogueOp::kRelu}}},
      {43, 70, 4200, {{EpilogueOp::kRelu}}},
      {150, 200, 2100, {{EpilogueOp::kSigmoid}}},
      {20, 64, 1024, {}},  // rows that are copied
  };
  for (const Bf16Result& c : cases) {
    for (const int threads : {1, 2, 3}) {
      EXPECT_EQ(RunInBf16(c, threads, true), RunInBf16(c, threads, false))
          << c.m << " x " << c.n << " x " << c.k << ", threads " << threads;
    }
  }
}

TEST_P(PackedGemmTest, ResultsInBf16AreToNearestEvenAndKeepNanAndInfinity) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  // Products of zeros: the results are the bias.
  const std::vector<float> bias = {1.0f, 1.00390625f, 1.01171875f, kInfinity, -kInfinity,
                                   kNan, 3.4028e38f,  -1.1f,       0x1p-126f};
  const int64_t n = static_cast<int64_t>(bias.size());
  const PackedGemm gemm = PackedGemm::Make(n, 2, GemmFactors::kBf16Pairs);
  const std::vector<float> w(2 * n, 0.0f);
  std::vector<float> packed(gemm.PackedBytes() / sizeof(float));
  gemm.Pack(w.data(), 1, 2, packed.data());
  const float zeros = 0;
  std::vector<BFloat16> y(n);
  PackedGemmArgs args;
  args.x = &zeros;
  args.rows = args.lda = 1;
  args.packed = packed.data();
  args.bias = bias.data();
  args.bf16_y = y.data();
  args.ldc = n;
  gemm.Run(args, 1);
  for (int64_t i = 0; i < n; ++i) {
    if (std::isnan(bias[i])) {
      EXPECT_TRUE(std::isnan(float{y[i]}));
    } else {
      EXPECT_EQ(float{y[i]}, float{BFloat16(bias[i])}) << bias[i];
    }
  }
}

}  // namespace
}  // namespace ingot::kernels
