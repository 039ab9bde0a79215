#include "tools/ingot/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

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
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

TEST(WriteFileAtomically, ReplacesTheFile) {
  const std::string path = FreshFolder() + "/f";
  ASSERT_THAT(WriteFileAtomically(path, "one"), IsOk());
  ASSERT_THAT(WriteFileAtomically(path, "two"), IsOk());
  EXPECT_THAT(ReadWholeFile(path), IsOkAndHolds("two"));
}

TEST(WriteFileAtomically, AnErrorLeavesTheOldFileAndNothingElse) {
  const std::string folder = FreshFolder();
  const std::string path = folder + "/f";
  ASSERT_THAT(WriteFileAtomically(path, "old"), IsOk());
  const absl::Status status = WriteFileAtomically(path, [](const std::string& temporary) {
    EXPECT_THAT(WriteFileAtomically(temporary, "half"), IsOk());
    return absl::DataLossError("broke off");
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("f: broke off")));
  EXPECT_THAT(ReadWholeFile(path), IsOkAndHolds("old"));
  EXPECT_EQ(FileCount(folder), 1u);
}

TEST(WriteFileAtomically, RefusesWhatIsNoFile) {
  const std::string folder = FreshFolder();
  EXPECT_THAT(WriteFileAtomically(folder, "x"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(WriteFileAtomically(folder + "/none/f", "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/f")));
  EXPECT_THAT(ReadWholeFile(folder), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadWholeFile(folder + "/none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(InterruptTest, RemovesTemporaryFilesAndExitsWith130) {
  const std::string folder = FreshFolder();
  EXPECT_EXIT(
      {
        InstallInterruptHandler();
        (void)WriteFileAtomically(folder + "/f", [](const std::string& temporary) {
          (void)WriteFileAtomically(temporary, "half");
          raise(SIGINT);
          return absl::OkStatus();
        });
      },
      testing::ExitedWithCode(130), "interrupted");
  EXPECT_EQ(FileCount(folder), 0u);
}

}  // namespace
}  // namespace ingot::tools
