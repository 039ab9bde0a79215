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

}  // namespace
}  // namespace ingot::onednn
