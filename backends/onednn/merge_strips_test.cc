// Which chains of convolutions run strip by strip, and that their results are those of the steps.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "backends/onednn/graph_runner.h"
#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using Ints = std::vector<int64_t>;

constexpr int64_t kSmallCache = 64 << 10;  // no image of these tests fits half of it

struct Block {
  int64_t images = 1, side = 32, channels = 8, expanded = 32;
  int64_t kernel = 3, stride = 1;
  bool residual = false;      // the result and the argument are added
  bool expanded_too = false;  // the image between the first two convolutions is a result
};

ValueId Convolution(TestGraph& g, ValueId x, Array weight, int64_t stride, int64_t groups) {
  const int64_t padding = weight.type.dims[2] / 2;
  const int64_t channels = weight.type.dims[0];
  const ValueId w = g.Constant(std::move(weight));
  const ValueId bias = g.Constant(RandomF32({channels}, 7));
  return g.builder.Op("aten::convolution",
                      {ValueRef{x}, ValueRef{w}, ValueRef{bias}, Ints{stride, stride},
                       Ints{padding, padding}, Ints{1, 1}, false, Ints{0, 0}, groups});
}

// An inverted bottleneck: expand, filter, project.
TestGraph Bottleneck(const Block& b) {
  TestGraph g;
  const ValueId x =
      g.builder.Argument({ir::DType::kFloat32, {b.images, b.channels, b.side, b.side}});
  const auto relu6 = [&](ValueId v) {
    return g.builder.Op("aten::hardtanh", {ValueRef{v}, 0.0, 6.0});
  };
  const ValueId up = relu6(Convolution(g, x, RandomF32({b.expanded, b.channels, 1, 1}, 1), 1, 1));
  const ValueId filtered = relu6(
      Convolution(g, up, RandomF32({b.expanded, 1, b.kernel, b.kernel}, 2), b.stride, b.expanded));
  ValueId down = Convolution(g, filtered, RandomF32({b.channels, b.expanded, 1, 1}, 3), 1, 1);
  if (b.residual)
    down = g.builder.Op("aten::add.Tensor", {ValueRef{down}, ValueRef{x}, int64_t{1}});
  g.builder.Result(down);
  if (b.expanded_too) g.builder.Result(up);
  return g;
}

CompileOptions Options(bool strips, int threads = 1, int64_t own_cache_bytes = kSmallCache) {
  CompileOptions options;
  options.threads = threads;
  options.fusion.strips = strips;
  options.own_cache_bytes = own_cache_bytes;
  return options;
}

std::vector<std::string> Implementations(const Block& block, const CompileOptions& options) {
  absl::StatusOr<Runner> runner = Bottleneck(block).Compile(options);
  EXPECT_THAT(runner, IsOk());
  std::vector<std::string> names;
  if (!runner.ok()) return names;
  for (const Step& step : runner->program().steps()) names.push_back(step.info.implementation);
  return names;
}

class StripsTest : public testing::TestWithParam<Block> {};

TEST_P(StripsTest, GiveTheSameBitsAsStepByStep) {
  const Block& block = GetParam();
  const std::vector<Array> inputs = {
      RandomF32({block.images, block.channels, block.side, block.side}, 9)};
  const absl::StatusOr<std::vector<Array>> expected =
      Bottleneck(block).Run(inputs, Options(/*strips=*/false));
  ASSERT_THAT(expected, IsOk());
  for (const int threads : {1, 2, 3}) {
    EXPECT_THAT(Implementations(block, Options(true, threads)),
                Contains(HasSubstr("ingot:strips(")));
    const absl::StatusOr<std::vector<Array>> actual =
        Bottleneck(block).Run(inputs, Options(true, threads));
    ASSERT_THAT(actual, IsOk());
    EXPECT_EQ((*actual)[0].bytes, (*expected)[0].bytes) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, StripsTest,
                         testing::Values(Block{}, Block{.stride = 2},
                                         Block{.side = 37, .expanded = 40, .residual = true},
                                         Block{.images = 3, .side = 29, .kernel = 5},
                                         Block{.side = 33, .kernel = 5, .stride = 2},
                                         Block{.images = 2, .side = 40, .kernel = 7}));

TEST(MergeStripsTest, NeedsNoMemoryForTheImagesBetween) {
  const absl::StatusOr<Runner> whole = Bottleneck({.side = 64}).Compile(Options(false));
  const absl::StatusOr<Runner> strips = Bottleneck({.side = 64}).Compile(Options(true));
  ASSERT_THAT(whole, IsOk());
  ASSERT_THAT(strips, IsOk());
  EXPECT_LT(strips->program().workspace_bytes(), whole->program().workspace_bytes() / 3);
}

TEST(MergeStripsTest, NamesAllNodesOfTheChain) {
  absl::StatusOr<Runner> runner = Bottleneck({.residual = true}).Compile(Options(true));
  ASSERT_THAT(runner, IsOk());
  const auto is_chain = [](const Step& step) {
    return absl::StrContains(step.info.implementation, "strips");
  };
  const auto steps = runner->program().steps();
  const auto chain = std::find_if(steps.begin(), steps.end(), is_chain);
  ASSERT_NE(chain, steps.end());
  EXPECT_EQ(chain->info.fused.size(), 5u);  // two convolutions, two bounds, the sum
}

TEST(MergeStripsTest, ImagesThatFitTheCacheStayWhole) {
  EXPECT_THAT(Implementations({}, Options(true, 1, int64_t{64} << 20)),
              Each(Not(HasSubstr("strips"))));
}

TEST(MergeStripsTest, WeightsThatFillTheCacheAreNotReadForEachStrip) {
  EXPECT_THAT(Implementations({.channels = 256, .expanded = 256}, Options(true)),
              Each(Not(HasSubstr("strips"))));
}

TEST(MergeStripsTest, AnImageThatIsAlsoAResultIsWritten) {
  EXPECT_THAT(
      Implementations({.expanded_too = true}, Options(true)),
      AllOf(Contains("ingot:strips(depthwise,packed_gemm)"), Contains(HasSubstr("packed_gemm"))));
}

TEST(MergeStripsTest, OptionFusionTurnsItOff) {
  EXPECT_THAT(Implementations({}, Options(false)), Each(Not(HasSubstr("strips"))));
}

}  // namespace
}  // namespace ingot::onednn
