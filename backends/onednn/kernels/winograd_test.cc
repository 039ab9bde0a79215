#include "backends/onednn/kernels/winograd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

struct Case {
  int64_t images, channels, columns, in[2], begin[2], end[2];
};

constexpr Case kCases[] = {
    {1, 16, 32, {6, 8}, {1, 1}, {1, 1}},   {2, 32, 64, {7, 9}, {1, 1}, {1, 1}},
    {1, 48, 32, {5, 40}, {0, 0}, {0, 0}},  {3, 64, 96, {13, 3}, {2, 1}, {0, 2}},
    {1, 512, 32, {10, 9}, {1, 1}, {1, 1}}, {1, 16, 32, {1, 1}, {1, 1}, {1, 1}},
};

// One case with its arguments, and the plain sums in double.
struct Convolution {
  explicit Convolution(const Case& c) : c(c) {
    for (int d = 0; d < 2; ++d) {
      args.in[d] = c.in[d];
      args.padding[d] = c.begin[d];
      args.out[d] = c.in[d] + c.begin[d] + c.end[d] - 2;
    }
    args.images = c.images;
    pixels = c.images * args.out[0] * args.out[1];
    x = Random(c.images * c.in[0] * c.in[1] * c.channels, 1);
    w = Random(c.columns * c.channels * 9, 2);
    bias = Random(c.columns, 3);
  }

  double Sum(int64_t pixel, int64_t column) const {
    const int64_t oh = pixel / args.out[1] % args.out[0], ow = pixel % args.out[1];
    const int64_t image = pixel / (args.out[0] * args.out[1]);
    double sum = bias[static_cast<size_t>(column)];
    for (int64_t t = 0; t < 9; ++t) {
      const int64_t ih = oh - c.begin[0] + t / 3, iw = ow - c.begin[1] + t % 3;
      if (ih < 0 || iw < 0 || ih >= c.in[0] || iw >= c.in[1]) continue;
      for (int64_t i = 0; i < c.channels; ++i) {
        const int64_t at = ((image * c.in[0] + ih) * c.in[1] + iw) * c.channels + i;
        sum += double{x[static_cast<size_t>(at)]} *
               w[static_cast<size_t>((column * c.channels + i) * 9 + t)];
      }
    }
    return sum;
  }

  // The sum of the magnitudes of the products at the points that an output is made of.
  double PointMagnitude(int64_t pixel, int64_t column) const;

  // bf16_y: where the result goes, if not null; else it is returned.
  std::vector<float> Run(absl::Span<const EpilogueStage> stages, int threads,
                         GemmFactors factors = GemmFactors::kF32,
                         std::vector<BFloat16>* bf16_y = nullptr) {
    const Winograd winograd = Winograd::Make(c.columns, c.channels, factors);
    std::vector<float> packed(winograd.PackedBytes() / sizeof(float));
    winograd.Pack(w.data(), {c.channels * 9, 9, 3, 1}, packed.data());
    std::vector<float> workspace(winograd.WorkspaceBytes(threads) / sizeof(float), NAN);
    std::vector<float> y(static_cast<size_t>(pixels * c.columns), 42);
    args.x = x.data();
    args.packed = packed.data();
    args.bias = bias.data();
    args.stages = stages;
    args.y = bf16_y == nullptr ? y.data() : nullptr;
    if (bf16_y != nullptr) bf16_y->resize(y.size());
    args.bf16_y = bf16_y != nullptr ? bf16_y->data() : nullptr;
    args.workspace = workspace.data();
    winograd.Run(args, threads);
    return y;
  }

  const Case& c;
  WinogradArgs args;
  int64_t pixels;
  std::vector<float> x, w, bias;
};

using Four = std::array<std::array<double, 4>, 4>;

// B^T d B.
Four PixelPoints(const Four& d) {
  const auto combine = [](double a, double b, double c, double e) {
    return std::array<double, 4>{a - c, b + c, c - b, b - e};
  };
  Four rows, points;
  for (int j = 0; j < 4; ++j) {
    const auto column = combine(d[0][j], d[1][j], d[2][j], d[3][j]);
    for (int i = 0; i < 4; ++i) rows[i][j] = column[i];
  }
  for (int i = 0; i < 4; ++i) points[i] = combine(rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
  return points;
}

// G g G^T of nine taps.
Four FilterPoints(const float* g) {
  const auto combine = [](double a, double b, double c) {
    return std::array<double, 4>{a, (a + b + c) / 2, (a - b + c) / 2, c};
  };
  double rows[4][3];
  for (int j = 0; j < 3; ++j) {
    const auto column = combine(g[j], g[3 + j], g[6 + j]);
    for (int i = 0; i < 4; ++i) rows[i][j] = column[i];
  }
  Four points;
  for (int i = 0; i < 4; ++i) points[i] = combine(rows[i][0], rows[i][1], rows[i][2]);
  return points;
}

double Convolution::PointMagnitude(int64_t pixel, int64_t column) const {
  const int64_t oh = pixel / args.out[1] % args.out[0], ow = pixel % args.out[1];
  const int64_t image = pixel / (args.out[0] * args.out[1]);
  double sum = 0;
  for (int64_t i = 0; i < c.channels; ++i) {
    Four d = {};
    for (int64_t t = 0; t < 16; ++t) {
      const int64_t ih = oh / 2 * 2 - c.begin[0] + t / 4, iw = ow / 2 * 2 - c.begin[1] + t % 4;
      if (ih < 0 || iw < 0 || ih >= c.in[0] || iw >= c.in[1]) continue;
      d[t / 4][t % 4] = x[((image * c.in[0] + ih) * c.in[1] + iw) * c.channels + i];
    }
    const Four v = PixelPoints(d), u = FilterPoints(&w[(column * c.channels + i) * 9]);
    for (int64_t t = 0; t < 9; ++t) {
      const int64_t h = oh % 2 + t / 3, j = ow % 2 + t % 3;
      sum += std::abs(v[h][j] * u[h][j]);
    }
  }
  return sum;
}

class WinogradTest : public TargetTest {
 protected:
  static std::vector<GemmFactors> AllFactors() {
    if (!PackedGemm::HasBf16()) return {GemmFactors::kF32};
    return {GemmFactors::kF32, GemmFactors::kBf16Pairs};
  }
};
INGOT_FOR_ALL_TARGETS(WinogradTest);

TEST_P(WinogradTest, IsTheSumOverTheTaps) {
  for (const Case& c : kCases) {
    Convolution convolution(c);
    const std::vector<float> addend = Random(convolution.pixels * c.columns, 4);
    const EpilogueStage in_registers[] = {{EpilogueOp::kAdd, 0, 0, addend.data(), c.columns, 1},
                                          {EpilogueOp::kClamp, -1, 20}};
    const EpilogueStage others[] = {{EpilogueOp::kLeakyRelu, 0.5f},
                                    {EpilogueOp::kAdd, 0, 0, addend.data(), c.columns, 1}};
    const std::vector<float> first = convolution.Run(in_registers, 1);
    const std::vector<float> second = convolution.Run(others, 2);
    // Twice the plain sum's own error, or so.
    const double tolerance = 4e-7 * 9 * std::sqrt(static_cast<double>(c.channels)) * 4;
    for (int64_t p = 0; p < convolution.pixels; ++p) {
      for (int64_t column = 0; column < c.columns; ++column) {
        const auto at = static_cast<size_t>(p * c.columns + column);
        const double sum = convolution.Sum(p, column);
        ASSERT_NEAR(first[at], std::clamp(sum + addend[at], -1.0, 20.0), tolerance)
            << c.channels << " " << p << " " << column;
        ASSERT_NEAR(second[at], (sum > 0 ? sum : sum / 2) + addend[at], tolerance);
      }
    }
  }
}

TEST_P(WinogradTest, FactorsOfBf16AreOffByTheRoundingOfThePointsAtMost) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  for (const Case& c : kCases) {
    Convolution convolution(c);
    const std::vector<float> y = convolution.Run({}, 2, GemmFactors::kBf16Pairs);
    bool differs = false;
    for (int64_t p = 0; p < convolution.pixels; ++p) {
      for (int64_t column = 0; column < c.columns; column += 5) {
        const double off = std::abs(y[p * c.columns + column] - convolution.Sum(p, column));
        ASSERT_LE(off, 0x1.02p-8 * convolution.PointMagnitude(p, column) + 1e-5)
            << c.channels << " " << p << " " << column;
        differs |= off > 1e-4;
      }
    }
    EXPECT_TRUE(differs);
  }
}

TEST_P(WinogradTest, ResultsInBf16AreTheOthersRounded) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  Convolution convolution(kCases[3]);
  const std::vector<float> addend = Random(convolution.pixels * kCases[3].columns, 4);
  const EpilogueStage in_registers[] = {
      {EpilogueOp::kAdd, 0, 0, addend.data(), kCases[3].columns, 1}, {EpilogueOp::kRelu}};
  const EpilogueStage others[] = {{EpilogueOp::kSilu}};
  for (const absl::Span<const EpilogueStage> stages :
       {absl::MakeConstSpan(in_registers), absl::MakeConstSpan(others)}) {
    std::vector<BFloat16> rounded;
    const std::vector<float> y = convolution.Run(stages, 2, GemmFactors::kBf16Pairs);
    convolution.Run(stages, 2, GemmFactors::kBf16Pairs, &rounded);
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_EQ(float{rounded[i]}, float{BFloat16(y[i])}) << i;
    }
  }
}

TEST_P(WinogradTest, WhatIsNotFiniteIsNanWithFactorsOfBf16) {
  if (!PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  Convolution convolution(kCases[0]);
  convolution.x[(2 * 8 + 3) * 16] = std::numeric_limits<float>::infinity();
  const EpilogueStage stages[] = {{EpilogueOp::kRelu}};
  const std::vector<float> y = convolution.Run(stages, 1, GemmFactors::kBf16Pairs);
  for (int64_t p = 0; p < convolution.pixels; ++p) {
    const int64_t h = p / 8, w = p % 8;
    const bool sees_it = h >= 1 && h <= 3 && w >= 2 && w <= 4;
    for (int64_t column = 0; column < 32; ++column) {
      ASSERT_EQ(std::isnan(y[p * 32 + column]), sees_it) << h << " " << w;
    }
  }
}

// Sums and halves of small whole numbers are exact.
TEST_P(WinogradTest, WholeNumbersAreExact) {
  Convolution convolution(kCases[1]);
  for (std::vector<float>* values : {&convolution.x, &convolution.w, &convolution.bias}) {
    for (float& value : *values) value = std::round(value * 2);
  }
  for (const GemmFactors factors : AllFactors()) {
    const std::vector<float> y = convolution.Run({}, 1, factors);
    for (int64_t p = 0; p < convolution.pixels; ++p) {
      for (int64_t column = 0; column < convolution.c.columns; ++column) {
        ASSERT_EQ(y[static_cast<size_t>(p * convolution.c.columns + column)],
                  convolution.Sum(p, column));
      }
    }
  }
}

TEST_P(WinogradTest, PixelsOutsideOfAWindowDontTouchIt) {
  for (const GemmFactors factors : AllFactors()) {
    Convolution convolution(kCases[0]);
    const std::vector<float> before = convolution.Run({}, 1, factors);
    // The pixel at (2, 3), by outputs whose windows are all around it.
    for (int64_t i = 0; i < 16; ++i)
      convolution.x[static_cast<size_t>((2 * 8 + 3) * 16 + i)] = 1e30f;
    const std::vector<float> after = convolution.Run({}, 1, factors);
    for (int64_t p = 0; p < convolution.pixels; ++p) {
      const int64_t h = p / 8, w = p % 8;
      const bool sees_it = h >= 1 && h <= 3 && w >= 2 && w <= 4;
      if (sees_it) continue;
      for (int64_t column = 0; column < 32; ++column) {
        const auto at = static_cast<size_t>(p * 32 + column);
        ASSERT_EQ(before[at], after[at]) << h << " " << w;
      }
    }
  }
}

// As the plain sum: infinities stay infinite, of one sign, and NaN goes to the windows that see it.
TEST_P(WinogradTest, InfinitiesAndNanAreThePlainSums) {
  Convolution convolution(kCases[0]);
  const auto pixel = [&](int64_t h, int64_t w) { return static_cast<size_t>((h * 8 + w) * 16); };
  convolution.x[pixel(1, 2) + 5] = std::numeric_limits<float>::infinity();
  convolution.x[pixel(4, 5) + 1] = -std::numeric_limits<float>::infinity();
  convolution.x[pixel(4, 0) + 3] = NAN;
  convolution.x[pixel(0, 6)] = 3e38f;
  convolution.x[pixel(0, 7)] = 3e38f;
  for (float& weight : convolution.w) weight /= 64;
  const EpilogueStage stages[] = {{EpilogueOp::kRelu}};
  const std::vector<float> y = convolution.Run(stages, 1);
  for (int64_t p = 0; p < convolution.pixels; ++p) {
    for (int64_t column = 0; column < 32; ++column) {
      const double sum = convolution.Sum(p, column);
      const double expected = std::isnan(sum) ? sum : std::max(sum, 0.0);
      const float got = y[static_cast<size_t>(p * 32 + column)];
      if (std::isfinite(expected)) {
        ASSERT_NEAR(got, expected, 1e-5 + 1e-5 * expected) << p << " " << column;
      } else {
        ASSERT_TRUE(std::isnan(expected) ? std::isnan(got) : got == static_cast<float>(expected))
            << p << " " << column << ": " << got << " instead of " << expected;
      }
    }
  }
}

TEST_P(WinogradTest, ThreadsGiveTheSameBits) {
  Convolution convolution(kCases[3]);
  for (const GemmFactors factors : AllFactors()) {
    const std::vector<float> one = convolution.Run({}, 1, factors),
                             three = convolution.Run({}, 3, factors);
    EXPECT_EQ(0, std::memcmp(one.data(), three.data(), one.size() * sizeof(float)));
  }
}

}  // namespace
}  // namespace ingot::kernels
