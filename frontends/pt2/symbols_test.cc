#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "frontends/pt2/sym_expr.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(SymExprTest, EvaluatesWhatSympyWrites) {
  const SymBindings bindings = {{"s0", 7}, {"s17", 4}};
  const std::vector<std::pair<const char*, int64_t>> cases = {
      {"Integer(-3)", -3},
      {"12", 12},
      {"Symbol('s0', positive=True, integer=True)", 7},
      {"Mul(Integer(2), Symbol('s17', positive=True, integer=True))", 8},
      {"Add(Symbol('s17', positive=True, integer=True), Integer(-1))", 3},
      {"FloorDiv(Symbol('s0', integer=True), Integer(2))", 3},
      {"FloorDiv(Mul(Integer(-1), Symbol('s0', integer=True)), Integer(2))", -4},
      {"Mod(Symbol('s0'), Integer(4))", 3},
      {"PythonMod(Integer(-7), Integer(4))", 1},
      {"Max(Integer(1), Symbol('s17'), Integer(3))", 4},
      {"Mul(Rational(1, 2), Symbol('s17'))", 2},
      {"Pow(Symbol('s17'), Integer(3))", 64},
      {"ceiling(Mul(Rational(1, 2), Symbol('s0')))", 4},
  };
  for (const auto& [text, value] : cases) {
    EXPECT_THAT(EvaluateSize(text, bindings), IsOkAndHolds(value)) << text;
  }
}

TEST(SymExprTest, RefusesByReason) {
  EXPECT_THAT(EvaluateSize("Symbol('u0', integer=True)", {}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("data-dependent: the size u0")));
  EXPECT_THAT(EvaluateSize("Piecewise(1)", {}),
              StatusIs(Code::kUnimplemented, HasSubstr("Piecewise")));
  EXPECT_THAT(EvaluateSize("Rational(1, 2)", {}),
              StatusIs(Code::kInvalidArgument, HasSubstr("1/2")));
  EXPECT_THAT(EvaluateSize("Mul(Integer(9223372036854775807), Integer(4))", {}),
              StatusIs(Code::kInvalidArgument, HasSubstr("64 bits")));
  for (const char* text : {"", "Add(", "Add(1,)", "Integer(x)", "1 2", "FloorDiv(1, 0)", "Add()",
                           "Symbol(s0)", "Symbol('s0'", "__import__('os')"}) {
    EXPECT_FALSE(EvaluateSize(text, {{"s0", 1}}).ok()) << text;
  }
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "Add(";
  EXPECT_FALSE(EvaluateSize(deep, {}).ok());
}

TEST(SymExprTest, KnowsALoneSymbol) {
  EXPECT_EQ(SymbolName("Symbol('s17', positive=True, integer=True)"), "s17");
  EXPECT_EQ(SymbolName("Mul(Integer(2), Symbol('s17'))"), std::nullopt);
}

}  // namespace
}  // namespace ingot::pt2
