// What ops become, and the sizes that come out. Values: //tools/opinfo:composites_test, against
// LibTorch.
#include "frontends/pt2/rewrites.h"

#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;
using Ints = std::vector<int64_t>;

class RewritesTest : public testing::Test {
 protected:
  TensorId Input(ir::Dims dims, ir::DType dtype = ir::DType::kFloat32) {
    const ir::TensorType type{dtype, std::move(dims)};
    const ir::ValueId value = emitter_.AddInput(ir::InputRole::kArgument, inputs_++, type);
    return emitter_.memory().AddValue(Layout::RowMajor(type), value);
  }
  // The first result's sizes; none for an error.
  ir::Dims SizesAfter(const std::string& op, Operands args) {
    const auto results = emitter_.Apply(op, std::move(args));
    EXPECT_THAT(results, IsOk()) << op;
    if (!results.ok()) return {-1};
    EXPECT_THAT(emitter_.memory().Read((*results)[0]), IsOk());
    return emitter_.type((*results)[0]).dims;
  }
  std::vector<std::string> Ops() {
    std::vector<std::string> ops;
    for (const ir::Node& node : emitter_.graph().nodes()) ops.push_back(node.op);
    return ops;
  }

  Emitter emitter_{"test"};
  uint32_t inputs_ = 0;
};

TEST_F(RewritesTest, NoDifferencesAreACopyOfTheTensorAlone) {
  const TensorId x = Input({3, 4}), y = Input({3, 1});
  EXPECT_EQ(SizesAfter("aten::diff", {T(x), int64_t{0}, int64_t{1}, T(y), T(y)}), (ir::Dims{3, 4}));
  EXPECT_THAT(Ops(), Not(Contains("aten::cat")));
}

TEST_F(RewritesTest, StridesReachAsFarAsTheMemory) {
  const TensorId x = Input({4, 6});
  EXPECT_EQ(SizesAfter("aten::as_strided", {T(x), Ints{5, 3}, Ints{4, 2}, int64_t{3}}),
            (ir::Dims{5, 3}));
  for (const Ints& strides : {Ints{5, 2}, Ints{-1, 2}, Ints{int64_t{1} << 62, 2}, Ints{4}}) {
    EXPECT_THAT(emitter_.Apply("aten::as_strided", {T(x), Ints{5, 3}, strides, int64_t{3}}),
                StatusIs(Code::kInvalidArgument));
  }
  EXPECT_THAT(emitter_.Apply("aten::as_strided", {T(x), Ints{int64_t{1} << 40, int64_t{1} << 40},
                                                  Ints{0, 0}, int64_t{0}}),
              StatusIs(Code::kInvalidArgument));
}

TEST_F(RewritesTest, FillsWriteElementsThatShareAPlace) {
  const TensorId x = Input({1, 3});
  const auto rows = emitter_.Apply("aten::expand", {T(x), Ints{4, 3}, false});
  ASSERT_THAT(rows, IsOk());
  EXPECT_THAT(emitter_.Apply("aten::fill_.Scalar", {T((*rows)[0]), 1.0}), IsOk());
  EXPECT_THAT(emitter_.Apply("aten::zero_", {T((*rows)[0])}), IsOk());
  EXPECT_TRUE(emitter_.memory().WasWritten(x));
  EXPECT_THAT(emitter_.Apply("aten::add_.Tensor", {T((*rows)[0]), T((*rows)[0])}),
              StatusIs(Code::kInvalidArgument));
}

TEST_F(RewritesTest, EachDimensionHasAGradient) {
  const TensorId x = Input({3, 4});
  const auto results =
      emitter_.Apply("aten::gradient.scalarint", {T(x), ir::None{}, ir::None{}, int64_t{2}});
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(results->size(), 2u);
}

TEST_F(RewritesTest, EquationsWithDotsAndDiagonals) {
  const TensorId x = Input({2, 5, 3, 4}), y = Input({5, 4, 3}), z = Input({3, 5, 3});
  EXPECT_EQ(SizesAfter("aten::einsum",
                       {std::string("...ij,...jk->...ik"), TensorListOperand{{x, y}}, ir::None{}}),
            (ir::Dims{2, 5, 3, 3}));
  EXPECT_EQ(SizesAfter("aten::einsum", {std::string("iji->j"), TensorListOperand{{z}}, ir::None{}}),
            (ir::Dims{5}));
  EXPECT_EQ(
      SizesAfter("aten::einsum", {std::string("i...->..."), TensorListOperand{{z}}, ir::None{}}),
      (ir::Dims{5, 3}));
  EXPECT_THAT(Ops(), Not(Contains("aten::einsum")));
}

TEST_F(RewritesTest, ProductsOverASizeOfOne) {
  const TensorId x = Input({1, 1, 1}), y = Input({2, 1, 2});
  EXPECT_EQ(SizesAfter("aten::tensordot", {T(x), T(y), Ints{0, 1}, Ints{2, 0}}), (ir::Dims{1, 1}));
  EXPECT_THAT(Ops(), Not(Contains("aten::tensordot")));
}

TEST_F(RewritesTest, BilinearOfWholeNumbersKeepsTheirType) {
  const ir::DType u8 = ir::DType::kUInt8;
  const TensorId x = Input({2, 3}, u8), y = Input({2, 4}, u8), w = Input({5, 3, 4}, u8);
  const auto results = emitter_.Apply("aten::bilinear", {T(x), T(y), T(w), ir::None{}});
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(emitter_.type((*results)[0]), (ir::TensorType{u8, {2, 5}}));
}

TEST_F(RewritesTest, SumsToNoSizesAreSums) {
  const TensorId x = Input({}, ir::DType::kInt32);
  const auto results = emitter_.Apply("aten::sum_to_size", {T(x), Ints{}});
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(emitter_.type((*results)[0]), (ir::TensorType{ir::DType::kInt64, {}}));
}

TEST_F(RewritesTest, PlacesAlongADimensionCountFromTheEnd) {
  const TensorId x = Input({5, 5}), places = Input({5, 5}, ir::DType::kInt64);
  EXPECT_EQ(SizesAfter("aten::take_along_dim", {T(x), T(places), int64_t{1}}), (ir::Dims{5, 5}));
  EXPECT_THAT(Ops(), ElementsAre("aten::remainder.Scalar", "aten::gather"));
}

TEST_F(RewritesTest, PartsOfUnequalSize) {
  const TensorId x = Input({2, 7});
  const auto parts = emitter_.Apply("aten::tensor_split.sections", {T(x), int64_t{3}, int64_t{1}});
  ASSERT_THAT(parts, IsOk());
  std::vector<int64_t> sizes;
  for (const TensorId part : *parts) sizes.push_back(emitter_.type(part).dims[1]);
  EXPECT_THAT(sizes, ElementsAre(3, 2, 2));
}

TEST_F(RewritesTest, PowersOfANumber) {
  EXPECT_EQ(SizesAfter("aten::linalg_vander", {T(Input({})), int64_t{3}}), (ir::Dims{1, 3}));
}

TEST_F(RewritesTest, CircularPaddingRepeatsAtMostTheWhole) {
  const TensorId x = Input({1, 1, 4, 5});
  EXPECT_EQ(SizesAfter("aten::pad", {T(x), Ints{2, 5, -1, 1}, std::string("circular")}),
            (ir::Dims{1, 1, 4, 12}));
  EXPECT_THAT(emitter_.Apply("aten::pad", {T(x), Ints{6, 0}, std::string("circular")}),
              StatusIs(Code::kInvalidArgument));
}

TEST_F(RewritesTest, CrossEntropyOfAnyRankAndTarget) {
  const TensorId numbers = Input({2, 6, 7}, ir::DType::kInt64);
  const auto loss = [&](TensorId x, TensorId target, int64_t reduction, double smoothing) {
    return SizesAfter("aten::cross_entropy_loss",
                      {T(x), T(target), ir::None{}, reduction, int64_t{-100}, smoothing});
  };
  EXPECT_EQ(loss(Input({2, 5, 6, 7}), numbers, 0, 0.1), (ir::Dims{2, 6, 7}));
  EXPECT_EQ(loss(Input({2, 5, 6}), Input({2, 6}, ir::DType::kInt64), 0, 0), (ir::Dims{2, 6}));
  EXPECT_EQ(loss(Input({5}), Input({}, ir::DType::kInt64), 1, 0), (ir::Dims{}));
  EXPECT_EQ(loss(Input({2, 5}), Input({2, 5}), 0, 0.2), (ir::Dims{2}));
  EXPECT_THAT(Ops(), Not(Contains("aten::cross_entropy_loss")));
}

TEST_F(RewritesTest, PuttingUnderAMaskIsLeftToLibTorch) {
  const TensorId x = Input({4, 3}), mask = Input({4}, ir::DType::kBool), values = Input({2, 3});
  EXPECT_EQ(SizesAfter("aten::index_put", {T(x), TensorListOperand{{mask}}, T(values), false}),
            (ir::Dims{4, 3}));
  EXPECT_THAT(Ops(), ElementsAre("aten::index_put:opaque"));
  EXPECT_THAT(emitter_.Apply("aten::index.Tensor", {T(x), TensorListOperand{{mask}}}),
              StatusIs(Code::kFailedPrecondition));
}

TEST_F(RewritesTest, NormsOfComplexMatricesStay) {
  const TensorId x = Input({3, 3}, ir::DType::kComplex64);
  emitter_.set_expected({Layout::RowMajor({ir::DType::kFloat32, {}})});
  ASSERT_THAT(emitter_.Apply("aten::linalg_norm", {T(x), 1.0}), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::linalg_matrix_norm"));
}

TEST_F(RewritesTest, AdjointsOfComplexMatricesAreConjugated) {
  const TensorId x = Input({2, 3}, ir::DType::kComplex64);
  emitter_.set_expected({Layout::RowMajor({ir::DType::kComplex64, {3, 2}})});
  ASSERT_THAT(emitter_.Apply("aten::mT", {T(x)}), IsOk());
  EXPECT_THAT(Ops(), Not(Contains("aten::conj_physical")));
  ASSERT_THAT(emitter_.Apply("aten::mH", {T(x)}), IsOk());
  EXPECT_THAT(Ops(), Contains("aten::conj_physical"));
}

TEST_F(RewritesTest, WhatTheVocabularyDoesNotTakeStaysOneNode) {
  const TensorId x = Input({3}, ir::DType::kComplex64);
  emitter_.set_expected({Layout::RowMajor({ir::DType::kComplex64, {3}})});
  ASSERT_THAT(emitter_.Apply("aten::sqrt", {T(x)}), IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::sqrt:opaque"));
  // A rewrite whose parts are not in the vocabulary: the op that was rewritten.
  emitter_.set_expected({Layout::RowMajor({ir::DType::kFloat32, {}})});
  ASSERT_THAT(emitter_.Apply("aten::dist", {T(x), T(x), 2.0}), IsOk());
  EXPECT_EQ(Ops().back(), "aten::dist");
}

TEST_F(RewritesTest, WhatReachesOutsideOfItsArgumentsIsRefused) {
  const TensorId x = Input({4});
  const auto refused = [&](const std::string& op, Operands args, const char* why) {
    emitter_.set_expected({Layout::RowMajor({ir::DType::kUInt8, {4}})});
    EXPECT_THAT(emitter_.Apply(op, std::move(args)),
                StatusIs(Code::kPermissionDenied, HasSubstr(why)))
        << op;
  };
  refused("aten::from_file",
          {std::string("/etc/passwd"), false, int64_t{1000}, ir::DType::kUInt8, ir::None{},
           ir::None{}, ir::None{}},
          "aten::from_file: a graph may not name it: it opens a file");
  refused("aten::_reshape_alias", {T(x), Ints{1 << 20}, Ints{1}}, "believes the sizes");
  refused("aten::resize_", {T(x), Ints{1 << 20}}, "believes the sizes");
  refused("aten::segment_reduce",
          {T(x), std::string("sum"), T(x), ir::None{}, ir::None{}, int64_t{0}, true},
          "switch its checks off");
  EXPECT_THAT(Ops(), ElementsAre());
}

TEST_F(RewritesTest, WhatMayDrawRandomNumbersIsRefusedOutsideTheVocabulary) {
  const TensorId x = Input({1, 2, 4, 8});
  emitter_.set_expected({Layout::RowMajor({ir::DType::kFloat32, {1, 2, 4, 8}})});
  EXPECT_THAT(emitter_.Apply("aten::scaled_dot_product_attention",
                             {T(x), T(x), T(x), ir::None{}, 0.5, false, ir::None{}, false}),
              StatusIs(Code::kUnimplemented));
  EXPECT_THAT(Ops(), Not(Contains("aten::scaled_dot_product_attention:opaque")));
}

TEST_F(RewritesTest, OverloadsOfAbsentTolerances) {
  const TensorId x = Input({3, 3});
  emitter_.set_expected({Layout::RowMajor({ir::DType::kFloat32, {3, 3}})});
  ASSERT_THAT(
      emitter_.Apply("aten::linalg_pinv.atol_rtol_tensor", {T(x), ir::None{}, ir::None{}, false}),
      IsOk());
  EXPECT_THAT(Ops(), ElementsAre("aten::linalg_pinv.atol_rtol_float"));
}

TEST_F(RewritesTest, GridsOfTwoAndThreeDimensions) {
  for (const bool align_corners : {false, true}) {
    EXPECT_EQ(SizesAfter("aten::affine_grid_generator",
                         {T(Input({2, 2, 3})), Ints{2, 5, 4, 1}, align_corners}),
              (ir::Dims{2, 4, 1, 2}));
    EXPECT_EQ(SizesAfter("aten::affine_grid_generator",
                         {T(Input({2, 3, 4})), Ints{2, 5, 4, 6, 7}, align_corners}),
              (ir::Dims{2, 4, 6, 7, 3}));
  }
  EXPECT_THAT(Ops(), Not(Contains("aten::affine_grid_generator")));
}

TEST_F(RewritesTest, PlainRecurrentLayersGoStepByStep) {
  const int64_t batch = 3, steps = 4, features = 5, hidden = 2;
  TensorListOperand params;
  for (const int64_t inputs : {features, features, 2 * hidden, 2 * hidden}) {
    for (const ir::Dims& dims :
         {ir::Dims{hidden, inputs}, ir::Dims{hidden, hidden}, ir::Dims{hidden}, ir::Dims{hidden}})
      params.ids.push_back(Input(dims));
  }
  const auto run = [&](double dropout) {
    return emitter_.Apply("aten::rnn_relu.input",
                          {T(Input({batch, steps, features})), T(Input({4, batch, hidden})), params,
                           true, int64_t{2}, dropout, true, true, true});
  };
  const auto results = run(0);
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(emitter_.type((*results)[0]).dims, (ir::Dims{batch, steps, 2 * hidden}));
  EXPECT_EQ(emitter_.type((*results)[1]).dims, (ir::Dims{4, batch, hidden}));
  EXPECT_THAT(Ops(), Contains("aten::relu").Times(2 * 2 * steps));
}

TEST_F(RewritesTest, LeakyUnlessInTraining) {
  const TensorId x = Input({3});
  EXPECT_EQ(SizesAfter("aten::rrelu", {T(x), 0.1, 0.3, false}), (ir::Dims{3}));
  EXPECT_THAT(Ops(), ElementsAre("aten::leaky_relu"));
}

TEST_F(RewritesTest, RunningStatisticsOfHalvesMoveInFloat32) {
  for (const auto& [dtype, casts] : {std::pair{ir::DType::kFloat32, 0}, {ir::DType::kFloat16, 5}}) {
    const TensorId x = Input({4, 2, 3}, dtype), mean = Input({2}, dtype), var = Input({2}, dtype);
    EXPECT_EQ(SizesAfter("aten::batch_norm",
                         {T(x), ir::None{}, ir::None{}, T(mean), T(var), true, 0.1, 1e-5, true}),
              (ir::Dims{4, 2, 3}));
    EXPECT_EQ(emitter_.type(mean).dtype, dtype);
    EXPECT_THAT(Ops(), Contains("aten::_to_copy").Times(casts));
  }
}

TEST_F(RewritesTest, TransposedConvolutionsOfComplexNumbersStayWhole) {
  for (const ir::DType dtype : {ir::DType::kFloat32, ir::DType::kComplex64}) {
    const TensorId x = Input({1, 2, 5}, dtype), w = Input({2, 3, 3}, dtype);
    emitter_.set_expected({Layout::RowMajor({dtype, {1, 3, 7}})});
    EXPECT_EQ(SizesAfter("aten::conv_transpose1d",
                         {T(x), T(w), ir::None{}, Ints{1}, Ints{0}, Ints{0}, int64_t{1}, Ints{1}}),
              (ir::Dims{1, 3, 7}));
  }
  EXPECT_THAT(Ops(), ElementsAre("aten::convolution", "aten::conv_transpose1d"));
}

TEST_F(RewritesTest, SpacedNumbersAreAConstant) {
  emitter_.set_expected({Layout::RowMajor({ir::DType::kFloat32, {5}})});
  const auto line = emitter_.Apply("aten::linspace", {-1.0, int64_t{1}, int64_t{5}});
  ASSERT_THAT(line, IsOk());
  EXPECT_THAT(emitter_.memory().Read((*line)[0]), IsOk());
  EXPECT_THAT(Ops(), ElementsAre());
}

}  // namespace
}  // namespace ingot::pt2
