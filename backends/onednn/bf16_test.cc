// Products and convolutions that round their factors to bf16: how far off they may be, what
// declines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

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

Result RunIt(Make make, const std::vector<Array>& inputs, bool bf16) {
  TestGraph g;
  g.builder.Result(make(g));
  CompileOptions options;
  options.threads = 2;
  options.bf16 = bf16;
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
                    ConvolutionCase<32, 30, 3, 1>("NineTaps", true),
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
