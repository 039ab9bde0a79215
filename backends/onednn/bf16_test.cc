// Products and convolutions that round their factors to bf16: how far off they may be, what
// declines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "backends/onednn/graph_runner.h"
#include "backends/onednn/kernels/packed_gemm.h"
#include "core/base/status_matchers.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using Ints = std::vector<int64_t>;

constexpr ir::DType kF32 = ir::DType::kFloat32;

// Makes a graph of one result, from the same constants at each call.
using Make = ValueId (*)(TestGraph& g);

struct Result {
  Array values;
  std::string plan;
};

Result RunIt(Make make, const std::vector<Array>& inputs, bool bf16, bool roundings = true) {
  TestGraph g;
  g.builder.Result(make(g));
  CompileOptions options;
  options.threads = 2;
  options.bf16 = bf16;
  options.fusion.roundings = roundings;
  absl::StatusOr<Runner> runner = std::move(g).Compile(options);
  EXPECT_THAT(runner, IsOk());
  Result result;
  result.plan = runner->program().PlanJson();
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<std::vector<Array>> out = runner->Run(inputs);
    EXPECT_THAT(out, IsOk());
    if (i > 0) {
      EXPECT_EQ(out->front().bytes, result.values.bytes) << "run " << i;
    }
    result.values = out->front();
  }
  return result;
}

Array Magnitudes(Array array) {
  for (int64_t i = 0; i < array.type.NumElements(); ++i) {
    float& value = reinterpret_cast<float*>(array.bytes.data())[i];
    value = std::abs(value);
  }
  return array;
}

struct Case {
  const char* name;
  Make make;       // from signed weights
  Make magnitude;  // the same op on weights of their magnitudes
  ir::Dims input;
  bool rounds;
};

Array Weight(ir::Dims dims, bool magnitudes) {
  const Array array = RandomF32(std::move(dims), 7);
  return magnitudes ? Magnitudes(array) : array;
}

template <int64_t k, bool magnitudes>
ValueId Linear(TestGraph& g) {
  const ValueId x = g.builder.Argument({kF32, {5, k}});
  return g.builder.Op("aten::linear",
                      {ValueRef{x}, ValueRef{g.Constant(Weight({48, k}, magnitudes))}, None{}});
}

template <int64_t channels, int64_t size, int64_t window, int64_t groups, bool magnitudes>
ValueId Convolution(TestGraph& g) {
  const ValueId x = g.builder.Argument({kF32, {1, channels, size, size}});
  const ValueId w = g.Constant(Weight({32, channels / groups, window, window}, magnitudes));
  return g.builder.Op("aten::convolution",
                      {ValueRef{x}, ValueRef{w}, None{}, Ints{1, 1}, Ints{window / 2, window / 2},
                       Ints{1, 1}, false, Ints{0, 0}, groups});
}

template <int64_t k>
Case LinearCase(const char* name, bool rounds) {
  return {name, &Linear<k, false>, &Linear<k, true>, {5, k}, rounds};
}
template <int64_t channels, int64_t size, int64_t window, int64_t groups>
Case ConvolutionCase(const char* name, bool rounds) {
  return {name,
          &Convolution<channels, size, window, groups, false>,
          &Convolution<channels, size, window, groups, true>,
          {1, channels, size, size},
          rounds};
}

class Bf16Test : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!kernels::PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  }
};

TEST_P(Bf16Test, IsOffByTheRoundingOfTheFactorsAtMost) {
  const Case& c = GetParam();
  const Array x = RandomF32(c.input, 3);
  const Result exact = RunIt(c.make, {x}, false), rounded = RunIt(c.make, {x}, true);
  const Result magnitude = RunIt(c.magnitude, {Magnitudes(x)}, false);
  bool differs = false;
  for (int64_t i = 0; i < exact.values.type.NumElements(); ++i) {
    const double off =
        std::abs(double{rounded.values.data<float>()[i]} - double{exact.values.data<float>()[i]});
    // 2^-9 of each factor, and the square of it; f32 rounding is far below.
    const double allowed = 0x1.01p-8 * magnitude.values.data<float>()[i];
    ASSERT_LE(off, allowed) << "at " << i;
    differs |= off > 0;
  }
  EXPECT_EQ(differs, c.rounds) << rounded.plan;
}

INSTANTIATE_TEST_SUITE_P(
    Ops, Bf16Test,
    testing::Values(LinearCase<64>("Linear", true), LinearCase<700>("LongLinear", true),
                    LinearCase<65>("AnOddInnerSizeStaysF32", false),
                    ConvolutionCase<16, 9, 1, 1>("OneTap", true),
                    ConvolutionCase<32, 30, 5, 1>("TwentyFiveTaps", true),
                    ConvolutionCase<32, 30, 3, 1>("Winograd", true),
                    ConvolutionCase<64, 7, 3, 1>("SmallImage", true),
                    ConvolutionCase<3, 30, 3, 1>("AnOddNumberOfChannelsStaysF32", false),
                    ConvolutionCase<32, 9, 3, 32>("DepthwiseStaysF32", false)),
    [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

TEST_F(Bf16Test, ProductsOfOneInputShareItsRounding) {
  const Make make = [](TestGraph& g) {
    const ValueId x = g.builder.Argument({kF32, {4, 64}});
    const auto linear = [&](uint32_t seed) {
      return ValueRef{g.builder.Op(
          "aten::linear", {ValueRef{x}, ValueRef{g.Constant(RandomF32({64, 64}, seed))}, None{}})};
    };
    const ValueRef a = linear(1), b = linear(2);
    return g.builder.Op("aten::mul.Tensor", {a, b});
  };
  const Result result = RunIt(make, {RandomF32({4, 64}, 5)}, true);
  // One reorder to bf16, two products.
  const std::vector<std::string> steps = absl::StrSplit(result.plan, "\"impl\"");
  EXPECT_EQ(steps.size(), 1u + 3u) << result.plan;
}

// --- Results that are stored in bf16 ---

ValueRef Linear(TestGraph& g, ValueRef x, int64_t from, int64_t to, uint32_t seed) {
  return ValueRef{
      g.builder.Op("aten::linear", {x, ValueRef{g.Constant(RandomF32({to, from}, seed))}, None{}})};
}

ValueRef Convolve(TestGraph& g, ValueRef x, int64_t from, int64_t to, int64_t window,
                  uint32_t seed) {
  const ValueId w = g.Constant(RandomF32({to, from, window, window}, seed));
  return ValueRef{g.builder.Op("aten::convolution",
                               {x, ValueRef{w}, None{}, Ints{1, 1}, Ints{window / 2, window / 2},
                                Ints{1, 1}, false, Ints{0, 0}, int64_t{1}})};
}

ValueRef Relu(TestGraph& g, ValueRef x) { return ValueRef{g.builder.Op("aten::relu", {x})}; }

std::vector<std::string> Implementations(const std::string& plan) {
  std::vector<std::string> implementations;
  for (absl::string_view part : absl::StrSplit(plan, "\"impl\":\"")) {
    implementations.emplace_back(part.substr(0, part.find('"')));
  }
  implementations.erase(implementations.begin());  // what precedes the first
  return implementations;
}

struct RoundingCase {
  const char* name;
  Make make;
  ir::Dims input;
  std::vector<std::string> own;  // the steps in own kernels
  int roundings;                 // steps that only round, the argument's included
};

class RoundingTest : public testing::TestWithParam<RoundingCase> {};

TEST_P(RoundingTest, ResultsKeepTheirBits) {
  if (!kernels::PackedGemm::HasBf16()) GTEST_SKIP() << "no AVX512-BF16 here";
  const RoundingCase& c = GetParam();
  const Array x = RandomF32(c.input, 3);
  const Result merged = RunIt(c.make, {x}, true), apart = RunIt(c.make, {x}, true, false);
  EXPECT_EQ(merged.values.bytes, apart.values.bytes);
  EXPECT_THAT(Implementations(apart.plan),
              testing::Each(testing::Not(testing::HasSubstr(">bf16"))));
  std::vector<std::string> own;
  int others = 0;
  for (const std::string& step : Implementations(merged.plan)) {
    absl::StartsWith(step, "ingot:") ? own.push_back(step) : void(++others);
  }
  EXPECT_EQ(own, c.own) << merged.plan;
  EXPECT_EQ(others, c.roundings) << merged.plan;
}

// Many blocks of the inner dimension: sums wait for each other without an f32 result.
ValueId OneReader(TestGraph& g) {
  const ValueRef x{g.builder.Argument({kF32, {40, 4096}})};
  return Linear(g, Relu(g, Linear(g, x, 4096, 96, 1)), 96, 32, 2).id;
}

ValueId TwoReaders(TestGraph& g) {
  const ValueRef x{g.builder.Argument({kF32, {5, 64}})};
  const ValueRef a = Linear(g, x, 64, 64, 1);
  const ValueRef b = Linear(g, a, 64, 64, 2);
  return g.builder.Op("aten::mul.Tensor", {a, b});
}

ValueId OfNormalisedRows(TestGraph& g) {
  const ValueRef x{g.builder.Argument({kF32, {5, 64}})};
  const ValueRef a = Linear(g, x, 64, 64, 1);
  const ValueRef norm{g.builder.Op("aten::layer_norm", {a, Ints{64}, None{}, None{}, 1e-5, true})};
  return Linear(g, norm, 64, 32, 2).id;
}

// A residual block: its input is read in bf16 by the first convolution, in f32 by the sum.
ValueId Images(TestGraph& g) {
  const ValueRef x{g.builder.Argument({kF32, {2, 32, 9, 11}})};
  const ValueRef in = Relu(g, Convolve(g, x, 32, 64, 1, 1));
  const ValueRef middle = Relu(g, Convolve(g, in, 64, 32, 1, 2));
  const ValueRef window = Relu(g, Convolve(g, middle, 32, 32, 3, 3));
  const ValueRef out = Convolve(g, window, 32, 64, 1, 4);
  return Relu(g, ValueRef{g.builder.Op("aten::add.Tensor", {out, in, int64_t{1}})}).id;
}

ValueId AResultOfTheGraph(TestGraph& g) {
  const ValueRef x{g.builder.Argument({kF32, {5, 64}})};
  const ValueRef a = Linear(g, x, 64, 64, 1);
  g.builder.Result(a.id);
  return Linear(g, a, 64, 32, 2).id;
}

constexpr char kProduct[] = "ingot:packed_gemm_bf16";
constexpr char kRoundedProduct[] = "ingot:packed_gemm_bf16>bf16";

INSTANTIATE_TEST_SUITE_P(
    Graphs, RoundingTest,
    testing::Values(
        RoundingCase{"OneReader", &OneReader, {40, 4096}, {kRoundedProduct, kProduct}, 1},
        RoundingCase{"TwoReaders", &TwoReaders, {5, 64}, {kProduct, kProduct}, 2},
        RoundingCase{"OfNormalisedRows",
                     &OfNormalisedRows,
                     {5, 64},
                     {kProduct, "ingot:layer_norm>bf16", kProduct},
                     1},
        RoundingCase{"Images",
                     &Images,
                     {2, 32, 9, 11},
                     {kProduct, kProduct, "ingot:winograd_bf16>bf16", kProduct, "ingot:copy"},
                     2},
        RoundingCase{"AResultOfTheGraph", &AResultOfTheGraph, {5, 64}, {kProduct, kProduct}, 2}),
    [](const testing::TestParamInfo<RoundingCase>& info) { return info.param.name; });

TEST_F(Bf16Test, ProductsOfTwoArgumentsStayF32) {
  const Make make = [](TestGraph& g) {
    const ValueId a = g.builder.Argument({kF32, {8, 64}}), b = g.builder.Argument({kF32, {64, 8}});
    return g.builder.Op("aten::matmul", {ValueRef{a}, ValueRef{b}});
  };
  const std::vector<Array> inputs = {RandomF32({8, 64}, 1), RandomF32({64, 8}, 2)};
  EXPECT_EQ(RunIt(make, inputs, true).values.bytes, RunIt(make, inputs, false).values.bytes);
}

}  // namespace
}  // namespace ingot::onednn
