#include "core/passes/pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"
#include "core/passes/testing.h"

namespace ingot::passes {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<bool> DoNothing(ir::Recording&) { return false; }
absl::StatusOr<bool> Fail(ir::Recording&) { return absl::InternalError("no reason"); }
absl::StatusOr<bool> Break(ir::Recording& r) {
  r.graph.mutable_type(1).dims[0] = 7;
  return true;
}
// Changes the graph's name until it has five letters.
absl::StatusOr<bool> Lengthen(ir::Recording& r) {
  if (r.graph.name().size() >= 5) return false;
  r.graph.set_name(r.graph.name() + "x");
  return true;
}

ir::Recording Relu() {
  return MakeRecording(
      "%0 : f32[2] = argument 0 %1 : f32[2] = aten::relu(%0) result 0 = %1 returns T0");
}

TEST(PassManagerTest, RunsInOrderAndKeepsAccount) {
  ir::Recording r = Relu();
  PassManager manager({{"nothing", DoNothing}, {"lengthen", Lengthen}});
  EXPECT_THAT(manager.Run(r), IsOkAndHolds(true));
  ASSERT_EQ(manager.runs().size(), 2u);
  EXPECT_EQ(manager.runs()[0].name, "nothing");
  EXPECT_FALSE(manager.runs()[0].changed);
  EXPECT_TRUE(manager.runs()[1].changed);
  EXPECT_GE(manager.runs()[1].time, absl::ZeroDuration());
}

TEST(PassManagerTest, GoesOnUntilNothingChangesOrRoundsAreUp) {
  ir::Recording r = Relu();
  r.graph.set_name("");
  PassManager manager({{"lengthen", Lengthen}});
  EXPECT_THAT(manager.RunToFixedPoint(r, 3), IsOk());
  EXPECT_EQ(r.graph.name(), "xxx");
  EXPECT_THAT(manager.RunToFixedPoint(r, 100), IsOk());
  EXPECT_EQ(r.graph.name(), "xxxxx");
  EXPECT_EQ(manager.runs().size(), 6u);
}

TEST(PassManagerTest, NamesThePassThatFails) {
  ir::Recording r = Relu();
  EXPECT_THAT(PassManager({{"fail", Fail}}).Run(r),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("pass fail: no reason")));
}

TEST(PassManagerTest, NamesThePassThatBreaksTheGraph) {
  ir::Recording r = Relu();
  EXPECT_THAT(PassManager({{"break", Break}, {"nothing", DoNothing}}, true).Run(r),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("pass break left a broken graph")));
}

}  // namespace
}  // namespace ingot::passes
