// Whole graphs against plain loops in double precision, fused and not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <thread>

#include "backends/onednn/graph_runner.h"
#include "core/base/status_matchers.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Ints = std::vector<int64_t>;

constexpr ir::DType kF32 = ir::DType::kFloat32;

// |got - want| within float rounding of sums of this size.
void ExpectNear(const Array& got, const std::vector<double>& want, double tolerance = 2e-5) {
  ASSERT_EQ(got.type.NumElements(), static_cast<int64_t>(want.size()));
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(got.data<float>()[i], want[i], tolerance * (1 + std::abs(want[i]))) << "at " << i;
  }
}

std::vector<double> Doubles(const Array& array) {
  return std::vector<double>(array.data<float>(), array.data<float>() + array.type.NumElements());
}

// x [m, k] times w [n, k] transposed plus b.
std::vector<double> LinearOf(const std::vector<double>& x, const Array& w, const Array& b) {
  const int64_t n = w.type.dims[0], k = w.type.dims[1], m = static_cast<int64_t>(x.size()) / k;
  std::vector<double> y(m * n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = b.data<float>()[j];
      for (int64_t l = 0; l < k; ++l) sum += x[i * k + l] * w.data<float>()[j * k + l];
      y[i * n + j] = sum;
    }
  }
  return y;
}

double Gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

void Apply(std::vector<double>& values, double (*f)(double)) {
  for (double& v : values) v = f(v);
}

class CompileTest : public testing::TestWithParam<bool> {
 protected:
  CompileOptions Options() const {
    const bool fuse = GetParam();
    return {2, {fuse, fuse, fuse, fuse}};
  }
  ValueId Argument(ir::Dims dims) { return g_.builder.Argument({kF32, std::move(dims)}); }
  ValueId Op(const char* op, std::vector<ir::Argument> args) {
    return g_.builder.Op(op, std::move(args));
  }
  std::vector<Array> Run(const std::vector<Array>& inputs) {
    absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
    EXPECT_THAT(runner, IsOk());
    if (!runner.ok()) return {};
    plan_ = runner->program().PlanJson();
    absl::StatusOr<std::vector<Array>> out = runner->Run(inputs);
    EXPECT_THAT(out, IsOk());
    return out.ok() ? *std::move(out) : std::vector<Array>{};
  }
  std::vector<Array> Run(ValueId result, const std::vector<Array>& inputs) {
    g_.builder.Result(result);
    return Run(inputs);
  }

  TestGraph g_;
  std::string plan_;
};

INSTANTIATE_TEST_SUITE_P(Fusion, CompileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

TEST_P(CompileTest, SubtractsOnTheCallersMemory) {
  const auto a = Argument({2, 3}), b = Argument({2, 3});
  const auto out = Run(Op("aten::sub.Tensor", {ValueRef{a}, ValueRef{b}}),
                       {F32({2, 3}, {1, 2, 3, 4, 5, 6}), F32({2, 3}, {6, 5, 4, 3, 2, 1})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(-5, -3, -1, 1, 3, 5));
  EXPECT_THAT(plan_, HasSubstr("ingot:pointwise"));
}

TEST_P(CompileTest, LinearWithGeluAndResidual) {
  for (auto [m, k, n] : {std::tuple{8, 16, 16}, {130, 256, 256}}) {
    g_ = TestGraph();
    const Array w = RandomF32({n, k}, 1), b = RandomF32({n}, 2), in = RandomF32({m, k}, 3);
    const auto x = Argument({m, k});
    const auto wv = g_.Constant(w), bv = g_.Constant(b);
    const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{wv}, ValueRef{bv}});
    const auto z = Op("aten::gelu", {ValueRef{y}});
    const auto out = Run(Op("aten::add.Tensor", {ValueRef{x}, ValueRef{z}}), {in});
    std::vector<double> want = LinearOf(Doubles(in), w, b);
    Apply(want, Gelu);
    for (size_t i = 0; i < want.size(); ++i) want[i] += in.data<float>()[i];
    ExpectNear(out[0], want, 1e-4);
    EXPECT_THAT(plan_, Not(HasSubstr("ref")));
  }
}

TEST_P(CompileTest, BatchedMatmulOfTransposedViews) {
  const Array q = RandomF32({2, 5, 3, 8}, 1), k = RandomF32({2, 7, 3, 8}, 2);
  const auto qv = Argument({2, 5, 3, 8}), kv = Argument({2, 7, 3, 8});
  const auto qt = Op("aten::transpose.int", {ValueRef{qv}, int64_t{1}, int64_t{2}});
  const auto kt = Op("aten::permute", {ValueRef{kv}, Ints{0, 2, 3, 1}});
  const auto s = Op("aten::matmul", {ValueRef{qt}, ValueRef{kt}});
  const auto out = Run(Op("aten::mul.Scalar", {ValueRef{s}, 0.5}), {q, k});
  std::vector<double> want;
  for (int b = 0; b < 2; ++b) {
    for (int h = 0; h < 3; ++h) {
      for (int i = 0; i < 5; ++i) {
        for (int j = 0; j < 7; ++j) {
          double sum = 0;
          for (int d = 0; d < 8; ++d) {
            sum += double{q.data<float>()[((b * 5 + i) * 3 + h) * 8 + d]} *
                   k.data<float>()[((b * 7 + j) * 3 + h) * 8 + d];
          }
          want.push_back(sum * 0.5);
        }
      }
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, AddmmWithFactors) {
  const Array c = RandomF32({4}, 1), a = RandomF32({6, 5}, 2), b = RandomF32({5, 4}, 3);
  const auto cv = g_.Constant(c), av = Argument({6, 5}), bv = g_.Constant(b);
  const auto out =
      Run(Op("aten::addmm", {ValueRef{cv}, ValueRef{av}, ValueRef{bv}, 0.5, 2.0}), {a});
  std::vector<double> want;
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 4; ++j) {
      double sum = 0;
      for (int l = 0; l < 5; ++l) {
        sum += double{a.data<float>()[i * 5 + l]} * b.data<float>()[l * 4 + j];
      }
      want.push_back(2 * sum + 0.5 * c.data<float>()[j]);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, NumbersHeldByValuesAreReadOnEachCall) {
  const auto x = Argument({2, 2}), y = Argument({2, 2});
  const auto alpha = g_.builder.Scalar(ir::DType::kFloat64);
  g_.builder.Result(Op("aten::add.Tensor", {ValueRef{x}, ValueRef{y}, ValueRef{alpha}}));
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  for (double factor : {3.0, -2.0}) {
    const auto out = runner->Run({F32({2, 2}, {1, 2, 3, 4}), F32({2, 2}, {1, 1, 2, 2}),
                                  MakeArray<double>(ir::DType::kFloat64, {}, {factor})});
    ASSERT_THAT(out, IsOk());
    EXPECT_EQ((*out)[0].data<float>()[3], 4 + 2 * factor);
  }
}

TEST_P(CompileTest, ChainsOfSeveralDtypes) {
  // (1 - mask) * -10000 as models write it, then added to scores.
  const auto mask = g_.builder.Argument({ir::DType::kInt64, {1, 3}});
  const auto scores = Argument({2, 3});
  const auto f = Op("aten::_to_copy", {ValueRef{mask}, kF32});
  const auto inverted = Op("aten::rsub.Scalar", {ValueRef{f}, 1.0});
  const auto big = Op("aten::mul.Scalar", {ValueRef{inverted}, -10000.0});
  const auto out = Run(Op("aten::add.Tensor", {ValueRef{scores}, ValueRef{big}}),
                       {I64({1, 3}, {1, 0, 1}), F32({2, 3}, {1, 2, 3, 4, 5, 6})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, -9998, 3, 4, -9995, 6));
}

// --- Convolutions ---

struct ConvCase {
  int64_t n, c, o, size, kernel, stride, pad, groups;
};

std::vector<double> ConvOf(const Array& x, const Array& w, const ConvCase& c) {
  const int64_t out = (c.size + 2 * c.pad - c.kernel) / c.stride + 1;
  const int64_t ci = c.c / c.groups, co = c.o / c.groups;
  std::vector<double> y;
  for (int64_t n = 0; n < c.n; ++n) {
    for (int64_t o = 0; o < c.o; ++o) {
      for (int64_t i = 0; i < out * out; ++i) {
        double sum = 0;
        for (int64_t l = 0; l < ci * c.kernel * c.kernel; ++l) {
          const int64_t ic = l / (c.kernel * c.kernel), kh = l / c.kernel % c.kernel,
                        kw = l % c.kernel;
          const int64_t h = i / out * c.stride - c.pad + kh, v = i % out * c.stride - c.pad + kw;
          if (h < 0 || v < 0 || h >= c.size || v >= c.size) continue;
          sum += double{x.data<float>()[((n * c.c + o / co * ci + ic) * c.size + h) * c.size + v]} *
                 w.data<float>()[o * ci * c.kernel * c.kernel + l];
        }
        y.push_back(sum);
      }
    }
  }
  return y;
}

TEST_P(CompileTest, ConvolutionsWithBatchNormReluAndResidual) {
  const ConvCase cases[] = {
      {1, 3, 16, 12, 3, 1, 1, 1},  {2, 16, 16, 9, 3, 1, 1, 1}, {1, 32, 32, 7, 1, 1, 0, 1},
      {1, 16, 16, 9, 3, 1, 1, 16}, {2, 16, 16, 8, 3, 1, 1, 4}, {1, 17, 17, 6, 3, 1, 1, 1},
      {2, 24, 40, 9, 1, 2, 0, 1},  {2, 8, 33, 5, 1, 1, 0, 1},  {2, 16, 20, 30, 3, 1, 1, 1},
      {1, 17, 33, 61, 5, 2, 2, 1}, {2, 3, 32, 57, 3, 2, 1, 1}, {1, 1, 16, 34, 9, 1, 4, 1},
      {1, 4, 19, 63, 7, 2, 3, 1},  {2, 48, 48, 9, 5, 2, 2, 48}};
  for (const ConvCase& c : cases) {
    g_ = TestGraph();
    const int64_t size = (c.size + 2 * c.pad - c.kernel) / c.stride + 1;
    const Array in = RandomF32({c.n, c.c, c.size, c.size}, 1);
    const Array w = RandomF32({c.o, c.c / c.groups, c.kernel, c.kernel}, 2);
    const Array mean = RandomF32({c.o}, 3), scale = RandomF32({c.o}, 4);
    const Array skip = RandomF32({c.n, c.o, size, size}, 5);
    Array var = RandomF32({c.o}, 6);
    for (int64_t i = 0; i < c.o; ++i) reinterpret_cast<float*>(var.bytes.data())[i] += 1.5f;
    const auto x = Argument(in.type.dims), s = Argument(skip.type.dims);
    const auto wv = g_.Constant(w), mv = g_.Constant(mean), vv = g_.Constant(var),
               sv = g_.Constant(scale);
    auto y = Op("aten::convolution", {ValueRef{x}, ValueRef{wv}, None{}, Ints{c.stride, c.stride},
                                      Ints{c.pad, c.pad}, Ints{1, 1}, false, Ints{0, 0}, c.groups});
    y = Op("aten::batch_norm",
           {ValueRef{y}, ValueRef{sv}, None{}, ValueRef{mv}, ValueRef{vv}, false, 0.1, 1e-3, true});
    // The addend is a value that dies here, so that accumulating in place is tried too.
    const auto skip_relu = Op("aten::relu", {ValueRef{s}});
    y = Op("aten::add.Tensor", {ValueRef{y}, ValueRef{skip_relu}});
    const auto out = Run(Op("aten::relu", {ValueRef{y}}), {in, skip});
    std::vector<double> want = ConvOf(in, w, c);
    const int64_t plane = size * size;
    for (size_t i = 0; i < want.size(); ++i) {
      const int64_t o = static_cast<int64_t>(i) / plane % c.o;
      want[i] = (want[i] - mean.data<float>()[o]) / std::sqrt(var.data<float>()[o] + 1e-3) *
                scale.data<float>()[o];
      want[i] = std::max(0.0, want[i] + std::max(0.0f, skip.data<float>()[i]));
    }
    ExpectNear(out[0], want, 1e-4);
    EXPECT_THAT(plan_, Not(HasSubstr("ref"))) << plan_;
  }
}

TEST_P(CompileTest, RowsAreReducedInThePassThatMakesThem) {
  const int64_t rows = 30, columns = 320;
  const Array in = RandomF32({rows, columns}, 1), factors = RandomF32({columns}, 2);
  const auto x = Argument({rows, columns}), f = g_.Constant(factors);
  const auto y = Op("aten::exp", {ValueRef{Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{f}})}});
  const auto mean = Op("aten::mean.dim", {ValueRef{y}, Ints{1}, true, None{}});
  const auto z = Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{f}});
  const auto highest = Op("aten::argmax", {ValueRef{Op("aten::tanh", {ValueRef{z}})}, int64_t{1}});
  g_.builder.Result(mean);
  g_.builder.Result(highest);
  const auto out = Run({in});
  std::vector<double> want;
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    int64_t best = 0;
    std::vector<float> products(columns);
    for (int64_t c = 0; c < columns; ++c) {
      products[c] = in.data<float>()[r * columns + c] * factors.data<float>()[c];
      sum += std::exp(products[c]);
      if (products[c] > products[best]) best = c;
    }
    want.push_back(sum / columns);
    EXPECT_EQ(std::tanh(products[out[1].data<int64_t>()[r]]), std::tanh(products[best]));
  }
  ExpectNear(out[0], want);
  EXPECT_EQ(plan_.find("pointwise_reduce") != std::string::npos, GetParam());
}

TEST_P(CompileTest, RowsThatDontLieInOneRunAreReducedByThemselves) {
  const Array in = RandomF32({2, 300, 5}, 1);
  const auto x = Argument({2, 300, 5});
  const auto turned = Op("aten::transpose.int", {ValueRef{x}, int64_t{1}, int64_t{2}});
  const auto y = Op("aten::neg", {ValueRef{turned}});
  const auto out = Run(Op("aten::sum.dim_IntList", {ValueRef{y}, Ints{2}, false, None{}}), {in});
  std::vector<double> want;
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t c = 0; c < 5; ++c) {
      double sum = 0;
      for (int64_t r = 0; r < 300; ++r) sum -= in.data<float>()[(b * 300 + r) * 5 + c];
      want.push_back(sum);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, AConvolutionOfWindowsThatOverlap) {
  // windows[c][i] = in[c][i .. i + 3]; a 1x1 filter of ones adds up the channels.
  const Array in = RandomF32({1, 4, 5}, 1), w = F32({1, 4, 1, 1}, {1, 1, 1, 1});
  const auto x = Argument({1, 4, 5});
  const auto wv = g_.Constant(w);
  const auto windows =
      Op("aten::unfold", {ValueRef{x}, int64_t{2}, int64_t{4}, int64_t{1}});  // [1, 4, 2, 4]
  const auto out =
      Run(Op("aten::convolution", {ValueRef{windows}, ValueRef{wv}, None{}, Ints{1, 1}, Ints{0, 0},
                                   Ints{1, 1}, false, Ints{0, 0}, int64_t{1}}),
          {in});
  std::vector<double> want(8, 0.0);
  for (int c = 0; c < 4; ++c) {
    for (int i = 0; i < 8; ++i) want[i] += in.data<float>()[c * 5 + i / 4 + i % 4];
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, ZeroPaddingOnOneSideBeforeAConvolution) {
  const Array in = RandomF32({1, 8, 6, 6}, 1), w = RandomF32({8, 8, 3, 3}, 2);
  const auto x = Argument({1, 8, 6, 6});
  const auto wv = g_.Constant(w);
  const auto p = Op("aten::constant_pad_nd", {ValueRef{x}, Ints{0, 1, 0, 1}, int64_t{0}});
  const auto out =
      Run(Op("aten::convolution", {ValueRef{p}, ValueRef{wv}, None{}, Ints{2, 2}, Ints{0, 0},
                                   Ints{1, 1}, false, Ints{0, 0}, int64_t{1}}),
          {in});
  std::vector<double> want;
  for (int o = 0; o < 8; ++o) {
    for (int i = 0; i < 9; ++i) {
      double sum = 0;
      for (int l = 0; l < 72; ++l) {
        const int h = i / 3 * 2 + l / 3 % 3, v = i % 3 * 2 + l % 3;
        if (h > 5 || v > 5) continue;
        sum += double{in.data<float>()[(l / 9 * 6 + h) * 6 + v]} * w.data<float>()[o * 72 + l];
      }
      want.push_back(sum);
    }
  }
  ExpectNear(out[0], want);
}

TEST_P(CompileTest, TransposedConvolutionIsTheAdjoint) {
  // <conv(x), y> == <x, conv_transpose(y)> for the same weight.
  const Array x = RandomF32({1, 4, 9, 9}, 1), w = RandomF32({6, 2, 3, 3}, 2),
              y = RandomF32({1, 6, 5, 5}, 3);
  const ConvCase c{1, 4, 6, 9, 3, 2, 1, 2};
  const auto yv = Argument({1, 6, 5, 5});
  const auto wv = g_.Constant(w);
  const auto out =
      Run(Op("aten::convolution", {ValueRef{yv}, ValueRef{wv}, None{}, Ints{2, 2}, Ints{1, 1},
                                   Ints{1, 1}, true, Ints{0, 0}, int64_t{2}}),
          {y});
  ASSERT_THAT(out[0].type.dims, ElementsAre(1, 4, 9, 9));
  const std::vector<double> forward = ConvOf(x, w, c);
  double left = 0, right = 0;
  for (size_t i = 0; i < forward.size(); ++i) left += forward[i] * y.data<float>()[i];
  for (int64_t i = 0; i < x.type.NumElements(); ++i) {
    right += double{x.data<float>()[i]} * out[0].data<float>()[i];
  }
  EXPECT_NEAR(left, right, 1e-4);
}

TEST_P(CompileTest, PoolsAfterAConvolutionInItsLayout) {
  const Array in = RandomF32({1, 16, 8, 8}, 1), w = RandomF32({16, 16, 1, 1}, 2);
  const ConvCase c{1, 16, 16, 8, 1, 1, 0, 1};
  const auto x = Argument({1, 16, 8, 8});
  const auto wv = g_.Constant(w);
  const auto y = Op("aten::convolution", {ValueRef{x}, ValueRef{wv}, None{}, Ints{1, 1}, Ints{0, 0},
                                          Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
  g_.builder.Result(
      Op("aten::max_pool2d", {ValueRef{y}, Ints{3, 3}, Ints{2, 2}, Ints{1, 1}, Ints{1, 1}, false}));
  g_.builder.Result(
      Op("aten::avg_pool2d", {ValueRef{y}, Ints{2, 2}, Ints{}, Ints{0, 0}, false, true, None{}}));
  g_.builder.Result(Op("aten::adaptive_avg_pool2d", {ValueRef{y}, Ints{1, 1}}));
  g_.builder.Result(Op("aten::adaptive_avg_pool2d", {ValueRef{y}, Ints{3, 3}}));
  const auto out = Run({in});
  const std::vector<double> conv = ConvOf(in, w, c);
  const auto window = [&](int64_t o, int h0, int h1, int w0, int w1, bool max) {
    double best = -1e30, sum = 0;
    int count = 0;
    for (int h = std::max(h0, 0); h < std::min(h1, 8); ++h) {
      for (int v = std::max(w0, 0); v < std::min(w1, 8); ++v) {
        const double e = conv[(o * 8 + h) * 8 + v];
        best = std::max(best, e);
        sum += e;
        ++count;
      }
    }
    return max ? best : sum / count;
  };
  std::vector<double> max, average, global, uneven;
  for (int64_t o = 0; o < 16; ++o) {
    for (int i = 0; i < 16; ++i) {
      const int h = i / 4 * 2, v = i % 4 * 2;
      max.push_back(window(o, h - 1, h + 2, v - 1, v + 2, true));
      average.push_back(window(o, h, h + 2, v, v + 2, false));
    }
    global.push_back(window(o, 0, 8, 0, 8, false));
    for (int i = 0; i < 9; ++i) {
      const int h = i / 3, v = i % 3;
      uneven.push_back(
          window(o, h * 8 / 3, (h * 8 + 8 + 2) / 3, v * 8 / 3, (v * 8 + 8 + 2) / 3, false));
    }
  }
  ExpectNear(out[0], max);
  ExpectNear(out[1], average);
  ExpectNear(out[2], global);
  ExpectNear(out[3], uneven);
}

TEST_P(CompileTest, MaxPoolHandsNanOn) {
  const auto x = Argument({1, 1, 4});
  const auto out =
      Run(Op("aten::max_pool1d", {ValueRef{x}, Ints{2}, Ints{1}, Ints{0}, Ints{1}, false}),
          {F32({1, 1, 4}, {1, std::nanf(""), -1, -3})});
  EXPECT_TRUE(std::isnan(out[0].data<float>()[0]));
  EXPECT_TRUE(std::isnan(out[0].data<float>()[1]));
  EXPECT_EQ(out[0].data<float>()[2], -1);
}

TEST_P(CompileTest, ClampTakesBoolAndWideIntegerBounds) {
  const auto x = g_.builder.Argument({ir::DType::kInt64, {2}});
  const int64_t wide = (int64_t{1} << 60) + 1;
  g_.builder.Result(Op("aten::clamp", {ValueRef{x}, true, None{}}));
  g_.builder.Result(Op("aten::clamp_max", {ValueRef{x}, wide}));
  const auto out = Run({I64({2}, {0, wide + 1})});
  EXPECT_THAT(out[0].Values<int64_t>(), ElementsAre(1, wide + 1));
  EXPECT_THAT(out[1].Values<int64_t>(), ElementsAre(0, wide));
}

TEST_P(CompileTest, NumbersHaveNoDimensionToReverse) {
  const auto x = Argument({});
  const auto out = Run(Op("aten::flip", {ValueRef{x}, Ints{0}}), {F32({}, {5})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(5));
}

// --- Recurrent layers ---

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One direction of one layer; x is [steps][batch * in].
std::vector<std::vector<double>> LstmOf(const std::vector<std::vector<double>>& x, int64_t batch,
                                        int64_t hidden, const std::vector<Array>& p, bool reverse,
                                        std::vector<double>& h, std::vector<double>& c) {
  std::vector<std::vector<double>> out(x.size());
  for (size_t t = 0; t < x.size(); ++t) {
    const size_t at = reverse ? x.size() - 1 - t : t;
    const std::vector<double> a = LinearOf(x[at], p[0], p[2]), b = LinearOf(h, p[1], p[3]);
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t i = 0; i < hidden; ++i) {
        const auto gate = [&](int64_t g) {
          const int64_t k = (n * 4 + g) * hidden + i;
          return a[k] + b[k];
        };
        double& cell = c[n * hidden + i];
        cell = Sigmoid(gate(1)) * cell + Sigmoid(gate(0)) * std::tanh(gate(2));
        h[n * hidden + i] = Sigmoid(gate(3)) * std::tanh(cell);
      }
    }
    out[at] = h;
  }
  return out;
}

TEST_P(CompileTest, BidirectionalLstmOfTwoLayersBatchFirst) {
  constexpr int64_t kBatch = 2, kSteps = 5, kIn = 6, kHidden = 8;
  const Array in = RandomF32({kBatch, kSteps, kIn}, 1);
  const Array h0 = RandomF32({4, kBatch, kHidden}, 2), c0 = RandomF32({4, kBatch, kHidden}, 3);
  const auto x = Argument(in.type.dims), h = Argument(h0.type.dims), c = Argument(c0.type.dims);
  std::vector<ValueId> params;
  std::vector<std::vector<Array>> arrays;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t columns = i < 2 ? kIn : 2 * kHidden;
    const auto seed = static_cast<uint32_t>(10 * i + 10);
    arrays.push_back({RandomF32({4 * kHidden, columns}, seed),
                      RandomF32({4 * kHidden, kHidden}, seed + 1),
                      RandomF32({4 * kHidden}, seed + 2), RandomF32({4 * kHidden}, seed + 3)});
    for (const Array& a : arrays.back()) params.push_back(g_.Constant(a));
  }
  for (ValueId value : g_.builder.Ops(
           "aten::lstm.input", {ValueRef{x}, ir::ValueRefList{{h, c}}, ir::ValueRefList{params},
                                true, int64_t{2}, 0.0, false, true, true})) {
    g_.builder.Result(value);
  }
  const auto out = Run({in, h0, c0});
  std::vector<std::vector<double>> sequence(kSteps);
  for (int64_t t = 0; t < kSteps; ++t) {
    for (int64_t n = 0; n < kBatch; ++n) {
      for (int64_t i = 0; i < kIn; ++i) {
        sequence[t].push_back(in.data<float>()[(n * kSteps + t) * kIn + i]);
      }
    }
  }
  std::vector<double> hn, cn;
  for (int64_t layer = 0; layer < 2; ++layer) {
    std::vector<std::vector<double>> sides[2];
    for (int64_t d = 0; d < 2; ++d) {
      const int64_t index = 2 * layer + d, size = kBatch * kHidden;
      std::vector<double> hs(h0.data<float>() + index * size,
                             h0.data<float>() + (index + 1) * size);
      std::vector<double> cs(c0.data<float>() + index * size,
                             c0.data<float>() + (index + 1) * size);
      sides[d] = LstmOf(sequence, kBatch, kHidden, arrays[index], d == 1, hs, cs);
      hn.insert(hn.end(), hs.begin(), hs.end());
      cn.insert(cn.end(), cs.begin(), cs.end());
    }
    for (int64_t t = 0; t < kSteps; ++t) {
      sequence[t].clear();
      for (int64_t n = 0; n < kBatch; ++n) {
        for (const auto& side : sides) {
          sequence[t].insert(sequence[t].end(), side[t].begin() + n * kHidden,
                             side[t].begin() + (n + 1) * kHidden);
        }
      }
    }
  }
  std::vector<double> want;
  for (int64_t n = 0; n < kBatch; ++n) {
    for (int64_t t = 0; t < kSteps; ++t) {
      want.insert(want.end(), sequence[t].begin() + n * 2 * kHidden,
                  sequence[t].begin() + (n + 1) * 2 * kHidden);
    }
  }
  ExpectNear(out[0], want, 5e-5);
  ExpectNear(out[1], hn, 5e-5);
  ExpectNear(out[2], cn, 5e-5);
}

TEST_P(CompileTest, Gru) {
  constexpr int64_t kBatch = 2, kSteps = 4, kIn = 3, kHidden = 8;
  const Array in = RandomF32({kSteps, kBatch, kIn}, 1), h0 = RandomF32({1, kBatch, kHidden}, 2);
  const std::vector<Array> p = {RandomF32({3 * kHidden, kIn}, 3),
                                RandomF32({3 * kHidden, kHidden}, 4), RandomF32({3 * kHidden}, 5),
                                RandomF32({3 * kHidden}, 6)};
  const auto x = Argument(in.type.dims), h = Argument(h0.type.dims);
  std::vector<ValueId> params;
  for (const Array& a : p) params.push_back(g_.Constant(a));
  for (ValueId value :
       g_.builder.Ops("aten::gru.input", {ValueRef{x}, ValueRef{h}, ir::ValueRefList{params}, true,
                                          int64_t{1}, 0.0, false, false, false})) {
    g_.builder.Result(value);
  }
  const auto out = Run({in, h0});
  std::vector<double> state = Doubles(h0), want;
  const std::vector<double> all = Doubles(in);
  for (int64_t t = 0; t < kSteps; ++t) {
    const std::vector<double> xt(all.begin() + t * kBatch * kIn,
                                 all.begin() + (t + 1) * kBatch * kIn);
    const std::vector<double> a = LinearOf(xt, p[0], p[2]), b = LinearOf(state, p[1], p[3]);
    for (int64_t n = 0; n < kBatch; ++n) {
      for (int64_t i = 0; i < kHidden; ++i) {
        const int64_t k = n * 3 * kHidden + i;
        const double r = Sigmoid(a[k] + b[k]), z = Sigmoid(a[k + kHidden] + b[k + kHidden]);
        const double m = std::tanh(a[k + 2 * kHidden] + r * b[k + 2 * kHidden]);
        double& s = state[n * kHidden + i];
        s = (1 - z) * m + z * s;
      }
    }
    want.insert(want.end(), state.begin(), state.end());
  }
  ExpectNear(out[0], want, 5e-5);
  ExpectNear(out[1], state, 5e-5);
}

// --- Shapes, indices, outputs ---

TEST_P(CompileTest, ViewsCostNoStep) {
  const auto x = Argument({2, 6});
  const auto v = Op("aten::view", {ValueRef{x}, Ints{2, 3, 2}});
  const auto t = Op("aten::transpose.int", {ValueRef{v}, int64_t{1}, int64_t{2}});
  const auto s = Op("aten::select.int", {ValueRef{t}, int64_t{1}, int64_t{1}});
  const auto out =
      Run(Op("aten::neg", {ValueRef{s}}), {F32({2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(-1, -3, -5, -7, -9, -11));
  EXPECT_EQ(std::count(plan_.begin(), plan_.end(), '{'), 1) << plan_;
}

TEST_P(CompileTest, OutputsThatAreArgumentsConstantsOrTheSameValue) {
  const auto x = Argument({3});
  const auto c = g_.Constant(F32({2}, {7, 8}));
  const auto y = Op("aten::add.Scalar", {ValueRef{x}, 1.0});
  for (ValueId value : {y, x, c, y}) g_.builder.Result(value);
  const auto out = Run({F32({3}, {1, 2, 3})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(2, 3, 4));
  EXPECT_THAT(out[1].Values<float>(), ElementsAre(1, 2, 3));
  EXPECT_THAT(out[2].Values<float>(), ElementsAre(7, 8));
  EXPECT_THAT(out[3].Values<float>(), ElementsAre(2, 3, 4));
}

TEST_P(CompileTest, AJoinWithNothingCopiesNothingAndImagesStayAsTheyLie) {
  const Array in = RandomF32({1, 16, 4, 4}, 1), w = RandomF32({16, 16, 1, 1}, 2);
  const auto x = Argument({1, 16, 4, 4}), nothing = Argument({0});
  const auto wv = g_.Constant(w);
  const auto conv =
      Op("aten::convolution", {ValueRef{x}, ValueRef{wv}, None{}, Ints{1, 1}, Ints{0, 0},
                               Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
  g_.builder.Result(Op("aten::cat", {ir::ValueRefList{{nothing, conv}}, int64_t{1}}));
  g_.builder.Result(Op("aten::cat", {ir::ValueRefList{{conv, conv}}, int64_t{1}}));
  const auto out = Run({in, F32({0}, {})});
  const std::vector<double> once = ConvOf(in, w, {1, 16, 16, 4, 1, 1, 0, 1});
  ExpectNear(out[0], once, 1e-4);
  std::vector<double> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  ExpectNear(out[1], twice, 1e-4);
}

TEST_P(CompileTest, JoinsPadsRepeatsFlipsAndRolls) {
  const auto x = Argument({2, 2});
  const auto result = [&](ValueId v) { g_.builder.Result(v); };
  result(Op("aten::cat", {ir::ValueRefList{{x, x}}, int64_t{1}}));
  result(Op("aten::stack", {ir::ValueRefList{{x, x}}, int64_t{0}}));
  result(Op("aten::constant_pad_nd", {ValueRef{x}, Ints{1, 0, 0, -1}, 9.0}));
  result(Op("aten::repeat", {ValueRef{x}, Ints{2, 1, 2}}));
  result(Op("aten::flip", {ValueRef{x}, Ints{0, 1}}));
  result(Op("aten::roll", {ValueRef{x}, Ints{1}, Ints{1}}));
  result(Op("aten::tril", {ValueRef{x}}));
  result(Op("aten::triu", {ValueRef{x}, int64_t{1}}));
  const auto out = Run({F32({2, 2}, {1, 2, 3, 4})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(out[1].Values<float>(), ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
  EXPECT_THAT(out[2].Values<float>(), ElementsAre(9, 1, 2));
  EXPECT_THAT(out[3].Values<float>(), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(out[4].Values<float>(), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(out[5].Values<float>(), ElementsAre(2, 1, 4, 3));
  EXPECT_THAT(out[6].Values<float>(), ElementsAre(1, 0, 3, 4));
  EXPECT_THAT(out[7].Values<float>(), ElementsAre(0, 2, 0, 0));
}

TEST_P(CompileTest, WindowUpdatesLeaveTheirInputAlone) {
  const auto x = Argument({2, 3}), s = Argument({2, 1});
  const auto y = Op("aten::relu", {ValueRef{x}});
  const auto z = Op("aten::slice_scatter",
                    {ValueRef{y}, ValueRef{s}, int64_t{1}, int64_t{1}, int64_t{2}, int64_t{1}});
  g_.builder.Result(z);
  g_.builder.Result(Op("aten::add.Tensor", {ValueRef{y}, ValueRef{z}}));
  const auto out = Run({F32({2, 3}, {1, 2, 3, 4, 5, 6}), F32({2, 1}, {-1, -2})});
  EXPECT_THAT(out[0].Values<float>(), ElementsAre(1, -1, 3, 4, -2, 6));
  EXPECT_THAT(out[1].Values<float>(), ElementsAre(2, 1, 6, 8, 3, 12));
}

TEST_P(CompileTest, ActivationsAfterProductsHandNanOn) {
  const auto x = Argument({1, 2});
  const auto w = g_.Constant(F32({2, 2}, {1, 0, 0, 1}));
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}});
  const std::vector<ir::Argument> bounds = {ValueRef{y}, 0.0, 6.0};
  for (const char* op : {"aten::relu", "aten::relu6", "aten::hardsigmoid", "aten::hardswish",
                         "aten::leaky_relu", "aten::silu", "aten::gelu", "aten::elu"}) {
    g_.builder.Result(Op(op, {ValueRef{y}}));
  }
  g_.builder.Result(Op("aten::hardtanh", bounds));
  g_.builder.Result(Op("aten::clamp", bounds));
  g_.builder.Result(Op("aten::maximum", {ValueRef{y}, ValueRef{x}}));
  const auto out = Run({F32({1, 2}, {std::nanf(""), 1})});
  for (size_t i = 0; i < out.size(); ++i) EXPECT_TRUE(std::isnan(out[i].Values<float>()[0])) << i;
}

TEST_P(CompileTest, EmbeddingRefusesAnIndexOutOfRange) {
  const auto i = g_.builder.Argument({ir::DType::kInt64, {2}});
  const auto w = g_.Constant(F32({3, 2}, {0, 1, 2, 3, 4, 5}));
  g_.builder.Result(Op("aten::embedding", {ValueRef{w}, ValueRef{i}}));
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  const auto out = runner->Run({I64({2}, {2, 0})});
  ASSERT_THAT(out, IsOk());
  EXPECT_THAT((*out)[0].Values<float>(), ElementsAre(4, 5, 0, 1));
  EXPECT_THAT(runner->Run({I64({2}, {3, 0})}),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("aten::embedding")));
}

TEST_P(CompileTest, EmptyTensorsPassThrough) {
  const auto x = Argument({0, 4});
  const auto w = g_.Constant(RandomF32({3, 4}, 1));
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}});
  const auto out = Run(Op("aten::relu", {ValueRef{y}}), {F32({0, 4}, {})});
  EXPECT_THAT(out[0].type.dims, ElementsAre(0, 3));
}

TEST_P(CompileTest, DrawsFollowTheSeed) {
  const auto x = Argument({4});
  const auto r = Op("aten::randn_like", {ValueRef{x}});
  g_.builder.Result(Op("aten::add.Tensor", {ValueRef{x}, ValueRef{r}}));
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  const auto draw = [&](int64_t seed) {
    return runner->Run({F32({4}, {0, 0, 0, 0}), I64({}, {seed})})->at(0).Values<float>();
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// --- Execution ---

TEST_P(CompileTest, ConcurrentRunsAgreeBitwise) {
  const Array w = RandomF32({256, 256}, 1), b = RandomF32({256}, 2), in = RandomF32({64, 256}, 3);
  auto x = Argument({64, 256});
  const auto wv = g_.Constant(w), bv = g_.Constant(b);
  for (int i = 0; i < 4; ++i) {
    x = Op("aten::tanh", {ValueRef{Op("aten::linear", {ValueRef{x}, ValueRef{wv}, ValueRef{bv}})}});
  }
  g_.builder.Result(x);
  absl::StatusOr<Runner> runner = std::move(g_).Compile(Options());
  ASSERT_THAT(runner, IsOk());
  const auto want = runner->Run({in});
  ASSERT_THAT(want, IsOk());
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const auto got = runner->Run({in});
        equal[t] += got.ok() && (*got)[0].bytes == (*want)[0].bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(equal, ElementsAre(10, 10, 10, 10));
}

TEST_P(CompileTest, AttentionOfHeadsForAllBatches) {
  // A query of rank 3 beside keys of rank 4 is [heads, rows, columns], the same for each batch.
  const auto q = Argument({2, 3, 8}), k = Argument({4, 2, 6, 8}), v = Argument({4, 2, 6, 8});
  const auto attention = [&](ValueId query) {
    return Op("aten::scaled_dot_product_attention",
              {ValueRef{query}, ValueRef{k}, ValueRef{v}, None{}, 0.0, false, None{}, false});
  };
  const auto expanded = Op("aten::expand", {ValueRef{q}, Ints{4, 2, 3, 8}, false});
  const auto broadcast = attention(q), same = attention(expanded);
  g_.builder.Result(broadcast);
  g_.builder.Result(same);
  const std::vector<Array> out =
      Run({RandomF32({2, 3, 8}, 1), RandomF32({4, 2, 6, 8}, 2), RandomF32({4, 2, 6, 8}, 3)});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].Values<float>(), out[1].Values<float>());
}

TEST(SupportsTest, NamesWhatItLacks) {
  TestGraph g;
  const auto x = g.builder.Argument({ir::DType::kBFloat16, {2, 2}});
  g.builder.Result(g.builder.Op("aten::mm", {ValueRef{x}, ValueRef{x}}));
  EXPECT_THAT(std::move(g).Compile(),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("not bf16")));
}

}  // namespace
}  // namespace ingot::onednn
