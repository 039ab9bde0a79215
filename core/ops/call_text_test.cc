#include "core/ops/call_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"

namespace ingot::ops {
namespace {

using absl::StatusCode;
using ir::DType;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseCallTest, ReadsOperandsAndHints) {
  const auto call = ParseCall("aten::addcmul", "f32[2,3] ; f64[]:special ; i32[0] ; 2.5");
  ASSERT_THAT(call, IsOk());
  EXPECT_THAT(call->operands,
              ElementsAre(ir::TensorType{DType::kFloat32, {2, 3}},
                          ir::TensorType{DType::kFloat64, {}}, ir::TensorType{DType::kInt32, {0}}));
  EXPECT_THAT(call->hints, ElementsAre("", "special", ""));
  EXPECT_THAT(call->positions, ElementsAre(0, 1, 2));
  EXPECT_EQ(call->args[3], ir::Argument(2.5));
}

TEST(ParseCallTest, ReadsListsAndFillsDefaults) {
  const auto call = ParseCall("aten::index.Tensor", "f32[4,4] ; [None i64[2]]");
  ASSERT_THAT(call, IsOk());
  EXPECT_EQ(call->args[1], ir::Argument(ir::ValueRefList{{ir::kNoValue, 1}}));
  const auto sum = ParseCall("aten::sum.dim_IntList", "f32[4,4] ; [0 -1]");
  ASSERT_THAT(sum, IsOk());
  EXPECT_THAT(sum->args,
              ElementsAre(ir::Argument(ir::ValueRef{0}), ir::Argument(std::vector<int64_t>{0, -1}),
                          ir::Argument(false), ir::Argument(ir::None{})));
}

TEST(ParseCallTest, RandomOpsGetASeed) {
  const auto call = ParseCall("aten::rand", "[2 3]");
  ASSERT_THAT(call, IsOk());
  EXPECT_THAT(call->operands, ElementsAre(ir::TensorType{DType::kInt64, {}}));
  EXPECT_THAT(call->Infer(), IsOkAndHolds(ElementsAre(ir::TensorType{DType::kFloat32, {2, 3}})));
}

TEST(ParseCallTest, RefusesWhatDoesNotFit) {
  for (const char* args : {"f33[2]", "f32(2)", "f32[x]", "f32[2] ; f32[2]", "[2"}) {
    EXPECT_THAT(ParseCall("aten::neg", args), StatusIs(StatusCode::kInvalidArgument)) << args;
  }
  EXPECT_THAT(ParseCall("aten::nope", ""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("aten::nope")));
}

}  // namespace
}  // namespace ingot::ops
