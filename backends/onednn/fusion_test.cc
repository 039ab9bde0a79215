#include "backends/onednn/fusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/ir/builder.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueRef;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr ir::DType kF32 = ir::DType::kFloat32;

class FusionTest : public testing::Test {
 protected:
  ir::ValueId Argument(ir::Dims dims) { return b_.Argument({kF32, std::move(dims)}); }
  ir::ValueId Weight(ir::Dims dims) {
    const ir::Digest digest = ir::Sha256(std::to_string(++weights_));
    return b_.Constant({kF32, std::move(dims)}, digest);
  }
  ir::ValueId Op(const char* op, std::vector<ir::Argument> args) {
    return b_.Op(op, std::move(args));
  }
  std::vector<Unit> Plan(ir::ValueId result, const FusionOptions& options = {}) {
    b_.Result(result);
    absl::StatusOr<ir::Graph> graph = std::move(b_).Build();
    EXPECT_TRUE(graph.ok()) << graph.status();
    graph_ = *std::move(graph);
    return PlanFusion(graph_, options);
  }
  using Ints = std::vector<int64_t>;

  ir::ValueId Conv(ir::ValueId x, ir::ValueId w) {
    return Op("aten::convolution", {ValueRef{x}, ValueRef{w}, None{}, Ints{1, 1}, Ints{1, 1},
                                    Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
  }
  ir::ValueId BatchNorm(ir::ValueId x, ir::ValueId mean, ir::ValueId var) {
    return Op("aten::batch_norm",
              {ValueRef{x}, None{}, None{}, ValueRef{mean}, ValueRef{var}, false, 0.1, 1e-5, true});
  }

  ir::GraphBuilder b_;
  ir::Graph graph_;
  int weights_ = 0;
};

TEST_F(FusionTest, LinearTakesActivationAndResidual) {
  const auto x = Argument({8, 16});
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{Weight({16, 16})}, None{}});
  const auto gelu = Op("aten::gelu", {ValueRef{y}, std::string("none")});
  const std::vector<Unit> units = Plan(Op("aten::add.Tensor", {ValueRef{gelu}, ValueRef{x}}));
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_EQ(units[0].kind, Unit::Kind::kChain);
  ASSERT_THAT(units[0].post_ops, SizeIs(2));
  EXPECT_EQ(units[0].post_ops[0].op, kernels::EpilogueOp::kGeluErf);
  EXPECT_EQ(units[0].post_ops[1].op, kernels::EpilogueOp::kAdd);
  EXPECT_EQ(units[0].post_ops[1].operand, x);
}

TEST_F(FusionTest, AValueWithTwoUsesEndsTheChain) {
  const auto x = Argument({8, 16});
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{Weight({16, 16})}, None{}});
  const auto relu = Op("aten::relu", {ValueRef{y}});
  const std::vector<Unit> units = Plan(Op("aten::mul.Tensor", {ValueRef{relu}, ValueRef{y}}));
  ASSERT_THAT(units, SizeIs(2));
  EXPECT_THAT(units[0].post_ops, IsEmpty());
  EXPECT_EQ(units[1].kind, Unit::Kind::kPointwise);
  EXPECT_THAT(units[1].nodes, ElementsAre(1, 2));
}

TEST_F(FusionTest, AnAddWithARunTimeFactorIsNotAPostOp) {
  const auto x = Argument({8, 16});
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{Weight({16, 16})}, None{}});
  const auto alpha = b_.Scalar(ir::DType::kFloat64);
  const std::vector<Unit> units =
      Plan(Op("aten::add.Tensor", {ValueRef{y}, ValueRef{x}, ValueRef{alpha}}));
  EXPECT_THAT(units, SizeIs(2));
}

TEST_F(FusionTest, ABroadcastOfTheChainIsNotAPostOp) {
  const auto x = Argument({1, 16});
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{Weight({16, 16})}, None{}});
  const auto z = Argument({8, 16});
  EXPECT_THAT(Plan(Op("aten::add.Tensor", {ValueRef{y}, ValueRef{z}})), SizeIs(2));
}

TEST_F(FusionTest, ConvolutionTakesConstantBatchNormAndActivation) {
  const auto x = Argument({1, 4, 8, 8});
  const auto y = Conv(x, Weight({4, 4, 3, 3}));
  const auto z = BatchNorm(y, Weight({4}), Weight({4}));
  const std::vector<Unit> units = Plan(Op("aten::silu", {ValueRef{z}}));
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_TRUE(units[0].batch_norm.has_value());
  EXPECT_THAT(units[0].post_ops, SizeIs(1));
}

TEST_F(FusionTest, ActivationsWhosePostOpDropsNanStayApartFromPrimitives) {
  const auto x = Argument({8, 16});
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{Argument({16, 16})}, None{}});
  const std::vector<Unit> units = Plan(Op("aten::relu", {ValueRef{y}}));
  ASSERT_THAT(units, SizeIs(2));
  EXPECT_EQ(units[0].runs_as, RunsAs::kPrimitive);
  EXPECT_THAT(units[0].post_ops, IsEmpty());
}

TEST_F(FusionTest, TheProductKernelTakesEveryActivation) {
  const auto x = Argument({8, 16});
  const auto w = Op("aten::t", {ValueRef{Weight({16, 16})}});
  auto y = Op("aten::mm", {ValueRef{x}, ValueRef{w}});
  y = Op("aten::relu", {ValueRef{y}});
  y = Op("aten::clamp", {ValueRef{y}, None{}, 2.5});
  const std::vector<Unit> units = Plan(Op("aten::hardsigmoid", {ValueRef{y}}));
  ASSERT_THAT(units, SizeIs(2));
  EXPECT_EQ(units[1].runs_as, RunsAs::kProduct);
  ASSERT_THAT(units[1].post_ops, SizeIs(3));
  EXPECT_EQ(units[1].post_ops[1].op, kernels::EpilogueOp::kClamp);
  EXPECT_EQ(units[1].post_ops[1].alpha, -std::numeric_limits<float>::infinity());
  EXPECT_EQ(units[1].post_ops[1].beta, 2.5f);
}

TEST_F(FusionTest, WideConvolutionsRunInTheOwnKernelForPostOpsThatOneDnnLacks) {
  for (const char* op : {"aten::relu", "aten::silu"}) {
    b_ = ir::GraphBuilder();
    const auto y = Conv(Argument({1, 16, 32, 32}), Weight({16, 16, 3, 3}));
    const std::vector<Unit> units = Plan(Op(op, {ValueRef{y}}));
    ASSERT_THAT(units, SizeIs(1));
    EXPECT_EQ(units[0].runs_as, op == std::string("aten::relu") ? RunsAs::kTapConvolution
                                                                : RunsAs::kPrimitiveConvolution);
  }
}

TEST_F(FusionTest, ThreeByThreeConvolutionsOfManyChannelsTakeFewerProducts) {
  struct Case {
    int64_t in, out, kernel, stride;
    bool fires;
  };
  for (const Case& c :
       {Case{32, 64, 3, 1, true}, Case{48, 32, 3, 1, true}, Case{16, 64, 3, 1, false},
        Case{32, 48, 3, 1, false}, Case{40, 64, 3, 1, false}, Case{32, 64, 3, 2, false},
        Case{32, 64, 5, 1, false}}) {
    b_ = ir::GraphBuilder();
    const auto x = Argument({1, c.in, 14, 14}), w = Weight({c.out, c.in, c.kernel, c.kernel});
    const auto y =
        Op("aten::convolution", {ValueRef{x}, ValueRef{w}, None{}, Ints{c.stride, c.stride},
                                 Ints{1, 1}, Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
    const std::vector<Unit> units = Plan(Op("aten::relu", {ValueRef{y}}));
    ASSERT_FALSE(units.empty());
    EXPECT_EQ(units[0].runs_as == RunsAs::kWinogradConvolution, c.fires)
        << c.in << " " << c.out << " " << c.kernel << " " << c.stride;
  }
}

TEST_F(FusionTest, FewChannelsRunInTheOwnKernelIfALineOfTheWindowIsLongEnough) {
  struct Case {
    int64_t channels, width, dilation;
    RunsAs runs_as;
  };
  for (const Case& c :
       {Case{3, 3, 1, RunsAs::kTapConvolution}, Case{1, 9, 1, RunsAs::kTapConvolution},
        Case{3, 3, 2, RunsAs::kPrimitiveConvolution},
        Case{1, 3, 1, RunsAs::kPrimitiveConvolution}}) {
    b_ = ir::GraphBuilder();
    const auto x = Argument({1, c.channels, 64, 64}), w = Weight({16, c.channels, 3, c.width});
    const auto y =
        Op("aten::convolution", {ValueRef{x}, ValueRef{w}, None{}, Ints{1, 1}, Ints{0, 0},
                                 Ints{c.dilation, c.dilation}, false, Ints{0, 0}, int64_t{1}});
    const std::vector<Unit> units = Plan(Op("aten::relu", {ValueRef{y}}));
    ASSERT_FALSE(units.empty());
    EXPECT_EQ(units[0].runs_as, c.runs_as) << c.channels << " " << c.width << " " << c.dilation;
  }
}

TEST_F(FusionTest, AConvolutionOfOneTapIsAProduct) {
  struct Case {
    std::vector<int64_t> kernel, stride, padding;
    int64_t groups;
    bool is_product;
  };
  for (const Case& c :
       {Case{{1, 1}, {1, 1}, {0, 0}, 1, true}, Case{{1, 1}, {2, 1}, {0, 0}, 1, true},
        Case{{1, 1}, {1, 1}, {1, 0}, 1, false}, Case{{1, 3}, {1, 1}, {0, 0}, 1, false},
        Case{{1, 1}, {1, 1}, {0, 0}, 2, false}}) {
    b_ = ir::GraphBuilder();
    const auto x = Argument({2, 4, 8, 8});
    const auto w = Weight({4, 4 / c.groups, c.kernel[0], c.kernel[1]});
    const auto y = Op("aten::convolution",
                      {ValueRef{x}, ValueRef{w}, None{}, c.stride, c.padding,
                       std::vector<int64_t>{1, 1}, false, std::vector<int64_t>{0, 0}, c.groups});
    const std::vector<Unit> units = Plan(Op("aten::relu", {ValueRef{y}}));
    EXPECT_THAT(units, SizeIs(c.is_product ? 1 : 2));
    EXPECT_EQ(units[0].runs_as,
              c.is_product ? RunsAs::kProductConvolution : RunsAs::kPrimitiveConvolution);
  }
}

TEST_F(FusionTest, BatchNormWithGivenStatisticsStaysApart) {
  const auto x = Argument({1, 4, 8, 8});
  const auto y = Conv(x, Weight({4, 4, 3, 3}));
  const std::vector<Unit> units = Plan(BatchNorm(y, Argument({4}), Weight({4})));
  ASSERT_THAT(units, SizeIs(2));
  EXPECT_FALSE(units[0].batch_norm.has_value());
}

TEST_F(FusionTest, ZeroPaddingJoinsTheConvolution) {
  const auto x = Argument({1, 4, 8, 8});
  const auto p =
      Op("aten::constant_pad_nd", {ValueRef{x}, std::vector<int64_t>{0, 1, 0, 1}, int64_t{0}});
  const std::vector<Unit> units = Plan(Conv(p, Weight({4, 4, 3, 3})));
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_EQ(units[0].padding, ir::NodeId{0});
}

TEST_F(FusionTest, PaddingWithOnesStaysApart) {
  const auto x = Argument({1, 4, 8, 8});
  const auto p = Op("aten::constant_pad_nd", {ValueRef{x}, std::vector<int64_t>{0, 1, 0, 1}, 1.0});
  EXPECT_THAT(Plan(Conv(p, Weight({4, 4, 3, 3}))), SizeIs(2));
}

TEST_F(FusionTest, PointwiseNodesOfOneShapeAreOnePass) {
  const auto x = Argument({8, 16});
  const auto a = Op("aten::mul.Scalar", {ValueRef{x}, 0.5});
  const auto c = Op("aten::tanh", {ValueRef{x}});
  const std::vector<Unit> units = Plan(Op("aten::mul.Tensor", {ValueRef{a}, ValueRef{c}}));
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_THAT(units[0].nodes, ElementsAre(0, 1, 2));
}

TEST_F(FusionTest, TheReductionOfRowsJoinsTheElementwisePassBeforeIt) {
  struct Case {
    ir::Dims shape;
    std::vector<int64_t> dims;
    bool joins;
  };
  for (const Case& c : std::vector<Case>{{{8, 512}, {-1}, true},
                                         {{4, 8, 512}, {2}, true},
                                         {{4, 32, 16}, {1, 2}, true},
                                         {{8, 512}, {0}, false},  // columns
                                         {{4, 8, 512}, {0, 2}, false},
                                         {{512}, {0}, false},          // all
                                         {{8, 64}, {-1}, false},       // too short
                                         {{8, 4096}, {-1}, false}}) {  // leaves L1
    b_ = ir::GraphBuilder();
    const auto a = Op("aten::tanh", {ValueRef{Argument(c.shape)}});
    const std::vector<Unit> units =
        Plan(Op("aten::mean.dim", {ValueRef{a}, c.dims, false, None{}}));
    ASSERT_THAT(units, SizeIs(c.joins ? 1 : 2));
    EXPECT_EQ(units[0].anchor, c.joins ? 1 : 0);
  }
}

TEST_F(FusionTest, AReductionOfWhatOthersUseTooStandsAlone) {
  const auto a = Op("aten::tanh", {ValueRef{Argument({8, 512})}});
  b_.Result(a);
  const auto dims = std::vector<int64_t>{-1};
  EXPECT_THAT(Plan(Op("aten::mean.dim", {ValueRef{a}, dims, false, None{}})), SizeIs(2));
}

TEST_F(FusionTest, AnOutputInTheMiddleStaysAnOutput) {
  const auto x = Argument({8, 16});
  const auto a = Op("aten::relu", {ValueRef{x}});
  b_.Result(a);
  EXPECT_THAT(Plan(Op("aten::tanh", {ValueRef{a}})), SizeIs(2));
}

TEST_F(FusionTest, DeadNodesAreDropped) {
  const auto x = Argument({8, 16});
  Op("aten::exp", {ValueRef{x}});
  EXPECT_THAT(Plan(Op("aten::relu", {ValueRef{x}})), SizeIs(1));
}

TEST_F(FusionTest, OptionsTurnEachKindOff) {
  const auto x = Argument({8, 16});
  const auto y = Op("aten::linear", {ValueRef{x}, ValueRef{Weight({16, 16})}, None{}});
  const auto z = Op("aten::relu", {ValueRef{y}});
  const std::vector<Unit> units =
      Plan(Op("aten::exp", {ValueRef{z}}), {false, false, false, false});
  EXPECT_THAT(units, SizeIs(3));
}

TEST_F(FusionTest, AChainComesApartIntoItsAnchorAndItsPostOps) {
  const auto x = Argument({1, 8, 6, 6}), skip = Argument({1, 8, 6, 6});
  const auto y = BatchNorm(Conv(x, Weight({8, 8, 3, 3})), Weight({8}), Weight({8}));
  const auto sum = Op("aten::add.Tensor", {ValueRef{y}, ValueRef{skip}});
  const std::vector<Unit> units = Plan(Op("aten::relu", {ValueRef{sum}}));
  const auto chain = std::find_if(units.begin(), units.end(),
                                  [](const Unit& unit) { return !unit.post_ops.empty(); });
  ASSERT_NE(chain, units.end());
  const std::vector<Unit> parts = InParts(*chain);
  ASSERT_THAT(parts, SizeIs(1 + chain->post_ops.size()));
  EXPECT_EQ(parts[0].anchor, chain->anchor);
  EXPECT_EQ(parts[0].batch_norm, chain->batch_norm);
  EXPECT_THAT(parts[0].post_ops, IsEmpty());
  std::vector<ir::NodeId> nodes;
  for (const Unit& part : parts) nodes.insert(nodes.end(), part.nodes.begin(), part.nodes.end());
  EXPECT_EQ(nodes, chain->nodes);
  EXPECT_EQ(parts[1].kind, Unit::Kind::kNode);
}

TEST_F(FusionTest, AnElementwisePassComesApartIntoItsNodes) {
  const auto x = Argument({4, 8});
  const auto y = Op("aten::exp", {ValueRef{Op("aten::neg", {ValueRef{x}})}});
  const std::vector<Unit> units = Plan(Op("aten::mul.Tensor", {ValueRef{y}, ValueRef{x}}));
  ASSERT_THAT(units, SizeIs(1));
  const std::vector<Unit> parts = InParts(units[0]);
  ASSERT_THAT(parts, SizeIs(3));
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].kind, Unit::Kind::kNode);
    EXPECT_EQ(parts[i].nodes, std::vector<ir::NodeId>{units[0].nodes[i]});
    EXPECT_EQ(parts[i].anchor, units[0].nodes[i]);
  }
}

}  // namespace
}  // namespace ingot::onednn
