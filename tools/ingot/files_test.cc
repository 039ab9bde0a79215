#include "tools/ingot/files.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "core/base/status_matchers.h"
#include "tools/ingot/interrupt.h"

namespace ingot::tools {
namespace {

using testing::HasSubstr;

std::string FreshFolder() {
  const std::string folder =
      testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

size_t FileCount(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(WriteFile, ReplacesTheFile) {
  const std::string folder = FreshFolder();
  ASSERT_THAT(WriteFile(folder + "/f", "one"), IsOk());
  ASSERT_THAT(WriteFile(folder + "/f", "two"), IsOk());
  EXPECT_THAT(ReadFile(folder + "/f"), IsOkAndHolds("two"));
  EXPECT_EQ(FileCount(folder), 1u);
}

TEST(WriteFile, RefusesWhatIsNoFile) {
  const std::string folder = FreshFolder();
  EXPECT_THAT(WriteFile(folder, "x"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(WriteFile(folder + "/none/f", "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ReadFile(folder + "/none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(InterruptTest, RemovesWhatIsBeingWrittenAndExitsWith130) {
  const std::string folder = FreshFolder();
  const auto write_and_interrupt = [&] {
    InstallInterruptHandler();
    (void)WriteFileAtomically(InterruptSafeEnv(), folder + "/f", [](WritableFile& file) {
      (void)file.Append("half");
      raise(SIGINT);
      return absl::OkStatus();
    });
  };
  EXPECT_EXIT(write_and_interrupt(), testing::ExitedWithCode(130), "interrupted");
  EXPECT_EQ(FileCount(folder), 0u);
}

TEST(InterruptTest, LeavesFinishedFiles) {
  const std::string folder = FreshFolder();
  ASSERT_THAT(WriteFile(folder + "/f", "whole"), IsOk());
  const auto interrupt = [] {
    InstallInterruptHandler();
    raise(SIGINT);
  };
  EXPECT_EXIT(interrupt(), testing::ExitedWithCode(130), "interrupted");
  EXPECT_EQ(FileCount(folder), 1u);
}

}  // namespace
}  // namespace ingot::tools
