#include "frontends/archive/script_source.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::archive {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

std::string Repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(ScriptSourceTest, TakesWhatLibTorchWrites) {
  const std::string source = R"(class Sub(Module):
  __parameters__ = ["weight", ]
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.m.Sub,
    a: Tensor) -> Tensor:
    # "quoted in a comment (
    if torch.gt(a, 0):
      b = torch.add(a, -1., alpha=1)
    else:
      b = annotate(List[Optional[Tensor]], [a, None])
    save = uninitialized(str)
    return (self.save_all).forward(b, "a \"(((\" b", )
)";
  EXPECT_THAT(CheckScriptSource(source), IsOk());
  EXPECT_THAT(CheckScriptSource(""), IsOk());
  EXPECT_THAT(CheckScriptSource("x = [" + Repeated("-1, ", 100000) + "]"), IsOk());
  EXPECT_THAT(CheckScriptSource(Repeated("x = -1 + y.z\n", 100000)), IsOk());
}

struct Case {
  const char* name;
  std::string source;
  Code code;
  const char* message;
};

TEST(ScriptSourceTest, RefusesWhatParsersTripOver) {
  const Case cases[] = {
      {"brackets", Repeated("(", 100000), Code::kInvalidArgument, "nested too deeply"},
      {"lists", "x = " + Repeated("[a,", 300), Code::kInvalidArgument, "nested too deeply"},
      {"blocks", "if a:\n" + std::string(1000, ' ') + "b", Code::kInvalidArgument,
       "line 2: blocks are nested too deeply"},
      {"sum", "x = 1" + Repeated(" + 1", 5000), Code::kInvalidArgument, "too long"},
      {"signs", "x = " + Repeated("-", 5000) + "1", Code::kInvalidArgument, "too long"},
      {"nots", "x = " + Repeated("not ", 5000) + "1", Code::kInvalidArgument, "too long"},
      {"conditions", "x = " + Repeated("1 if a else ", 5000) + "1", Code::kInvalidArgument,
       "too long"},
      {"calls", "x = f" + Repeated("()", 5000), Code::kInvalidArgument, "too long"},
      {"members", "x = f" + Repeated(".a", 5000), Code::kInvalidArgument, "too long"},
      {"joined lines", "x = 1" + Repeated(" + \\\n 1", 5000), Code::kInvalidArgument, "too long"},
      {"branches", "if a:\n  b\n" + Repeated("elif a:\n  b\n", 5000), Code::kInvalidArgument,
       "too many branches"},
      {"control character", std::string("x = \0", 5), Code::kInvalidArgument, "control"},
      {"open string", "x = \"a\n\"", Code::kInvalidArgument, "does not end"},
      {"open long string", "x = \"\"\"a\n", Code::kInvalidArgument, "does not end"},
      {"file that is read", "x\ny = torch.from_file(\"/etc/passwd\", False, 9)",
       Code::kPermissionDenied, "line 2: calls from_file"},
      {"file that is written", "torch . save (x, \"f\")", Code::kPermissionDenied, "calls save"},
      {"file that a method writes", "x.save(\"f\")", Code::kPermissionDenied, "calls save"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(CheckScriptSource(c.source), StatusIs(c.code, HasSubstr(c.message))) << c.name;
  }
}

}  // namespace
}  // namespace ingot::archive
