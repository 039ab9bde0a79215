#include "tools/ingot/contained.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"

namespace ingot::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> Outcomes(size_t count, const std::function<std::string(size_t)>& work) {
  std::vector<std::string> outcomes;
  EXPECT_THAT(RunContained(count, work,
                           [&](size_t i, const Contained& result) {
                             EXPECT_EQ(i, outcomes.size());
                             outcomes.push_back(result.death.empty()
                                                    ? result.text
                                                    : absl::StrCat("died: ", result.death));
                           }),
              IsOk());
  return outcomes;
}

TEST(ContainedTest, TextsComeInOrderWhateverIsInThem) {
  const std::string big(1 << 20, 'x');
  EXPECT_THAT(Outcomes(4,
                       [&](size_t i) {
                         return i == 1 ? std::string() : i == 2 ? big : std::string("a\n\0b", 4);
                       }),
              ElementsAre(std::string("a\n\0b", 4), "", big, std::string("a\n\0b", 4)));
  EXPECT_THAT(Outcomes(0, [](size_t) { return "never"; }), ElementsAre());
}

TEST(ContainedTest, APieceThatEndsItsProcessCostsOnlyItself) {
  EXPECT_THAT(Outcomes(5,
                       [](size_t i) {
                         if (i == 0 || i == 3) raise(SIGKILL);
                         if (i == 4) _exit(7);
                         return absl::StrCat("did ", i);
                       }),
              ElementsAre(HasSubstr("killed by signal 9"), "did 1", "did 2", StartsWith("died"),
                          "died: exited with 7"));
}

TEST(ContainedTest, OneProcessDoesTheWorkWhileItLives) {
  int done = 0;  // in the child
  EXPECT_THAT(Outcomes(3, [&](size_t) { return absl::StrCat(++done); }),
              ElementsAre("1", "2", "3"));
  EXPECT_EQ(done, 0);
}

}  // namespace
}  // namespace ingot::tools
