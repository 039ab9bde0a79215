#include "frontends/pt2/pytree.h"

#include <string>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::pt2 {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr char kLeaf[] = R"({"type": null, "context": null, "children_spec": []})";

std::string Node(const std::string& type, const std::string& context, const std::string& children) {
  return R"({"type": ")" + type + R"(", "context": )" + context + R"(, "children_spec": [)" +
         children + "]}";
}
std::string Spec(const std::string& node) { return "[1, " + node + "]"; }

TEST(PytreeTest, PutsLeavesInTheirPlaces) {
  const std::string leaf = kLeaf;
  const auto spec =
      ParseTreeSpec(Spec(Node("builtins.dict", R"("[\"a\", \"b\"]")",
                              leaf + "," +
                                  Node("collections.namedtuple", R"("\"p.Q\"")",
                                       leaf + "," + Node("builtins.list", "\"null\"", leaf)))));
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->CountLeaves(), 3u);
  const auto structure =
      ToStructure(*spec, {ir::Structure::Tensor(0), ir::Structure(), ir::Structure::Tensor(1)});
  ASSERT_THAT(structure, IsOk());
  EXPECT_EQ(ir::ToString(*structure), R"({"a": T0, "b": (None, [T1])})");
  EXPECT_THAT(ToStructure(*spec, {}), StatusIs(Code::kInvalidArgument, HasSubstr("3 leaves")));
}

TEST(PytreeTest, KeywordArgumentsFollowThePositionalOnes) {
  const auto spec = ParseTreeSpec(Spec(Node("builtins.tuple", "\"null\"",
                                            Node("builtins.tuple", "\"null\"", kLeaf) + "," +
                                                Node("builtins.dict", R"("[\"scale\"]")", kLeaf))));
  ASSERT_THAT(spec, IsOk());
  const auto arguments = ToArguments(*spec, {ir::Structure::Tensor(0), ir::Structure::Tensor(1)});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_EQ(ir::ToString(*arguments), "(T0, T1)");
}

TEST(PytreeTest, RefusesWhatItCannotRebuild) {
  EXPECT_THAT(ParseTreeSpec(Spec(Node("my.Class", "null", kLeaf))),
              StatusIs(Code::kUnimplemented, HasSubstr("my.Class")));
  EXPECT_FALSE(ParseTreeSpec("[2, {}]").ok());
  EXPECT_FALSE(ParseTreeSpec("{}").ok());
  EXPECT_FALSE(ParseTreeSpec(Spec(Node("builtins.dict", R"("[]")", kLeaf))).ok());
  std::string deep = kLeaf;
  for (int i = 0; i < 60; ++i) deep = Node("builtins.list", "\"null\"", deep);
  EXPECT_FALSE(ParseTreeSpec(Spec(deep + deep)).ok());
}

}  // namespace
}  // namespace ingot::pt2
