#include "tools/ingot/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/runtime/session.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/first_difference.h"

namespace ingot::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ir::Recording RecordingOf(absl::string_view text) {
  auto graph = ir::ParseGraph(text);
  EXPECT_THAT(graph, IsOk());
  ir::Recording recording;
  recording.graph = *std::move(graph);
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    if (input.role != ir::InputRole::kArgument) continue;
    recording.signature.aliases.push_back(
        {static_cast<uint32_t>(recording.signature.arguments.size()), 0});
    recording.signature.arguments.push_back({recording.graph.type(input.value), {}});
  }
  return recording;
}

constexpr char kSub[] = R"(graph "sub" {
  %0 : f32[2,3] = argument 0
  %1 : f32[2,3] = argument 1
  %2 : f32[2,3] = aten::sub.Tensor(%0, %1, 1) "sub.py:1"
  result 0 = %2
  returns T0
})";

constexpr char kAddRandom[] = R"(graph "add_random" {
  %0 : f32[2,3] = argument 0
  %1 : i64[] = seed
  %2 : f32[2,3] = aten::randn([2, 3], f32, None, None, None, %1)
  %3 : f32[2,3] = aten::add.Tensor(%0, %2, 1)
  %4 : f32[2,3] = aten::neg(%0)
  result 0 = %3
  result 1 = %4
  returns (T0, T1)
})";

std::shared_ptr<runtime::Session> ReferenceSession() {
  runtime::Options options;
  options.backend = "reference";
  auto session = runtime::Session::Create(options);
  EXPECT_THAT(session, IsOk());
  return *session;
}

std::shared_ptr<const runtime::CompiledGraph> CompileText(absl::string_view text) {
  auto graph = ReferenceSession()->Compile(RecordingOf(text));
  EXPECT_THAT(graph, IsOk());
  return *graph;
}

Arguments TwoMatrices() {
  Random random(1);
  Arguments arguments;
  arguments.push_back(*RandomTensor({ir::DType::kFloat32, {2, 3}}, random));
  arguments.push_back(*RandomTensor({ir::DType::kFloat32, {2, 3}}, random));
  return arguments;
}

// Yields f(a, b) in `dtype` for each pair of elements.
class FunctionOracle : public Oracle {
 public:
  using Function = std::function<double(float, float)>;
  explicit FunctionOracle(Function function, ir::DType dtype = ir::DType::kFloat32)
      : function_(std::move(function)), dtype_(dtype) {}
  std::string name() const override { return "function"; }
  absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t) override {
    if (++calls_ > calls_before_refusal_) return absl::InvalidArgumentError("out of range");
    Outcome outcome;
    outcome.arguments = *CopyTensors(arguments);
    auto result = runtime::HostTensor::Create({dtype_, {2, 3}});
    for (int64_t i = 0; i < 6; ++i) {
      StoreElement(
          result->view(), i,
          std::complex<double>(function_(arguments[0].data<float>()[i],
                                         arguments[arguments.size() - 1].data<float>()[i])));
    }
    outcome.results.push_back(*std::move(result));
    return outcome;
  }
  int calls_before_refusal_ = 1000;

 private:
  Function function_;
  ir::DType dtype_;
  int calls_ = 0;
};

TEST(CheckTest, EqualResultsAreOkOnEveryDraw) {
  FunctionOracle oracle([](float a, float b) { return a - b; });
  auto report = Check(CompileText(kSub), oracle, nullptr, TwoMatrices(), {});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->ok) << report->message;
  EXPECT_EQ(report->draws, 11);
  EXPECT_EQ(report->max_abs_err, 0);
}

TEST(CheckTest, AWrongResultIsAMismatchWithItsArguments) {
  FunctionOracle oracle([](float a, float b) { return a - b + 0.5; });
  const Arguments arguments = TwoMatrices();
  auto report = Check(CompileText(kSub), oracle, nullptr, arguments, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_FALSE(report->ok);
  EXPECT_NEAR(report->max_abs_err, 0.5, 1e-6);
  EXPECT_THAT(report->message, HasSubstr("result 0, given arguments: 6 of 6 elements differ"));
  EXPECT_EQ(RowMajorBytes(report->failing[1].view()), RowMajorBytes(arguments[1].view()));
}

TEST(CheckTest, ARunInFloat64SpeaksForResultsThatLibTorchRounds) {
  FunctionOracle rounding([](float a, float b) { return double{a} - b + 1e-4; });
  for (const bool right : {true, false}) {
    CheckOptions options;
    options.arbiter = [right]() -> absl::StatusOr<std::unique_ptr<Oracle>> {
      return std::make_unique<FunctionOracle>(
          [right](float a, float b) { return double{a} - b + (right ? 0 : 1e-4); },
          ir::DType::kFloat64);
    };
    auto report = Check(CompileText(kSub), rounding, nullptr, TwoMatrices(), options);
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->ok, right) << report->message;
    if (right) {
      EXPECT_EQ(report->arbitrated, 66);
      EXPECT_THAT(report->message, HasSubstr("66 elements are within the tolerances of a run in"));
    }
  }
}

TEST(CheckTest, FreshDrawsThatTheOracleRefusesAreLeftOut) {
  FunctionOracle oracle([](float a, float b) { return a - b; });
  oracle.calls_before_refusal_ = 4;
  auto report = Check(CompileText(kSub), oracle, nullptr, TwoMatrices(), {});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->ok);
  EXPECT_EQ(report->draws, 4);
  EXPECT_EQ(report->left_out, 7);
  FunctionOracle refusing([](float, float) { return 0; });
  refusing.calls_before_refusal_ = 0;
  auto refused = Check(CompileText(kSub), refusing, nullptr, TwoMatrices(), {});
  EXPECT_EQ(ExitCodeOf(refused.status()), ExitCode::kRefused);
}

TEST(CheckTest, AgainstFloat64FourTimesLibTorchsErrorIsTheLimit) {
  const auto exact = [](double offset) {
    return FunctionOracle([offset](float a, float b) { return double{a} - b + offset; },
                          ir::DType::kFloat64);
  };
  // LibTorch's own run is off by 1e-3 from the truth; the backend by `offset`.
  for (const auto& [offset, ok] : {std::pair<double, bool>{3.9e-3, true}, {4.2e-3, false}}) {
    FunctionOracle truth = exact(offset);
    FunctionOracle torch([o = offset](float a, float b) { return a - b + o - 1e-3; });
    auto report = Check(CompileText(kSub), torch, &truth, TwoMatrices(), {});
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->ok, ok) << report->message;
    EXPECT_NEAR(report->max_abs_err, offset, 1e-5);
  }
}

TEST(CheckTest, AnExactEagerRunLeavesAFewUnitsOfPrecision) {
  FunctionOracle truth([](float a, float b) { return static_cast<double>(a - b) * (1 + 2e-7); },
                       ir::DType::kFloat64);
  FunctionOracle torch([](float a, float b) { return a - b; });
  auto report = Check(CompileText(kSub), torch, &truth, TwoMatrices(), {});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->ok) << report->message;
}

TEST(CheckTest, WhatIsDrawnAtRandomIsComparedInTypeOnlyAndSaysSo) {
  const auto graph = CompileText(kAddRandom);
  class Other : public Oracle {
   public:
    std::string name() const override { return "other"; }
    absl::StatusOr<Outcome> Run(const Arguments& arguments, uint64_t) override {
      Outcome outcome;
      outcome.arguments = *CopyTensors(arguments);
      outcome.results = *CopyTensors(arguments);
      outcome.results.push_back(*runtime::HostTensor::Copy(arguments[0].view()));
      for (int64_t i = 0; i < 6; ++i) outcome.results[1].data<float>()[i] *= -1;
      return outcome;
    }
  } oracle;
  Arguments arguments = TwoMatrices();
  arguments.pop_back();
  auto report = Check(graph, oracle, nullptr, arguments, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->ok) << report->message;
  EXPECT_THAT(report->message, HasSubstr("dtype and sizes only: result 0"));
  EXPECT_THAT(report->message, testing::Not(HasSubstr("result 1")));
}

TEST(FindSeedDependenceTest, FollowsTheSeedThroughTheGraph) {
  auto graph = ir::ParseGraph(kAddRandom);
  ASSERT_THAT(graph, IsOk());
  EXPECT_THAT(FindSeedDependence(*graph).results, ElementsAre(0));
  EXPECT_THAT(FindSeedDependence(*graph).arguments, testing::IsEmpty());
}

TEST(FirstDifferenceTest, SaysThatEqualBackendsDoNotDiffer) {
  const auto session = ReferenceSession();
  auto where =
      FirstDifference(RecordingOf(kSub), *session, *session, TwoMatrices(), 0, Tolerances());
  EXPECT_THAT(where, IsOkAndHolds(HasSubstr("no single op differs")));
}

}  // namespace
}  // namespace ingot::tools
