#include "backends/onednn/kernels/norm.h"

#include <cmath>
#include <vector>

#include "backends/onednn/kernels/test_random.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
  double mean_square = 0;
};

// `at(i)`: element i of the set normalised together.
template <class At>
Moments MomentsOf(int64_t n, const At& at) {
  Moments m;
  for (int64_t i = 0; i < n; ++i) m.mean += double{at(i)} / n;
  for (int64_t i = 0; i < n; ++i) {
    m.variance += (at(i) - m.mean) * (at(i) - m.mean) / n;
    m.mean_square += double{at(i)} * at(i) / n;
  }
  return m;
}

class NormTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(NormTest);

TEST_P(NormTest, LayerNormOfRowsOfAnyLength) {
  for (int64_t n : {1, 2, 7, 16, 31, 64, 65, 127, 768, 1000, 5000}) {
    for (float offset : {0.0f, 300.0f}) {
      // The longest rows are enough work for two threads.
      const int64_t rows = n == 5000 ? 60 : 5;
      const std::vector<float> x = Random(rows * n, 1, {.mean = offset}), w = Random(n, 2),
                               b = Random(n, 3);
      std::vector<float> y(rows * n);
      for (int affine = 0; affine < 4; ++affine) {
        RowNorm args;
        args.rows = rows;
        args.n = n;
        args.x = x.data();
        args.weight = affine & 1 ? w.data() : nullptr;
        args.bias = affine & 2 ? b.data() : nullptr;
        args.y = y.data();
        LayerNorm(args, 2);
        for (int64_t r = 0; r < rows; ++r) {
          const Moments m = MomentsOf(n, [&](int64_t i) { return x[r * n + i]; });
          for (int64_t i = 0; i < n; ++i) {
            const double weight = affine & 1 ? w[i] : 1, bias = affine & 2 ? b[i] : 0;
            const double z = (x[r * n + i] - m.mean) / std::sqrt(m.variance + 1e-5);
            // An input rounded at `offset` carries that error into z.
            const double limit = 4e-7 * (std::abs(weight * z) + std::abs(bias)) +
                                 offset * 2e-7 * std::abs(weight) / std::sqrt(m.variance + 1e-5) +
                                 1e-7;
            ASSERT_NEAR(y[r * n + i], z * weight + bias, limit) << n << " " << r << " " << i;
          }
        }
      }
    }
  }
}

TEST_P(NormTest, RmsNorm) {
  for (int64_t n : {1, 17, 256, 4100}) {
    const std::vector<float> x = Random(4 * n, 7, {.mean = 2}), w = Random(n, 8);
    std::vector<float> y(4 * n);
    RowNorm args;
    args.rows = 4;
    args.n = n;
    args.eps = 1e-6f;
    args.x = x.data();
    args.weight = w.data();
    args.y = y.data();
    RmsNorm(args, 2);
    for (int64_t i = 0; i < 4 * n; ++i) {
      const Moments m = MomentsOf(n, [&](int64_t k) { return x[i / n * n + k]; });
      const double exact = x[i] / std::sqrt(m.mean_square + 1e-6) * w[i % n];
      ASSERT_NEAR(y[i], exact, 4e-7 * std::abs(exact) + 1e-7) << n;
      if (n > 1000) i += 97;
    }
  }
}

TEST_P(NormTest, RowsInBf16AreTheOthersRounded) {
  for (const int64_t n : {1, 7, 64, 100, 768}) {
    std::vector<float> x = Random(9 * n, 1);
    const std::vector<float> w = Random(n, 2), b = Random(n, 3);
    x[4 * n] = NAN;
    for (const auto norm : {&LayerNorm, &RmsNorm}) {
      std::vector<float> y(9 * n);
      std::vector<BFloat16> bf16_y(9 * n);
      RowNorm args;
      args.rows = 9;
      args.n = n;
      args.x = x.data();
      args.weight = w.data();
      args.bias = b.data();
      args.y = y.data();
      norm(args, 2);
      args.y = nullptr;
      args.bf16_y = bf16_y.data();
      norm(args, 2);
      for (int64_t i = 0; i < 9 * n; ++i) {
        const float got = bf16_y[i], want = BFloat16(y[i]);
        ASSERT_TRUE(got == want || (std::isnan(got) && std::isnan(want))) << n << " " << i;
      }
    }
  }
}

TEST_P(NormTest, ConstantRowsGiveTheBias) {
  const std::vector<float> x(2 * 50, 1e6f), b(50, 0.25f);
  std::vector<float> y(2 * 50);
  RowNorm args;
  args.rows = 2;
  args.n = 50;
  args.x = x.data();
  args.bias = b.data();
  args.y = y.data();
  LayerNorm(args, 1);
  for (float value : y) EXPECT_EQ(value, 0.25f);
}

TEST_P(NormTest, GroupNormInBothLayouts) {
  struct Case {
    int64_t batch, channels, spatial, groups;
  };
  for (const Case& c :
       {Case{2, 6, 49, 3}, Case{1, 32, 200, 32}, Case{3, 64, 1, 1}, Case{1, 5, 300, 5},
        Case{1, 256, 1000, 8}, Case{3, 64, 1500, 4}, Case{2, 8, 17, 2}}) {
    const int64_t total = c.batch * c.channels * c.spatial;
    const std::vector<float> nchw = Random(total, 9, {.mean = 1}), w = Random(c.channels, 10),
                             b = Random(c.channels, 11);
    std::vector<float> nhwc(total), y(total), y_nhwc(total);
    const auto to_nhwc = [&](int64_t n, int64_t ch, int64_t s) {
      return (n * c.spatial + s) * c.channels + ch;
    };
    const auto to_nchw = [&](int64_t n, int64_t ch, int64_t s) {
      return (n * c.channels + ch) * c.spatial + s;
    };
    for (int64_t n = 0; n < c.batch; ++n) {
      for (int64_t ch = 0; ch < c.channels; ++ch) {
        for (int64_t s = 0; s < c.spatial; ++s) {
          nhwc[to_nhwc(n, ch, s)] = nchw[to_nchw(n, ch, s)];
        }
      }
    }
    GroupNormArgs args{c.batch,     c.channels, c.spatial, c.groups, 1e-5f,
                       nchw.data(), w.data(),   b.data(),  y.data()};
    GroupNormNchw(args, 2);
    args.x = nhwc.data();
    args.y = y_nhwc.data();
    std::vector<char> workspace(GroupNormNhwcWorkspaceBytes(args, 2));
    GroupNormNhwc(args, workspace.data(), 2);
    const int64_t per_group = c.channels / c.groups;
    for (int64_t n = 0; n < c.batch; ++n) {
      for (int64_t g = 0; g < c.groups; ++g) {
        const Moments m = MomentsOf(per_group * c.spatial, [&](int64_t i) {
          return nchw[to_nchw(n, g * per_group, 0) + i];
        });
        for (int64_t i = 0; i < per_group * c.spatial; ++i) {
          const int64_t ch = g * per_group + i / c.spatial, s = i % c.spatial;
          const double exact =
              (nchw[to_nchw(n, ch, s)] - m.mean) / std::sqrt(m.variance + 1e-5) * w[ch] + b[ch];
          ASSERT_NEAR(y[to_nchw(n, ch, s)], exact, 4e-6);
          ASSERT_NEAR(y_nhwc[to_nhwc(n, ch, s)], exact, 4e-6);
        }
      }
    }
  }
}

}  // namespace
}  // namespace ingot::kernels
