// Elementwise ops where their arguments are unusual, and chains of many of them; what is expected
// is LibTorch eager's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/onednn/compile_testing.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::IsNan;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

INSTANTIATE_TEST_SUITE_P(Fusion, CompileTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "On" : "Off"; });

TEST_P(CompileTest, ABoundThatIsNanMakesEveryResultNan) {
  const double nan = kNan;
  const std::vector<std::pair<const char*, std::vector<ir::Argument>>> calls = {
      {"aten::clamp", {nan, 1.0}},    {"aten::clamp", {0.0, nan}},
      {"aten::clamp", {nan, None{}}}, {"aten::clamp", {None{}, nan}},
      {"aten::clamp_min", {nan}},     {"aten::clamp_max", {nan}},
      {"aten::hardtanh", {nan, 1.0}}, {"aten::hardtanh", {0.0, nan}},
  };
  for (const bool after_a_product : {false, true}) {
    g_ = TestGraph();
    const auto x = Argument({1, 2});
    const auto w = g_.Constant(F32({2, 2}, {1, 0, 0, 1}));
    const auto y = after_a_product ? Op("aten::linear", {ValueRef{x}, ValueRef{w}, None{}}) : x;
    for (const auto& [op, bounds] : calls) {
      std::vector<ir::Argument> args = {ValueRef{y}};
      args.insert(args.end(), bounds.begin(), bounds.end());
      g_.builder.Result(Op(op, std::move(args)));
    }
    const auto out = Run({F32({1, 2}, {-3, 2})});
    ASSERT_EQ(out.size(), calls.size());
    for (const Array& result : out) EXPECT_THAT(result.Values<float>(), Each(IsNan()));
  }
}

TEST_P(CompileTest, ABoundThatIsNanMakesDoublesNanToo) {
  const auto x = g_.builder.Argument({ir::DType::kFloat64, {2}});
  const auto out = Run(Op("aten::clamp", {ValueRef{x}, double{kNan}, 1.0}),
                       {MakeArray<double>(ir::DType::kFloat64, {2}, {-3, 2})});
  ASSERT_FALSE(out.empty());
  EXPECT_THAT(out[0].Values<double>(), Each(IsNan()));
}

TEST_P(CompileTest, ExponentialUnitsWithNegativeFactorsGrow) {
  const std::vector<float> in = {-2, -0.5f, 0, 3, -88, -88.5f, -100, -kInfinity, kNan};
  const auto x = Argument({9});
  g_.builder.Result(Op("aten::celu", {ValueRef{x}, -1.0}));
  g_.builder.Result(Op("aten::elu", {ValueRef{x}, 2.0, 1.5, -0.5}));
  const auto out = Run({F32({9}, in)});
  ASSERT_EQ(out.size(), 2u);
  for (size_t i = 0; i < in.size(); ++i) {
    const float celu = in[i] > 0 ? in[i] : -std::expm1(-in[i]);
    const float elu = in[i] > 0 ? 1.5f * in[i] : 3.0f * std::expm1(-0.5f * in[i]);
    const auto matches = [](float want) {
      return std::isnan(want)   ? testing::Matcher<float>(IsNan())
             : std::isinf(want) ? testing::Matcher<float>(want)
                                : FloatNear(want, 2e-6f * std::abs(want));
    };
    EXPECT_THAT(out[0].data<float>()[i], matches(celu)) << in[i];
    EXPECT_THAT(out[1].data<float>()[i], matches(elu)) << in[i];
  }
}

TEST_P(CompileTest, LongChainsOfOpsWithManyConstantsCompile) {
  for (const char* op : {"aten::nan_to_num", "aten::special_entr"}) {
    g_ = TestGraph();
    const auto x = g_.builder.Argument({ir::DType::kFloat64, {3}});
    const bool entropy = std::string(op) == "aten::special_entr";
    ValueId y = x;
    for (int i = 0; i < 16; ++i) {
      y = entropy ? Op(op, {ValueRef{y}}) : Op(op, {ValueRef{y}, 1.0, 2.0, -2.0});
    }
    const auto out = Run(y, {MakeArray<double>(ir::DType::kFloat64, {3}, {0.3, 0.5, kNan})});
    ASSERT_FALSE(out.empty());
    double want = 0.3;
    for (int i = 0; i < 16 && entropy; ++i) want = want > 0 ? -want * std::log(want) : want;
    EXPECT_NEAR(out[0].data<double>()[0], want, 1e-12);
    if (!entropy) {
      EXPECT_EQ(out[0].data<double>()[2], 1);
    }
  }
}

// Sixteen lerps, each with a weight of its own and another end, of which a plan's places would not
// suffice.
TEST_P(CompileTest, ChainsThatNeedMorePlacesThanThereAreRunInParts) {
  const auto x = g_.builder.Argument({ir::DType::kFloat64, {2}});
  ValueId y = x;
  std::vector<Array> inputs = {MakeArray<double>(ir::DType::kFloat64, {2}, {1, -1})};
  std::vector<double> want = {1, -1};
  for (int i = 0; i < 16; ++i) {
    const double end = i, weight = 0.25 + 0.03 * i;
    const auto other = g_.builder.Argument({ir::DType::kFloat64, {2}});
    inputs.push_back(MakeArray<double>(ir::DType::kFloat64, {2}, {end, -end}));
    y = Op("aten::lerp.Scalar", {ValueRef{y}, ValueRef{other}, weight});
    y = i % 2 == 0 ? y : Op("aten::nan_to_num", {ValueRef{y}, 0.5 + i, 100.0 + i, -100.0 - i});
    want[0] += weight * (end - want[0]);
    want[1] += weight * (-end - want[1]);
  }
  const auto out = Run(y, inputs);
  ASSERT_FALSE(out.empty());
  EXPECT_NEAR(out[0].data<double>()[0], want[0], 1e-9);
  EXPECT_NEAR(out[0].data<double>()[1], want[1], 1e-9);
}

}  // namespace
}  // namespace ingot::onednn
