// Operands that lie in other ways than their steps would like: views with odd strides, parts of
// each other's memory, more dimensions than loops have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "backends/onednn/compile_testing.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Ints = std::vector<int64_t>;

INSTANTIATE_TEST_SUITE_P(Fusion, CompileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

// a [m, k] times b [k, n].
std::vector<double> ProductOf(const Array& a, const Array& b, int64_t m, int64_t k, int64_t n,
                              int64_t at = 0) {
  std::vector<double> y(m * n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t l = 0; l < k; ++l) {
        y[i * n + j] +=
            double{a.data<float>()[(at * m + i) * k + l]} * b.data<float>()[(at * k + l) * n + j];
      }
    }
  }
  return y;
}

// --- Products ---

class ProductOperandTest : public CompileTest {
 protected:
  // mm(a, b) + view, where element [i, j] of the view is element `place` of `source`.
  void ExpectSum(const Array& source, const std::function<ValueId(ValueId)>& view,
                 const std::function<int64_t(int64_t, int64_t)>& place) {
    const Array a = RandomF32({4, 16}, 1), b = RandomF32({16, 8}, 2);
    std::vector<double> want = ProductOf(a, b, 4, 16, 8);
    for (int64_t i = 0; i < 4; ++i) {
      for (int64_t j = 0; j < 8; ++j) want[i * 8 + j] += source.data<float>()[place(i, j)];
    }
    for (const bool addend : {false, true}) {
      g_ = TestGraph();
      const auto x = Argument({4, 16}), y = Argument({16, 8}), s = Argument(source.type.dims);
      const ValueId part = view(s);
      const auto sum =
          addend ? Op("aten::addmm", {ValueRef{part}, ValueRef{x}, ValueRef{y}})
                 : Op("aten::add.Tensor",
                      {ValueRef{Op("aten::mm", {ValueRef{x}, ValueRef{y}})}, ValueRef{part}});
      const auto out = Run(sum, {a, b, source});
      ASSERT_FALSE(out.empty());
      ExpectNear(out[0], want);
      EXPECT_THAT(plan_, Not(HasSubstr("ref")));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Fusion, ProductOperandTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

TEST_P(ProductOperandTest, ADiagonalIsAdded) {
  ExpectSum(
      RandomF32({4, 8, 8}, 3),
      [&](ValueId s) {
        return Op("aten::diagonal", {ValueRef{s}, int64_t{0}, int64_t{1}, int64_t{2}});
      },
      [](int64_t i, int64_t j) { return i * 64 + j * 9; });
}

TEST_P(ProductOperandTest, OverlappingWindowsAreAdded) {
  ExpectSum(
      RandomF32({11}, 3),
      [&](ValueId s) {
        return Op("aten::unfold", {ValueRef{s}, int64_t{0}, int64_t{8}, int64_t{1}});
      },
      [](int64_t i, int64_t j) { return i + j; });
}

TEST_P(ProductOperandTest, AColumnOfMatrixSizeIsAdded) {
  ExpectSum(
      RandomF32({4, 1}, 3),
      [&](ValueId s) {
        return Op("aten::expand", {ValueRef{s}, Ints{4, 8}});
      },
      [](int64_t i, int64_t) { return i; });
}

TEST_P(ProductOperandTest, ATransposeIsAdded) {
  ExpectSum(
      RandomF32({8, 4}, 3), [&](ValueId s) { return Op("aten::t", {ValueRef{s}}); },
      [](int64_t i, int64_t j) { return j * 4 + i; });
}

TEST_P(CompileTest, WindowsAreAddedToBatchedProducts) {
  const Array a = RandomF32({2, 4, 16}, 1), b = RandomF32({2, 16, 8}, 2), s = RandomF32({2, 11}, 3);
  const auto x = Argument({2, 4, 16}), y = Argument({2, 16, 8}), table = Argument({2, 11});
  const auto part = Op("aten::unfold", {ValueRef{table}, int64_t{1}, int64_t{8}, int64_t{1}});
  const auto out =
      Run(Op("aten::baddbmm", {ValueRef{part}, ValueRef{x}, ValueRef{y}, 2.0, 0.5}), {a, b, s});
  ASSERT_FALSE(out.empty());
  std::vector<double> want;
  for (int64_t at = 0; at < 2; ++at) {
    const std::vector<double> y = ProductOf(a, b, 4, 16, 8, at);
    for (int64_t i = 0; i < 32; ++i) {
      want.push_back(0.5 * y[i] + 2 * s.data<float>()[at * 11 + i / 8 + i % 8]);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, AttentionScoresTakeABiasWithHeadsLast) {
  const int64_t heads = 3, length = 16, size = 8;
  const Array q = RandomF32({1, heads, length, size}, 1),
              k = RandomF32({1, heads, size, length}, 2);
  const Array bias = RandomF32({length, length, heads}, 3);
  const auto qv = Argument(q.type.dims), kv = Argument(k.type.dims), bv = Argument(bias.type.dims);
  const auto turned = Op("aten::permute", {ValueRef{bv}, Ints{2, 0, 1}});
  const auto whole = Op("aten::unsqueeze", {ValueRef{turned}, int64_t{0}});
  const auto scores = Op("aten::matmul", {ValueRef{qv}, ValueRef{kv}});
  const auto out = Run(Op("aten::add.Tensor", {ValueRef{scores}, ValueRef{whole}}), {q, k, bias});
  ASSERT_FALSE(out.empty());
  std::vector<double> want;
  for (int64_t h = 0; h < heads; ++h) {
    const std::vector<double> y = ProductOf(q, k, length, size, length, h);
    for (size_t i = 0; i < y.size(); ++i) want.push_back(y[i] + bias.data<float>()[i * heads + h]);
  }
  ExpectNear(out[0], want);
  EXPECT_THAT(plan_, Not(HasSubstr("ref")));
}

// --- Results that would take over the memory of an operand ---

// h = relu(x), all of whose uses are in the next step.
TEST_P(CompileTest, NormsLeaveAWeightAloneThatIsARowOfTheirInput) {
  const int64_t n = 8;
  const Array in = RandomF32({2, n}, 1);
  for (const char* op : {"aten::layer_norm", "aten::rms_norm"}) {
    g_ = TestGraph();
    const auto x = Argument({2, n});
    const auto h = Op("aten::relu", {ValueRef{x}});
    const auto row = Op("aten::select.int", {ValueRef{h}, int64_t{0}, int64_t{0}});
    const bool rms = std::string(op) == "aten::rms_norm";
    std::vector<ir::Argument> args = {ValueRef{h}, Ints{n}, ValueRef{row}};
    if (!rms) args.push_back(None{});
    args.push_back(1e-5);
    // Not the graph's output, which has memory of its own.
    const auto y = Op(op, std::move(args));
    const auto out = Run(Op("aten::neg", {ValueRef{y}}), {in});
    ASSERT_FALSE(out.empty());
    std::vector<double> v = Doubles(in), want;
    for (double& value : v) value = std::max(value, 0.0);
    for (int64_t i = 0; i < 2; ++i) {
      double mean = 0, squares = 0;
      for (int64_t j = 0; j < n && !rms; ++j) mean += v[i * n + j] / n;
      for (int64_t j = 0; j < n; ++j) squares += std::pow(v[i * n + j] - mean, 2) / n;
      for (int64_t j = 0; j < n; ++j) {
        want.push_back(-(v[i * n + j] - mean) / std::sqrt(squares + 1e-5) * v[j]);
      }
    }
    ExpectNear(out[0], want);
  }
}

TEST_P(CompileTest, GroupNormLeavesAWeightAloneThatIsPartOfItsInput) {
  const Array in = RandomF32({2, 4, 1}, 1);
  const auto x = Argument({2, 4, 1});
  const auto h = Op("aten::relu", {ValueRef{x}});
  const auto flat = Op("aten::view", {ValueRef{h}, Ints{2, 4}});
  const auto row = Op("aten::select.int", {ValueRef{flat}, int64_t{0}, int64_t{0}});
  const auto y = Op("aten::group_norm", {ValueRef{h}, int64_t{2}, ValueRef{row}, None{}, 1e-5});
  const auto out = Run(Op("aten::neg", {ValueRef{y}}), {in});
  ASSERT_FALSE(out.empty());
  std::vector<double> v = Doubles(in), want;
  for (double& value : v) value = std::max(value, 0.0);
  for (int64_t g = 0; g < 4; ++g) {
    const double mean = (v[2 * g] + v[2 * g + 1]) / 2;
    const double variance = std::pow((v[2 * g] - v[2 * g + 1]) / 2, 2);
    for (int64_t c = 2 * g; c < 2 * g + 2; ++c) {
      want.push_back(-(v[c] - mean) / std::sqrt(variance + 1e-5) * v[c % 4]);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, ConvolutionsAddInPlaceOnlyWhereNoFactorLives) {
  const int64_t size = 12;
  const Array in = RandomF32({1, 1, size, size}, 1), w = RandomF32({1, 1, 3, 3}, 2);
  const Array skip = RandomF32({1, 1, size, size}, 3);
  const auto x = Argument(in.type.dims), wv = Argument(w.type.dims), s = Argument(skip.type.dims);
  const auto h = Op("aten::exp", {ValueRef{s}});
  const auto flat = Op("aten::view", {ValueRef{h}, Ints{size * size}});
  const auto bias =
      Op("aten::slice.Tensor", {ValueRef{flat}, int64_t{0}, int64_t{5}, int64_t{6}, int64_t{1}});
  const auto y = Op("aten::convolution", {ValueRef{x}, ValueRef{wv}, ValueRef{bias}, Ints{1, 1},
                                          Ints{1, 1}, Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
  const auto out = Run(Op("aten::add.Tensor", {ValueRef{y}, ValueRef{h}}), {in, w, skip});
  ASSERT_FALSE(out.empty());
  std::vector<double> want;
  for (int64_t i = 0; i < size * size; ++i) {
    double sum = std::exp(skip.data<float>()[5]) + std::exp(skip.data<float>()[i]);
    for (int64_t t = 0; t < 9; ++t) {
      const int64_t r = i / size + t / 3 - 1, c = i % size + t % 3 - 1;
      if (r < 0 || c < 0 || r >= size || c >= size) continue;
      sum += double{in.data<float>()[r * size + c]} * w.data<float>()[t];
    }
    want.push_back(sum);
  }
  ExpectNear(out[0], want);
}

// --- Many dimensions ---

// 2, then ones.
ir::Dims Long(size_t rank, int64_t first = 2) {
  ir::Dims dims(rank, 1);
  dims[0] = first;
  return dims;
}

TEST_P(CompileTest, DimensionsOfSizeOneCostScattersAndGathersNothing) {
  for (const size_t rank : {size_t{17}, size_t{64}}) {
    g_ = TestGraph();
    const auto x = Argument(Long(rank));
    const auto src = Argument(Long(rank));
    const auto index = g_.builder.Argument({ir::DType::kInt64, Long(rank)});
    const auto row = g_.builder.Argument({ir::DType::kInt64, {2}});
    const auto along = static_cast<int64_t>(0), last = static_cast<int64_t>(rank) - 1;
    g_.builder.Result(
        Op("aten::scatter_add", {ValueRef{x}, along, ValueRef{index}, ValueRef{src}}));
    g_.builder.Result(
        Op("aten::index_add", {ValueRef{x}, along, ValueRef{row}, ValueRef{src}, 1.0}));
    g_.builder.Result(Op("aten::index_put", {ValueRef{x}, ir::ValueRefList{{row}}, ValueRef{src}}));
    const auto out = Run({F32(Long(rank), {1, 2}), F32(Long(rank), {10, 20}),
                          I64(Long(rank), {1, 1}), I64({2}, {1, 0})});
    ASSERT_EQ(out.size(), 3u) << last;
    EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, 32));
    EXPECT_THAT(out[1].Values<float>(), ElementsAre(21, 12));
    EXPECT_THAT(out[2].Values<float>(), ElementsAre(20, 10));
  }
}

TEST_P(CompileTest, CrossProductsOfManyDimensions) {
  const auto a = Argument(Long(20, 3)), b = Argument(Long(20, 3));
  const auto out = Run(Op("aten::linalg_cross", {ValueRef{a}, ValueRef{b}, int64_t{0}}),
                       {F32(Long(20, 3), {1, 0, 0}), F32(Long(20, 3), {0, 1, 0})});
  ASSERT_FALSE(out.empty());
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(0, 0, 1));
}

TEST_P(CompileTest, RepeatsOfManyDimensions) {
  const auto x = Argument({1, 1, 1, 1, 1, 1, 1, 1, 2, 2});
  const auto out = Run(Op("aten::repeat", {ValueRef{x}, Ints{1, 1, 1, 1, 1, 1, 1, 1, 1, 2}}),
                       {F32({1, 1, 1, 1, 1, 1, 1, 1, 2, 2}, {1, 2, 3, 4})});
  ASSERT_FALSE(out.empty());
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
}

TEST_P(CompileTest, ElementwiseOpsWalkAnyNumberOfDimensions) {
  // Reversed, no two of the thirteen dimensions are neighbours; broadcast, none is of one kind.
  const ir::Dims dims(13, 2);
  Ints order;
  for (int64_t d = 12; d >= 0; --d) order.push_back(d);
  ir::Dims every_other(13, 1);
  for (size_t d = 0; d < 13; d += 2) every_other[d] = 2;
  const Array in = RandomF32(dims, 1), row = RandomF32(every_other, 2);
  const auto x = Argument(dims), r = Argument(every_other);
  const auto turned = Op("aten::permute", {ValueRef{x}, order});
  const auto out = Run(Op("aten::add.Tensor", {ValueRef{turned}, ValueRef{r}}), {in, row});
  ASSERT_FALSE(out.empty());
  std::vector<double> want;
  for (int64_t i = 0; i < 1 << 13; ++i) {
    int64_t reversed = 0, kept = 0;
    for (int d = 0; d < 13; ++d) reversed |= (i >> d & 1) << (12 - d);
    for (int d = 0; d < 13; d += 2) kept |= (i >> d & 1) << d / 2;
    want.push_back(double{in.data<float>()[reversed]} + row.data<float>()[kept]);
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, ScattersOverMoreDimensionsThanLoopsHaveAreRefused) {
  const ir::Dims dims(17, 2);
  const auto x = Argument(dims), src = Argument(dims);
  const auto index = g_.builder.Argument({ir::DType::kInt64, dims});
  g_.builder.Result(
      Op("aten::scatter_add", {ValueRef{x}, int64_t{0}, ValueRef{index}, ValueRef{src}}));
  EXPECT_THAT(std::move(g_).Compile(Options()),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("dimensions")));
}

}  // namespace
}  // namespace ingot::onednn
