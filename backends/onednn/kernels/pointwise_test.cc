#include "backends/onednn/kernels/pointwise.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> RandomFloats(int64_t n, int seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-3, 3);
  std::vector<float> values(n);
  for (float& value : values) value = uniform(generator);
  return values;
}

template <class In, class Out>
std::vector<Out> RunUnary(PwOp op, DType dtype, const std::vector<In>& x, PwImmediates im = {}) {
  PointwiseBuilder builder({static_cast<int64_t>(x.size())});
  builder.Output(builder.Op(op, {builder.Input(dtype, {1})}, im));
  std::vector<Out> y(x.size());
  const void* inputs[] = {x.data()};
  void* outputs[] = {y.data()};
  (*std::move(builder).Build()).Run(inputs, outputs, 1);
  return y;
}

template <class In, class Out>
std::vector<Out> RunBinary(PwOp op, DType dtype, const std::vector<In>& a,
                           const std::vector<In>& b) {
  PointwiseBuilder builder({static_cast<int64_t>(a.size())});
  const int x = builder.Input(dtype, {1});
  builder.Output(builder.Op(op, {x, builder.Input(dtype, {1})}));
  std::vector<Out> y(a.size());
  const void* inputs[] = {a.data(), b.data()};
  void* outputs[] = {y.data()};
  (*std::move(builder).Build()).Run(inputs, outputs, 1);
  return y;
}

class PointwiseTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(PointwiseTest);

// All lengths around the vector and tile sizes, on every way a program is run: one loop, a chain,
// and threads.
TEST_P(PointwiseTest, EveryLengthGivesEveryElementOnce) {
  for (int64_t n :
       {0, 1, 2, 6, 7, 8, 15, 16, 17, 31, 33, 100, 1023, 1024, 1025, 5000, 70001, 400001}) {
    const std::vector<float> a = RandomFloats(n, 1), b = RandomFloats(n, 2);
    for (int threads : {1, 2}) {
      std::vector<float> difference(n + 1, 42), chain(n + 1, 42);
      std::vector<uint8_t> less(n + 1, 42);
      PointwiseBuilder builder({n});
      const int x = builder.Input(DType::kFloat32, {1});
      const int y = builder.Input(DType::kFloat32, {1});
      const int d = builder.Op(PwOp::kSub, {x, y});
      builder.Output(d);
      builder.Output(builder.Op(PwOp::kRelu, {builder.Op(PwOp::kMul, {d, d})}));
      builder.Output(builder.Op(PwOp::kLt, {x, y}));
      const void* inputs[] = {a.data(), b.data()};
      void* outputs[] = {difference.data(), chain.data(), less.data()};
      (*std::move(builder).Build()).Run(inputs, outputs, threads);
      for (int64_t i = 0; i < n; ++i) {
        const float expected = a[i] - b[i];
        ASSERT_EQ(difference[i], expected) << n << " " << i;
        ASSERT_EQ(chain[i], expected * expected) << n << " " << i;
        ASSERT_EQ(less[i], a[i] < b[i]) << n << " " << i;
      }
      EXPECT_EQ(difference[n], 42);
      EXPECT_EQ(chain[n], 42);
      EXPECT_EQ(less[n], 42);
    }
  }
}

TEST_P(PointwiseTest, RangesComeWholeAndOnce) {
  struct Case {
    std::vector<int64_t> shape, bias;
    int64_t range;
    bool possible;
  };
  for (const Case& c : std::vector<Case>{{{40, 300}, {0, 1}, 300, true},  // a row each
                                         {{40, 300}, {0, 1}, 600, true},
                                         {{40, 300}, {0, 1}, 150, false},   // half a row
                                         {{40, 300}, {300, 1}, 150, true},  // no rows
                                         {{400, 60}, {0, 1}, 30, true},     // gathered
                                         {{400, 60}, {0, 1}, 1800, false},  // not a divisor
                                         {{2, 2100}, {0, 1}, 2100, false},  // too long
                                         {{1, 1}, {0, 0}, 1, true}}) {
    const int64_t n = c.shape[0] * c.shape[1];
    const std::vector<float> x = RandomFloats(n, 1), bias = RandomFloats(n, 2);
    PointwiseBuilder builder(c.shape);
    const int a = builder.Input(DType::kFloat32, {c.shape[1], 1});
    const int b = builder.Input(DType::kFloat32, c.bias);
    builder.Output(builder.Op(PwOp::kTanh, {builder.Op(PwOp::kAdd, {a, b})}));
    const absl::StatusOr<Pointwise> program = std::move(builder).Build();
    const void* inputs[] = {x.data(), bias.data()};
    std::vector<float> whole(n), ranges(n);
    void* outputs[] = {whole.data()};
    program->Run(inputs, outputs, 1);
    ASSERT_EQ(program->CanRunRanges(c.range), c.possible) << c.shape[0] << " " << c.range;
    if (!c.possible) continue;
    program->RunRanges(inputs, c.range, 2, [&](int64_t i, const float* values) {
      for (int64_t k = 0; k < c.range; ++k) ranges[i * c.range + k] += values[k];
    });
    EXPECT_EQ(ranges, whole);
  }
}

// outer(inner(a, b), c) or outer(c, inner(a, b)), b and c tensors or numbers. With `apart`, the
// inner value is an output too, so that it can't be done in the outer op's loop.
std::vector<float> RunPair(PwOp outer, PwOp inner, int variant, int64_t n, bool apart) {
  PointwiseBuilder builder({n});
  const std::vector<float> a = RandomFloats(n, 5), b = RandomFloats(n, 6), c = RandomFloats(n, 7);
  const int x = builder.Input(DType::kFloat32, {1}), y = builder.Input(DType::kFloat32, {1});
  const int z = builder.Input(DType::kFloat32, {1});
  const int second = (variant & 1) != 0 ? builder.Constant(0.7, DType::kFloat32) : y;
  const int other = (variant & 2) != 0 ? builder.Constant(-1.3, DType::kFloat32) : z;
  const int value = (variant & 8) != 0 ? builder.Op(inner, {second, x})  //
                                       : builder.Op(inner, {x, second});
  if (PwOpArity(outer) == 1) {
    builder.Output(builder.Op(outer, {value}));
  } else if ((variant & 4) != 0) {
    builder.Output(builder.Op(outer, {other, value}));
  } else {
    builder.Output(builder.Op(outer, {value, other}));
  }
  if (apart) builder.Output(value);
  std::vector<float> result(n), unused(n);
  const void* inputs[] = {a.data(), b.data(), c.data()};
  void* outputs[] = {result.data(), unused.data()};
  (*std::move(builder).Build()).Run(inputs, outputs, 1);
  return result;
}

TEST_P(PointwiseTest, TwoOpsInOneLoopGiveTheBitsOfTwoLoops) {
  for (PwOp outer : {PwOp::kAdd, PwOp::kSub, PwOp::kMul, PwOp::kDiv, PwOp::kExp, PwOp::kTanh,
                     PwOp::kSigmoid, PwOp::kSilu, PwOp::kGeluErf, PwOp::kRelu, PwOp::kSqrt}) {
    for (PwOp inner : {PwOp::kAdd, PwOp::kSub, PwOp::kMul, PwOp::kMaximum}) {
      for (int variant = 0; variant < 16; ++variant) {
        for (int64_t n : {1, 17, 1500}) {
          const std::vector<float> together = RunPair(outer, inner, variant, n, false);
          const std::vector<float> apart = RunPair(outer, inner, variant, n, true);
          ASSERT_EQ(std::memcmp(together.data(), apart.data(), n * sizeof(float)), 0)
              << PwOpName(outer) << " of " << PwOpName(inner) << ", variant " << variant;
        }
      }
    }
  }
}

struct BroadcastCase {
  std::vector<int64_t> shape;
  std::vector<int64_t> a_strides;
  std::vector<int64_t> b_strides;
};

TEST_P(PointwiseTest, StridesBroadcastTransposeAndReverse) {
  const BroadcastCase cases[] = {
      {{4, 6}, {6, 1}, {0, 1}},      // bias, short rows
      {{4, 6}, {6, 1}, {1, 0}},      // a number a row
      {{4, 6}, {1, 4}, {6, 1}},      // transposed
      {{5, 700}, {700, 1}, {0, 1}},  // bias, long rows
      {{5, 700}, {700, 1}, {1, 0}},
      {{5, 700}, {1, 5}, {700, 1}},
      {{5, 3000}, {0, 1}, {3000, 1}},
      {{200, 3000}, {1, 0}, {3, 1}},  // enough for two threads
      {{9000, 50}, {0, 1}, {2, 1}},
      {{3, 1, 5}, {5, 5, 1}, {5, 9, 1}},
      {{2, 3, 4, 5}, {0, 5, 0, 1}, {60, 1, 15, 3}},
      {{7}, {-1}, {1}},  // base pointer at the last element
      {{6, 1}, {0, 0}, {1, 1}},
      {{1, 1}, {0, 0}, {0, 0}},
      {{}, {}, {}},
      {{2, 0, 3}, {0, 3, 1}, {0, 0, 0}},
  };
  const std::vector<float> a = RandomFloats(4000, 3), b = RandomFloats(4000 * 5, 4);
  for (const BroadcastCase& c : cases) {
    const int64_t n =
        std::accumulate(c.shape.begin(), c.shape.end(), int64_t{1}, std::multiplies<>());
    int64_t start = 0;
    for (size_t d = 0; d < c.shape.size(); ++d) {
      if (c.a_strides[d] < 0) start -= c.a_strides[d] * (c.shape[d] - 1);
    }
    PointwiseBuilder builder(c.shape);
    const int x = builder.Input(DType::kFloat32, c.a_strides);
    const int y = builder.Input(DType::kFloat32, c.b_strides);
    builder.Output(builder.Op(PwOp::kSub, {builder.Op(PwOp::kNeg, {x}), y}));
    std::vector<float> out(n);
    const void* inputs[] = {a.data() + start, b.data()};
    void* outputs[] = {out.data()};
    const Pointwise program = *std::move(builder).Build();
    for (int threads : {1, 3}) {
      program.Run(inputs, outputs, threads);
      for (int64_t i = 0; i < n; ++i) {
        int64_t rest = i, ia = start, ib = 0;
        for (int d = static_cast<int>(c.shape.size()) - 1; d >= 0; --d) {
          ia += rest % c.shape[d] * c.a_strides[d];
          ib += rest % c.shape[d] * c.b_strides[d];
          rest /= c.shape[d];
        }
        ASSERT_EQ(out[i], -a[ia] - b[ib]) << "case " << &c - cases << " element " << i;
      }
    }
  }
}

TEST_P(PointwiseTest, ScalarsAreReadOnEachCallAndCastAsAsked) {
  PointwiseBuilder builder({3});
  const int x = builder.Input(DType::kFloat32, {1});
  const int f64 = builder.Scalar(DType::kFloat64, DType::kFloat32);
  const int i64 = builder.Scalar(DType::kInt64, DType::kFloat32);
  const int b8 = builder.Scalar(DType::kBool, DType::kFloat32);
  // Scalar arithmetic before the tiles: x * (f64 + i64) - b8.
  const int factor = builder.Op(PwOp::kAdd, {f64, i64});
  builder.Output(builder.Op(PwOp::kSub, {builder.Op(PwOp::kMul, {x, factor}), b8}));
  const Pointwise program = *std::move(builder).Build();
  const std::vector<float> values = {1, 2, 3};
  std::vector<float> y(3);
  double d = 0.5;
  int64_t i = 2;
  bool flag = true;
  const void* inputs[] = {values.data(), &d, &i, &flag};
  void* outputs[] = {y.data()};
  program.Run(inputs, outputs, 1);
  EXPECT_THAT(y, ElementsAre(1.5f, 4, 6.5f));
  d = 1;
  flag = false;
  program.Run(inputs, outputs, 1);
  EXPECT_THAT(y, ElementsAre(3, 6, 9));
}

TEST_P(PointwiseTest, UniformOperandsOnEitherSide) {
  for (int64_t n : {5, 2500}) {
    const std::vector<float> x = RandomFloats(n, 7);
    const float s = 1.25f;
    PointwiseBuilder builder({n});
    const int v = builder.Input(DType::kFloat32, {1});
    const int u = builder.Scalar(DType::kFloat32, DType::kFloat32);
    builder.Output(builder.Op(PwOp::kSub, {u, v}));
    builder.Output(builder.Op(PwOp::kSub, {v, u}));
    builder.Output(builder.Op(PwOp::kWhere, {builder.Op(PwOp::kGt, {v, u}), u, v}));
    builder.Output(builder.Op(PwOp::kFma, {u, v, u}));
    builder.Output(u);
    const Pointwise program = *std::move(builder).Build();
    std::vector<std::vector<float>> y(5, std::vector<float>(n));
    const void* inputs[] = {x.data(), &s};
    void* outputs[] = {y[0].data(), y[1].data(), y[2].data(), y[3].data(), y[4].data()};
    program.Run(inputs, outputs, 1);
    for (int64_t i = 0; i < n; ++i) {
      ASSERT_EQ(y[0][i], s - x[i]);
      ASSERT_EQ(y[1][i], x[i] - s);
      ASSERT_EQ(y[2][i], x[i] > s ? s : x[i]);
      ASSERT_NEAR(y[3][i], s * x[i] + s, 1e-6);
      ASSERT_EQ(y[4][i], s);
    }
  }
}

TEST_P(PointwiseTest, AnOutputMayBeTheBufferOfADenseInput) {
  // The first output is ready before x is read for the last time, and shares x's buffer.
  for (int64_t n : {6, 3000}) {
    std::vector<float> x = RandomFloats(n, 8);
    const std::vector<float> original = x;
    std::vector<float> second(n), third(n);
    PointwiseBuilder builder({n});
    const int v = builder.Input(DType::kFloat32, {1});
    const int square = builder.Op(PwOp::kSquare, {v});
    builder.Output(square);
    builder.Output(builder.Op(PwOp::kAdd, {square, v}));
    builder.Output(v);
    const Pointwise program = *std::move(builder).Build();
    const void* inputs[] = {x.data()};
    void* outputs[] = {x.data(), second.data(), third.data()};
    program.Run(inputs, outputs, 1);
    for (int64_t i = 0; i < n; ++i) {
      ASSERT_EQ(x[i], original[i] * original[i]);
      ASSERT_EQ(second[i], original[i] * original[i] + original[i]);
      ASSERT_EQ(third[i], original[i]);
    }
  }
}

TEST_P(PointwiseTest, LongChainsKeepTheirIntermediatesApart) {
  // sum_k (x + k)^2 with all the terms alive at once.
  constexpr int kTerms = 40;
  constexpr int64_t kN = 3001;
  const std::vector<float> x = RandomFloats(kN, 9);
  PointwiseBuilder builder({kN});
  const int v = builder.Input(DType::kFloat32, {1});
  std::vector<int> terms;
  for (int k = 0; k < kTerms; ++k) {
    terms.push_back(
        builder.Op(PwOp::kSquare,
                   {builder.Op(PwOp::kAdd, {v, builder.Constant(double(k), DType::kFloat32)})}));
  }
  int sum = terms[kTerms - 1];
  for (int k = kTerms - 2; k >= 0; --k) sum = builder.Op(PwOp::kAdd, {sum, terms[k]});
  builder.Output(sum);
  std::vector<float> y(kN);
  const void* inputs[] = {x.data()};
  void* outputs[] = {y.data()};
  (*std::move(builder).Build()).Run(inputs, outputs, 2);
  for (int64_t i = 0; i < kN; ++i) {
    double exact = 0;
    for (int k = 0; k < kTerms; ++k) exact += (double(x[i]) + k) * (double(x[i]) + k);
    ASSERT_NEAR(y[i], exact, 1e-5 * exact);
  }
}

TEST_P(PointwiseTest, MinAndMaxHandNanOn) {
  const std::vector<float> a = {1, kNaN, 3, -0.0f}, b = {2, 2, kNaN, 0.0f};
  const auto low = RunBinary<float, float>(PwOp::kMinimum, DType::kFloat32, a, b);
  const auto high = RunBinary<float, float>(PwOp::kMaximum, DType::kFloat32, a, b);
  EXPECT_EQ(low[0], 1);
  EXPECT_EQ(high[0], 2);
  EXPECT_TRUE(std::isnan(low[1]) && std::isnan(low[2]));
  EXPECT_TRUE(std::isnan(high[1]) && std::isnan(high[2]));
  EXPECT_EQ(low[3], 0);
}

TEST_P(PointwiseTest, NanIsUnequalToEverything) {
  const std::vector<float> a = {1, kNaN, 3, kNaN}, b = {1, 2, kNaN, kNaN};
  const auto unequal = RunBinary<float, uint8_t>(PwOp::kNe, DType::kFloat32, a, b);
  const auto equal = RunBinary<float, uint8_t>(PwOp::kEq, DType::kFloat32, a, b);
  EXPECT_EQ(std::vector<int>(unequal.begin(), unequal.end()), (std::vector<int>{0, 1, 1, 1}));
  EXPECT_EQ(std::vector<int>(equal.begin(), equal.end()), (std::vector<int>{1, 0, 0, 0}));
}

TEST_P(PointwiseTest, ActivationsWithParameters) {
  const std::vector<float> x = {-4, -1, 0, 2, 7};
  const auto run = [&](PwOp op, PwImmediates im) {
    return RunUnary<float, float>(op, DType::kFloat32, x, im);
  };
  EXPECT_THAT(run(PwOp::kLeakyRelu, {0.5}), ElementsAre(-2, -0.5, 0, 2, 7));
  EXPECT_THAT(run(PwOp::kClamp, {-1, 3}), ElementsAre(-1, -1, 0, 2, 3));
  EXPECT_THAT(run(PwOp::kHardswish, {}), ElementsAre(0, -2.0f / 6, 0, 10.0f / 6, 7));
  EXPECT_THAT(run(PwOp::kHardsigmoid, {}), ElementsAre(0, 2.0f / 6, 0.5f, 5.0f / 6, 1));
  EXPECT_THAT(run(PwOp::kPowScalar, {2}), ElementsAre(16, 1, 0, 4, 49));
  EXPECT_THAT(run(PwOp::kPowScalar, {3}), ElementsAre(-64, -1, 0, 8, 343));
  const auto elu = run(PwOp::kElu, {2, 3, 1});
  EXPECT_NEAR(elu[1], 2 * std::expm1(-1.0), 1e-6);
  EXPECT_EQ(elu[3], 6);
  const auto softplus = run(PwOp::kSoftplus, {2, 10, 0});
  EXPECT_NEAR(softplus[1], std::log1p(std::exp(-2.0)) / 2, 1e-7);
  EXPECT_EQ(softplus[4], 7);
}

TEST(PointwiseIntegerTest, ArithmeticIsExactAndWraps) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<int64_t> a = {(int64_t{1} << 53) + 1, kMax, kMin, -7, 7}, b = {1, 1, -1, 2, -2};
  const auto run = [&](PwOp op) { return RunBinary<int64_t, int64_t>(op, DType::kInt64, a, b); };
  EXPECT_THAT(run(PwOp::kAdd), ElementsAre((int64_t{1} << 53) + 2, kMin, kMax, -5, 5));
  EXPECT_THAT(run(PwOp::kMul), ElementsAre((int64_t{1} << 53) + 1, kMax, kMin, -14, -14));
  EXPECT_THAT(run(PwOp::kDivFloor), ElementsAre((int64_t{1} << 53) + 1, kMax, kMin, -4, -4));
  EXPECT_THAT(run(PwOp::kDivTrunc), ElementsAre((int64_t{1} << 53) + 1, kMax, kMin, -3, -3));
  EXPECT_THAT(run(PwOp::kRemainder), ElementsAre(0, 0, 0, 1, -1));
  EXPECT_THAT(run(PwOp::kFmod), ElementsAre(0, 0, 0, -1, 1));
  EXPECT_THAT((RunBinary<int64_t, int64_t>(PwOp::kPow, DType::kInt64, {3, -2, 2, -1, 0},
                                           {4, 3, -1, -3, 0})),
              ElementsAre(81, -8, 0, -1, 1));
  EXPECT_THAT((RunUnary<int64_t, int64_t>(PwOp::kNeg, DType::kInt64, {5, kMin})),
              ElementsAre(-5, kMin));
  EXPECT_THAT((RunBinary<int32_t, uint8_t>(PwOp::kGe, DType::kInt32, {1, 2, 3}, {2, 2, 2})),
              ElementsAre(0, 1, 1));
}

TEST(PointwiseIntegerTest, DivisionByZeroDoesNotTrap) {
  EXPECT_THAT((RunBinary<int64_t, int64_t>(PwOp::kDivTrunc, DType::kInt64, {5}, {0})),
              ElementsAre(0));
  EXPECT_THAT((RunBinary<int32_t, int32_t>(PwOp::kRemainder, DType::kInt32, {5}, {0})),
              ElementsAre(0));
}

TEST(PointwiseIntegerTest, BoolsAreLogical) {
  const std::vector<uint8_t> a = {0, 0, 1, 1}, b = {0, 1, 0, 1};
  const auto run = [&](PwOp op) { return RunBinary<uint8_t, uint8_t>(op, DType::kBool, a, b); };
  EXPECT_THAT(run(PwOp::kAnd), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(run(PwOp::kOr), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(run(PwOp::kXor), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT((RunUnary<uint8_t, uint8_t>(PwOp::kNot, DType::kBool, a)), ElementsAre(1, 1, 0, 0));
}

TEST(PointwiseCastTest, FloatToIntegerTruncatesAndIsDefinedEverywhere) {
  PointwiseBuilder builder({5});
  const int x = builder.Input(DType::kFloat32, {1});
  builder.Output(builder.Cast(x, DType::kInt64));
  builder.Output(builder.Cast(x, DType::kInt32));
  builder.Output(builder.Cast(x, DType::kBool));
  const std::vector<float> values = {2.9f, -2.9f, 0, kNaN, 1e30f};
  std::vector<int64_t> wide(5);
  std::vector<int32_t> narrow(5);
  std::vector<uint8_t> truth(5);
  const void* inputs[] = {values.data()};
  void* outputs[] = {wide.data(), narrow.data(), truth.data()};
  (*std::move(builder).Build()).Run(inputs, outputs, 1);
  constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
  constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
  EXPECT_THAT(wide, ElementsAre(2, -2, 0, kMin64, kMin64));
  EXPECT_THAT(narrow, ElementsAre(2, -2, 0, kMin32, kMin32));
  EXPECT_THAT(truth, ElementsAre(1, 1, 0, 1, 1));
}

TEST(PointwiseCastTest, HalfPrecisionStorageRoundsToNearestEven) {
  PointwiseBuilder builder({4});
  const int x = builder.Input(DType::kBFloat16, {1});
  builder.Output(builder.Op(PwOp::kAdd, {x, builder.Constant(1.0, DType::kFloat32)}),
                 DType::kBFloat16);
  builder.Output(x, DType::kFloat16);
  // 1, 0x1.02p0, -2, 2^-8.
  const std::vector<uint16_t> values = {0x3f80, 0x3f81, 0xc000, 0x3b80};
  std::vector<uint16_t> bf16(4), f16(4);
  const void* inputs[] = {values.data()};
  void* outputs[] = {bf16.data(), f16.data()};
  (*std::move(builder).Build()).Run(inputs, outputs, 1);
  // 2; 2.0078125 lies halfway: to even; -1; 1 + 2^-8 halfway: to even.
  EXPECT_THAT(bf16, ElementsAre(0x4000, 0x4000, 0xbf80, 0x3f80));
  EXPECT_THAT(f16, ElementsAre(0x3c00, 0x3c08, 0xc000, 0x1c00));
}

TEST(PointwiseBuilderTest, MisuseIsAnErrorThatNamesTheOp) {
  PointwiseBuilder mixed({2});
  const int x = mixed.Input(DType::kFloat32, {1});
  mixed.Output(mixed.Op(PwOp::kAdd, {x, mixed.Input(DType::kInt64, {1})}));
  const absl::Status status = std::move(mixed).Build().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("add of f32 and i64"));

  PointwiseBuilder unsupported({2});
  unsupported.Output(unsupported.Op(PwOp::kTanh, {unsupported.Input(DType::kInt64, {1})}));
  EXPECT_EQ(std::move(unsupported).Build().status().code(), absl::StatusCode::kUnimplemented);

  PointwiseBuilder rank({2, 3});
  rank.Output(rank.Input(DType::kFloat32, {1}));
  EXPECT_EQ(std::move(rank).Build().status().code(), absl::StatusCode::kInvalidArgument);

  PointwiseBuilder none({2});
  EXPECT_EQ(std::move(none).Build().status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ingot::kernels
