// Convolutions and pools with what is fused into them, against plain loops in double precision.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "backends/onednn/compile_testing.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueRef;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Ints = std::vector<int64_t>;

INSTANTIATE_TEST_SUITE_P(Fusion, CompileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

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

TEST_P(CompileTest, PlansSayInWhichLayoutsStepsReadAndMakeImages) {
  const Array in = RandomF32({1, 32, 7, 7}, 1), w = RandomF32({32, 32, 1, 1}, 2);
  const auto wv = g_.Constant(w);
  auto y = Argument(in.type.dims);
  for (int i = 0; i < 2; ++i) {
    y = Op("aten::convolution", {ValueRef{y}, ValueRef{wv}, None{}, Ints{1, 1}, Ints{0, 0},
                                 Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
  }
  Run(y, {in});
  EXPECT_THAT(plan_, HasSubstr("\"layout\":\"channels_last\""));
  EXPECT_THAT(plan_, HasSubstr("\"layout_in\":\"channels_last\""));
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

}  // namespace
}  // namespace ingot::onednn
