#include "core/ops/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>

#include "core/base/status_matchers.h"

namespace ingot::ops {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

Schema Parsed(absl::string_view text) {
  absl::StatusOr<Schema> schema = ParseSchema(text);
  EXPECT_THAT(schema, IsOk()) << text;
  return schema.ok() ? *schema : Schema();
}

TEST(ParseSchemaTest, ReadsNamesKindsAndDefaults) {
  const Schema schema = Parsed(
      "aten::gelu.x(Tensor self, Scalar a=1, *, str approximate=\"none\", float? p=1.5e-05) -> "
      "Tensor");
  EXPECT_EQ(schema.op, "aten::gelu.x");
  ASSERT_EQ(schema.args.size(), 4u);
  EXPECT_EQ(schema.args[0].kind, ArgKind::kTensor);
  EXPECT_EQ(schema.args[0].default_value, std::nullopt);
  EXPECT_EQ(schema.args[1].default_value, ir::Argument(int64_t{1}));
  EXPECT_EQ(schema.args[2].default_value, ir::Argument(std::string("none")));
  EXPECT_TRUE(schema.args[3].optional);
  EXPECT_EQ(schema.args[3].default_value, ir::Argument(1.5e-05));
  EXPECT_EQ(schema.Find("approximate"), 2);
  EXPECT_EQ(schema.Find("tensor"), -1);
}

TEST(ParseSchemaTest, TellsEveryTypeApart) {
  const struct {
    const char* type;
    ArgKind kind;
    bool optional;
  } kCases[] = {
      {"Tensor", ArgKind::kTensor, false},
      {"Tensor?", ArgKind::kTensor, true},
      {"Tensor(a)", ArgKind::kTensor, false},
      {"Tensor(a!)", ArgKind::kTensor, false},
      {"Tensor(a -> *)", ArgKind::kTensor, false},
      {"Tensor[]", ArgKind::kTensorList, false},
      {"Tensor(a!)[]", ArgKind::kTensorList, false},
      {"Tensor?[]", ArgKind::kTensorList, false},
      {"Scalar", ArgKind::kScalar, false},
      {"Scalar?", ArgKind::kScalar, true},
      {"bool", ArgKind::kBool, false},
      {"bool[3]", ArgKind::kBoolList, false},
      {"int", ArgKind::kInt, false},
      {"SymInt?", ArgKind::kInt, true},
      {"MemoryFormat?", ArgKind::kInt, true},
      {"int[]", ArgKind::kIntList, false},
      {"SymInt[2]", ArgKind::kIntList, false},
      {"int[1]?", ArgKind::kIntList, true},
      {"float", ArgKind::kFloat, false},
      {"float[]?", ArgKind::kFloatList, true},
      {"str?", ArgKind::kString, true},
      {"ScalarType?", ArgKind::kDType, true},
      {"Device?", ArgKind::kIgnored, true},
      {"Generator?", ArgKind::kIgnored, true},
  };
  for (const auto& c : kCases) {
    const Schema schema = Parsed(std::string("aten::f(") + c.type + " x) -> Tensor");
    ASSERT_EQ(schema.args.size(), 1u) << c.type;
    EXPECT_EQ(schema.args[0].kind, c.kind) << c.type;
    EXPECT_EQ(schema.args[0].optional, c.optional) << c.type;
    EXPECT_EQ(schema.args[0].optional_elements, std::string(c.type) == "Tensor?[]") << c.type;
  }
}

TEST(ParseSchemaTest, FixedSizeListsRepeatALoneDefault) {
  const Schema schema =
      Parsed("aten::f(int[2] a=0, int[1] b=[7], int[] c=[], int[2] d=[1, 2]) -> Tensor");
  using Ints = std::vector<int64_t>;
  EXPECT_EQ(schema.args[0].default_value, ir::Argument(Ints{0, 0}));
  EXPECT_EQ(schema.args[1].default_value, ir::Argument(Ints{7}));
  EXPECT_EQ(schema.args[2].default_value, ir::Argument(Ints{}));
  EXPECT_EQ(schema.args[3].default_value, ir::Argument(Ints{1, 2}));
}

TEST(ParseSchemaTest, CountsReturns) {
  EXPECT_EQ(Parsed("aten::f() -> Tensor").num_returns, 1);
  EXPECT_EQ(Parsed("aten::f() -> (Tensor values, Tensor indices)").num_returns, 2);
  EXPECT_EQ(Parsed("aten::f() -> (Tensor, Tensor, Tensor)").num_returns, 3);
  EXPECT_FALSE(Parsed("aten::f() -> Tensor").list_return);
  EXPECT_TRUE(Parsed("aten::split.Tensor(Tensor(a -> *) self) -> Tensor(a)[]").list_return);
}

TEST(ParseSchemaTest, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "aten::f", "f(Tensor x) -> Tensor", "aten::f(Tensor) -> Tensor",
                           "aten::f(Quux x) -> Tensor", "aten::f(int x=y) -> Tensor",
                           "aten::f(Tensor x) -> int", "aten::f(int x, int x) -> Tensor",
                           "aten::f(int[] x=[1, a]) -> Tensor", "aten::f(Tensor[ x) -> Tensor"}) {
    EXPECT_THAT(ParseSchema(text), StatusIs(StatusCode::kInvalidArgument, HasSubstr("schema")))
        << text;
  }
}

class ArgumentsTest : public testing::Test {
 protected:
  const Schema schema_ = Parsed(
      "aten::f(Tensor self, Scalar s, Tensor?[] list, int[1]? dim=None, *, ScalarType? dtype=None, "
      "Device? device=None) -> Tensor");
  const std::vector<ir::Argument> good_ = {
      ir::ValueRef{0},     2.5,       ir::ValueRefList{{ir::kNoValue, 1}}, ir::None{},
      ir::DType::kFloat32, ir::None{}};
};

TEST_F(ArgumentsTest, AcceptsArgumentsOfTheirKinds) {
  EXPECT_THAT(CheckArguments(schema_, good_), IsOk());
  for (ir::Argument scalar :
       {ir::Argument(true), ir::Argument(int64_t{1}), ir::Argument(std::complex<double>(0, 1)),
        ir::Argument(ir::ValueRef{3})}) {
    std::vector<ir::Argument> args = good_;
    args[1] = scalar;
    EXPECT_THAT(CheckArguments(schema_, args), IsOk());
  }
}

TEST_F(ArgumentsTest, NamesTheArgumentOfTheWrongKind) {
  const struct {
    int position;
    ir::Argument value;
    const char* name;
  } kCases[] = {
      {0, ir::None{}, "self"},  {0, int64_t{1}, "self"},        {0, ir::ValueRef{}, "self"},
      {1, ir::None{}, "\"s\""}, {1, std::string("x"), "\"s\""}, {2, ir::ValueRef{0}, "list"},
      {3, int64_t{1}, "dim"},   {4, int64_t{6}, "dtype"},       {5, int64_t{0}, "device"}};
  for (const auto& c : kCases) {
    std::vector<ir::Argument> args = good_;
    args[c.position] = c.value;
    EXPECT_THAT(CheckArguments(schema_, args),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.name)));
  }
}

TEST_F(ArgumentsTest, OnlyOptionalElementsMayBeAbsent) {
  const Schema schema = Parsed("aten::cat(Tensor[] tensors) -> Tensor");
  EXPECT_THAT(CheckArguments(schema, {ir::ValueRefList{{0, 1}}}), IsOk());
  EXPECT_THAT(CheckArguments(schema, {ir::ValueRefList{{0, ir::kNoValue}}}),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(ArgumentsTest, CountsArgumentsAndTheSeed) {
  std::vector<ir::Argument> args = good_;
  EXPECT_THAT(CheckArguments(schema_, args, 1), StatusIs(StatusCode::kInvalidArgument));
  args.push_back(ir::ValueRef{9});
  EXPECT_THAT(CheckArguments(schema_, args, 1), IsOk());
  EXPECT_THAT(CheckArguments(schema_, args), StatusIs(StatusCode::kInvalidArgument));
  args.back() = int64_t{3};
  EXPECT_THAT(CheckArguments(schema_, args, 1),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("seed")));
}

TEST_F(ArgumentsTest, DefaultsFillTheTail) {
  std::vector<ir::Argument> args(good_.begin(), good_.begin() + 3);
  ASSERT_THAT(FillDefaults(schema_, args), IsOk());
  EXPECT_THAT(args, ElementsAre(good_[0], good_[1], good_[2], ir::Argument(ir::None{}),
                                ir::Argument(ir::None{}), ir::Argument(ir::None{})));
  args.resize(2);
  EXPECT_THAT(FillDefaults(schema_, args),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("list")));
}

}  // namespace
}  // namespace ingot::ops
