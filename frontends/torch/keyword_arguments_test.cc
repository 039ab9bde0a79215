#include "frontends/torch/keyword_arguments.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/script.h>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using c10::IValue;
using testing::HasSubstr;

torch::jit::Module Scaled() {
  torch::jit::Module module("scaled");
  module.define(
      "def forward(self, x, scale: float, shift: int = 7):\n    return x * scale + shift\n");
  return module;
}

TEST(ToPositionalTest, FillsInKeywordsAndDefaults) {
  const torch::jit::Module module = Scaled();
  const auto& schema = module.get_method("forward").function().getSchema();
  struct Case {
    std::vector<IValue> arguments;
    KeywordArguments keywords;
  };
  const Case cases[] = {{{1, 2.0}, {}},
                        {{1}, {{"scale", 2.0}}},
                        {{}, {{"scale", 2.0}, {"x", 1}}},
                        {{1, 2.0, 7}, {}},
                        {{1, 2.0}, {{"shift", 7}}}};
  for (const Case& c : cases) {
    const absl::StatusOr<std::vector<IValue>> all = ToPositional(schema, c.arguments, c.keywords);
    ASSERT_THAT(all, IsOk());
    ASSERT_EQ(all->size(), 3u);
    EXPECT_EQ((*all)[0].toInt(), 1);
    EXPECT_EQ((*all)[1].toDouble(), 2.0);
    EXPECT_EQ((*all)[2].toInt(), 7);
  }
}

TEST(ToPositionalTest, RefusesByName) {
  const torch::jit::Module module = Scaled();
  const auto& schema = module.get_method("forward").function().getSchema();
  struct Case {
    std::vector<IValue> arguments;
    KeywordArguments keywords;
    const char* message;
  };
  const Case cases[] = {
      {{1}, {}, "forward(x, scale, shift) lacks the argument 'scale'"},
      {{1, 2.0}, {{"scale", 2.0}}, "is given 'scale' twice"},
      {{1, 2.0}, {{"sclae", 2.0}}, "has no argument 'sclae'"},
      {{1, 2.0, 3, 4}, {}, "takes 3 arguments, not 4"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ToPositional(schema, c.arguments, c.keywords),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace ingot
