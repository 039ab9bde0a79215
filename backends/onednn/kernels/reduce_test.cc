#include "backends/onednn/kernels/reduce.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "backends/onednn/kernels/test_targets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::kernels {
namespace {

using testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Layout {
  std::vector<int64_t> shape, strides;
  std::vector<int> reduced;
};

const Layout kLayouts[] = {
    {{7, 100}, {100, 1}, {1}},  // rows
    {{7, 100}, {100, 1}, {0}},  // columns
    {{500, 3}, {3, 1}, {0}},    // few columns
    {{300, 70}, {70, 1}, {0}},
    {{3, 4, 50}, {200, 50, 1}, {0, 2}},     // both sides
    {{3, 40, 5}, {200, 5, 1}, {1}},         // the middle
    {{2, 9, 17}, {153, 17, 1}, {0, 1, 2}},  // everything
    {{2, 9, 17}, {153, 1, 9}, {1}},         // permuted
    {{2, 9, 17}, {153, 1, 9}, {2}},
    {{5, 6}, {0, 1}, {0}},   // broadcast
    {{5, 6}, {20, 3}, {1}},  // strided
    {{5, 6}, {6, 1}, {}},    // nothing
    {{1, 6}, {6, 1}, {0}},
    {{}, {}, {}},
    {{3000, 200}, {6, 1}, {1}},  // enough for two threads
    {{3000, 200}, {6, 1}, {0}},
    {{0, 4}, {4, 1}, {1}},  // no outputs
};

// Elements of each output in row-major order of the reduced positions.
template <class T>
std::vector<std::vector<T>> Groups(const Layout& l, const std::vector<T>& x) {
  std::vector<std::vector<T>> groups;
  std::vector<int64_t> index(l.shape.size(), 0);
  int64_t n = 1, outputs = 1;
  for (size_t d = 0; d < l.shape.size(); ++d) {
    n *= l.shape[d];
    if (!absl::c_linear_search(l.reduced, static_cast<int>(d))) outputs *= l.shape[d];
  }
  groups.resize(outputs);
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, offset = 0;
    std::vector<int64_t> position(l.shape.size());
    for (int d = static_cast<int>(l.shape.size()) - 1; d >= 0; --d) {
      position[d] = rest % l.shape[d];
      rest /= l.shape[d];
      offset += position[d] * l.strides[d];
    }
    int64_t o = 0;
    for (size_t d = 0; d < l.shape.size(); ++d) {
      if (!absl::c_linear_search(l.reduced, static_cast<int>(d))) o = o * l.shape[d] + position[d];
    }
    groups[o].push_back(x[offset]);
  }
  return groups;
}

template <class T>
double Exact(ReduceOp op, const std::vector<T>& v) {
  const double n = static_cast<double>(v.size());
  double sum = 0, abs = 0, squares = 0, product = 1, largest = 0, centred = 0, nonzero = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (T value : v) {
    const double e = static_cast<double>(value);
    sum += e;
    abs += std::abs(e);
    squares += e * e;
    product *= e;
    largest = std::max(largest, std::abs(e));
    smallest = std::min(smallest, std::abs(e));
    nonzero += e != 0;
  }
  for (T value : v) centred += (value - sum / n) * (value - sum / n);
  const auto max = std::max_element(v.begin(), v.end());
  const auto min = std::min_element(v.begin(), v.end());
  double exps = 0;
  for (T value : v) {
    if (op == ReduceOp::kLogSumExp) exps += std::exp(static_cast<double>(value));
  }
  switch (op) {
    case ReduceOp::kMinAbs:
      return smallest;
    case ReduceOp::kNonzeros:
      return nonzero;
    case ReduceOp::kNormP:
      return abs;  // the parameter is left at 1
    case ReduceOp::kSum:
      return sum;
    case ReduceOp::kMean:
      return sum / n;
    case ReduceOp::kMax:
      return *max;
    case ReduceOp::kMin:
      return *min;
    case ReduceOp::kProd:
      return product;
    case ReduceOp::kAny:
      return nonzero > 0;
    case ReduceOp::kAll:
      return nonzero == n;
    case ReduceOp::kArgMax:
      return static_cast<double>(max - v.begin());
    case ReduceOp::kArgMin:
      return static_cast<double>(min - v.begin());
    case ReduceOp::kVar:
      return centred / std::max(0.0, n - 1);
    case ReduceOp::kStd:
      return std::sqrt(centred / std::max(0.0, n - 1));
    case ReduceOp::kSumAbs:
      return abs;
    case ReduceOp::kSumSquares:
      return squares;
    case ReduceOp::kNorm2:
      return std::sqrt(squares);
    case ReduceOp::kMaxAbs:
      return largest;
    case ReduceOp::kLogSumExp:
      return std::log(exps);
  }
  return 0;
}

double Read(DType dtype, const void* y, int64_t i) {
  switch (dtype) {
    case DType::kFloat32:
      return static_cast<const float*>(y)[i];
    case DType::kFloat64:
      return static_cast<const double*>(y)[i];
    case DType::kInt64:
      return static_cast<double>(static_cast<const int64_t*>(y)[i]);
    case DType::kInt32:
      return static_cast<const int32_t*>(y)[i];
    default:
      return static_cast<const uint8_t*>(y)[i];
  }
}

template <class T>
void ExpectExactOverLayouts(ReduceOp op, DType dtype, const std::vector<T>& x, double tolerance) {
  for (const Layout& l : kLayouts) {
    const auto plan = ReducePlan::Make(l.shape, l.strides, l.reduced, op, dtype);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const auto groups = Groups(l, x);
    ASSERT_EQ(plan->output_elements(), static_cast<int64_t>(groups.size()));
    std::vector<double> y(groups.size() + 1);
    for (int threads : {1, 2}) {
      plan->Run(x.data(), y.data(), threads);
      for (size_t o = 0; o < groups.size(); ++o) {
        const double exact = Exact(op, groups[o]);
        const double value = Read(plan->output_dtype(), y.data(), static_cast<int64_t>(o));
        const std::string what = "op " + std::to_string(static_cast<int>(op)) + " layout " +
                                 std::to_string(&l - kLayouts);
        if (std::isnan(exact)) {
          ASSERT_TRUE(std::isnan(value)) << what;
        } else {
          // Terms that cancel leave the error of their sizes.
          const double sizes = op == ReduceOp::kSum ? Exact(ReduceOp::kSumAbs, groups[o]) : 0;
          ASSERT_NEAR(value, exact, tolerance * (1 + std::abs(exact) + 0.01 * sizes)) << what;
        }
      }
    }
  }
}

template <class T>
std::vector<T> Random(int64_t n, int seed) {
  std::mt19937 generator(seed);
  std::vector<T> values(n);
  for (T& value : values) {
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(std::normal_distribution<double>(0.2, 1)(generator));
    } else {
      value = static_cast<T>(static_cast<int>(generator() % 9) - 4);
    }
  }
  return values;
}

class ReduceTest : public TargetTest {};
INGOT_FOR_ALL_TARGETS(ReduceTest);

TEST_P(ReduceTest, FloatsInAnyLayout) {
  const std::vector<float> x = Random<float>(21000, 1);
  const std::vector<double> wide = Random<double>(21000, 1);
  for (int op = 0; op <= static_cast<int>(ReduceOp::kLogSumExp); ++op) {
    ExpectExactOverLayouts(static_cast<ReduceOp>(op), DType::kFloat32, x, 2e-6);
    ExpectExactOverLayouts(static_cast<ReduceOp>(op), DType::kFloat64, wide, 1e-12);
  }
}

TEST(ReduceIntegerTest, InAnyLayout) {
  const std::vector<int64_t> i64 = Random<int64_t>(21000, 2);
  const std::vector<int32_t> i32 = Random<int32_t>(21000, 3);
  std::vector<uint8_t> b8(21000);
  for (size_t i = 0; i < b8.size(); ++i) b8[i] = i32[i] > 2;
  for (ReduceOp op : {ReduceOp::kSum, ReduceOp::kMax, ReduceOp::kMin, ReduceOp::kAny,
                      ReduceOp::kAll, ReduceOp::kArgMax, ReduceOp::kArgMin}) {
    ExpectExactOverLayouts(op, DType::kInt64, i64, 0);
    ExpectExactOverLayouts(op, DType::kInt32, i32, 0);
    ExpectExactOverLayouts(op, DType::kBool, b8, 0);
  }
}

TEST(ReduceIntegerTest, SumsAndProductsAreExactInSixtyFourBits) {
  const std::vector<int32_t> x = {2000000000, 2000000000, -3};
  int64_t sum = 0, product = 0;
  ReducePlan::Make({3}, {1}, {0}, ReduceOp::kSum, DType::kInt32)->Run(x.data(), &sum, 1);
  ReducePlan::Make({3}, {1}, {0}, ReduceOp::kProd, DType::kInt32)->Run(x.data(), &product, 1);
  EXPECT_EQ(sum, 3999999997);
  EXPECT_EQ(product, static_cast<int64_t>(uint64_t{4000000000000000000} * uint64_t(-3)));
}

TEST_P(ReduceTest, LongSumsStayAccurate) {
  // 0.1 a million times: naive f32 summation is off by 1e-2.
  const int64_t n = 1 << 20;
  const std::vector<float> x(n, 0.1f);
  float row = 0;
  ReducePlan::Make({n}, {1}, {0}, ReduceOp::kSum, DType::kFloat32)->Run(x.data(), &row, 1);
  EXPECT_NEAR(row, 0.1f * static_cast<double>(n), 1e-6 * n * 0.1);
  std::vector<float> columns(4);
  ReducePlan::Make({n / 4, 4}, {4, 1}, {0}, ReduceOp::kSum, DType::kFloat32)
      ->Run(x.data(), columns.data(), 1);
  EXPECT_NEAR(columns[2], 0.1f * static_cast<double>(n) / 4, 1e-4 * n * 0.1 / 4);
  // A large mean does not spoil the variance.
  std::vector<float> far(1000);
  for (int i = 0; i < 1000; ++i) far[i] = 10000.0f + static_cast<float>(i % 2);
  float variance = 0;
  ReducePlan::Make({1000}, {1}, {0}, ReduceOp::kVar, DType::kFloat32, 0)
      ->Run(far.data(), &variance, 1);
  EXPECT_NEAR(variance, 0.25, 1e-4);
}

TEST_P(ReduceTest, NanWinsAndItsFirstPlaceIsTold) {
  std::vector<float> x(200, 1.0f);
  x[150] = 5;
  x[70] = x[90] = kNaN;
  for (ReduceOp op :
       {ReduceOp::kMax, ReduceOp::kMin, ReduceOp::kMaxAbs, ReduceOp::kSum, ReduceOp::kLogSumExp}) {
    float row = 0;
    ReducePlan::Make({200}, {1}, {0}, op, DType::kFloat32)->Run(x.data(), &row, 1);
    EXPECT_TRUE(std::isnan(row));
    std::vector<float> columns(20);
    ReducePlan::Make({10, 20}, {20, 1}, {0}, op, DType::kFloat32)->Run(x.data(), columns.data(), 1);
    for (int c = 0; c < 20; ++c) EXPECT_EQ(std::isnan(columns[c]), c == 10);
  }
  for (ReduceOp op : {ReduceOp::kArgMax, ReduceOp::kArgMin}) {
    int64_t place = 0;
    ReducePlan::Make({200}, {1}, {0}, op, DType::kFloat32)->Run(x.data(), &place, 1);
    EXPECT_EQ(place, 70);
    ReducePlan::Make({100}, {2}, {0}, op, DType::kFloat32)->Run(x.data(), &place, 1);
    EXPECT_EQ(place, 35);
  }
}

// As torch 2.13 prints them.
TEST_P(ReduceTest, NothingAndInfinities) {
  const float none = 0;
  const auto over_nothing = [&](ReduceOp op) {
    float y = 42;
    ReducePlan::Make({0}, {1}, {0}, op, DType::kFloat32)->Run(&none, &y, 1);
    return y;
  };
  EXPECT_EQ(over_nothing(ReduceOp::kSum), 0);
  EXPECT_EQ(over_nothing(ReduceOp::kProd), 1);
  EXPECT_TRUE(std::isnan(over_nothing(ReduceOp::kMean)));
  EXPECT_TRUE(std::isnan(over_nothing(ReduceOp::kVar)));
  EXPECT_EQ(over_nothing(ReduceOp::kLogSumExp), -kInf);
  EXPECT_EQ(ReducePlan::Make({0}, {1}, {0}, ReduceOp::kMax, DType::kFloat32).status().code(),
            absl::StatusCode::kInvalidArgument);

  const auto lse = [&](std::vector<float> x) {
    float y = 42;
    ReducePlan::Make({2}, {1}, {0}, ReduceOp::kLogSumExp, DType::kFloat32)->Run(x.data(), &y, 1);
    return y;
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(lse({-kInfinity, -kInfinity}), -kInfinity);
  EXPECT_EQ(lse({kInfinity, -kInfinity}), kInfinity);
  EXPECT_FLOAT_EQ(lse({1000, 1000}), 1000.6931f);

  const std::vector<float> pair = {1, 2};
  float variance = 0;
  ReducePlan::Make({2}, {1}, {0}, ReduceOp::kVar, DType::kFloat32, 5)
      ->Run(pair.data(), &variance, 1);
  EXPECT_EQ(variance, kInf);
}

TEST(ReducePlanTest, RefusesWhatItCannotDo) {
  EXPECT_EQ(ReducePlan::Make({2}, {1}, {0}, ReduceOp::kMean, DType::kInt64).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ReducePlan::Make({2}, {1}, {1}, ReduceOp::kSum, DType::kFloat32).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReducePlan::Make({2}, {1}, {0, 0}, ReduceOp::kSum, DType::kFloat32).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(WithIndexTest, ValuesAndFirstIndices) {
  // [2, 3, 2]
  const std::vector<float> x = {1, 5, 3, 5, 3, 2, kNaN, 0, 7, 1, kNaN, 1};
  std::vector<float> values(4);
  std::vector<int64_t> indices(4);
  MaxWithIndex(DType::kFloat32, x.data(), values.data(), indices.data(), 2, 3, 2, 1);
  EXPECT_THAT(indices, ElementsAre(1, 0, 0, 1));
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[1], 5);
  EXPECT_TRUE(std::isnan(values[2]));
  MinWithIndex(DType::kFloat32, x.data(), nullptr, indices.data(), 2, 3, 2, 1);
  EXPECT_THAT(indices, ElementsAre(0, 2, 0, 0));
}

TEST(CumSumTest, RunsAlongTheMiddleAlsoInPlace) {
  std::vector<int64_t> x = {1, 2, 3, 4, 5, 6};
  CumSum(DType::kInt64, x.data(), x.data(), 1, 3, 2, 1);
  EXPECT_THAT(x, ElementsAre(1, 2, 4, 6, 9, 12));
  std::vector<float> y(3);
  const std::vector<float> f = {1e8f, 1, 1};
  CumSum(DType::kFloat32, f.data(), y.data(), 1, 3, 1, 1);
  EXPECT_THAT(y, ElementsAre(1e8f, 1e8f, 100000002.0f));
}

TEST(ReduceTest, NormsOfAnyOrder) {
  const std::vector<float> x = {3, -4, 0};
  for (const auto& [p, expected] : std::vector<std::pair<double, double>>{
           {3, std::cbrt(91.0)}, {0.5, std::pow(std::sqrt(3.0) + 2, 2)}, {-1, 0}}) {
    const auto plan = ReducePlan::Make({3}, {1}, {0}, ReduceOp::kNormP, DType::kFloat32, p);
    ASSERT_TRUE(plan.ok());
    float y = 0;
    plan->Run(x.data(), &y, 1);
    EXPECT_FLOAT_EQ(y, static_cast<float>(expected)) << p;
  }
}

}  // namespace
}  // namespace ingot::kernels
