#include "core/ir/structure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ingot::ir {
namespace {

Structure Number(Structure::Kind kind, Structure::Number number, int32_t slot = -1) {
  Structure s;
  s.kind = kind;
  s.number = number;
  s.slot = slot;
  return s;
}

TEST(StructureTest, PrintsNestedResults) {
  Structure dict;
  dict.kind = Structure::Kind::kDict;
  dict.keys = {"a", "b\"c"};
  dict.children = {Number(Structure::Kind::kInt, int64_t{3}), Structure()};
  Structure list;
  list.kind = Structure::Kind::kList;
  list.children = {Structure::Tensor(1), Structure::Tensor(0)};
  EXPECT_EQ(ToString(Structure::Tuple({Structure::Tensor(0), list, dict})),
            R"((T0, [T1, T0], {"a": 3, "b\"c": None}))");
}

TEST(StructureTest, PrintsLeaves) {
  EXPECT_EQ(ToString(Structure()), "None");
  EXPECT_EQ(ToString(Structure::Tuple({Structure::Tensor(7)})), "(T7,)");
  EXPECT_EQ(ToString(Structure::Tuple({})), "()");
  EXPECT_EQ(ToString(Number(Structure::Kind::kBool, true)), "true");
  EXPECT_EQ(ToString(Number(Structure::Kind::kFloat, 2.0)), "2.0");
  EXPECT_EQ(ToString(Number(Structure::Kind::kInt, int64_t{0}, 4)), "int S4");
  EXPECT_EQ(ToString(Number(Structure::Kind::kFloat, 0.0, 0)), "float S0");
}

TEST(StructureTest, NumbersAreEqualByTypeAndBitsAndAllNansAreOne) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto real = [](double number) { return Number(Structure::Kind::kFloat, number); };
  EXPECT_EQ(real(1.5), real(1.5));
  EXPECT_EQ(real(nan), real(-nan));
  EXPECT_EQ(real(nan), real(std::nan("7")));
  EXPECT_NE(real(0.0), real(-0.0));
  EXPECT_NE(real(nan), real(0.0));
  EXPECT_NE(Number(Structure::Kind::kInt, int64_t{1}), real(1.0));
  EXPECT_FALSE(SameNumber(int64_t{1}, true));
  EXPECT_EQ(Structure::Tuple({real(nan)}), Structure::Tuple({real(nan)}));
}

}  // namespace
}  // namespace ingot::ir
