#include "core/base/env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "core/base/faulty_env.h"
#include "core/base/status_matchers.h"

namespace ingot {
namespace {

using ::testing::HasSubstr;

class EnvTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string Read(const std::string& path) const {
    const auto mapping = Env::Default().Map(path);
    return mapping.ok() ? std::string((*mapping)->bytes()) : mapping.status().ToString();
  }

  int CountFiles() const {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++count;
    return count;
  }

  static absl::Status Write(Env& env, const std::string& path, const std::string& text) {
    return WriteFileAtomically(env, path, [&](WritableFile& out) -> absl::Status {
      if (absl::Status status = out.Append(text.substr(0, 3)); !status.ok()) return status;
      return out.Append(text.substr(3));
    });
  }

  std::string folder_;
};

TEST_F(EnvTest, WhatIsWrittenIsRead) {
  ASSERT_THAT(Write(Env::Default(), Path("a"), "hello world"), IsOk());
  EXPECT_EQ(Read(Path("a")), "hello world");
  ASSERT_THAT(Write(Env::Default(), Path("a"), "other"), IsOk());
  EXPECT_EQ(Read(Path("a")), "other");
  EXPECT_EQ(CountFiles(), 1);
}

TEST_F(EnvTest, FilesAreReadableForOthersAsTheUmaskAllows) {
  const mode_t mask = umask(022);
  ASSERT_THAT(Write(Env::Default(), Path("a"), "hello"), IsOk());
  umask(mask);
  struct stat info;
  ASSERT_EQ(stat(Path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
}

TEST_F(EnvTest, MappingsAreAlignedAndOutliveTheFile) {
  ASSERT_THAT(Write(Env::Default(), Path("a"), "hello"), IsOk());
  const auto mapping = Env::Default().Map(Path("a"));
  ASSERT_THAT(mapping, IsOk());
  ASSERT_THAT(Env::Default().Remove(Path("a")), IsOk());
  EXPECT_EQ((*mapping)->bytes(), "hello");
  EXPECT_EQ(reinterpret_cast<uintptr_t>((*mapping)->bytes().data()) % 64, 0u);
}

TEST_F(EnvTest, WhatWasEvictedIsReadAgain) {
  const std::string contents(3 * sysconf(_SC_PAGESIZE), 'x');
  ASSERT_THAT(Write(Env::Default(), Path("a"), contents), IsOk());
  const auto mapping = Env::Default().Map(Path("a"));
  ASSERT_THAT(mapping, IsOk());
  const absl::string_view bytes = (*mapping)->bytes();
  (*mapping)->Evict(bytes.substr(1));
  EXPECT_EQ(bytes, contents);
  (*mapping)->Evict(bytes.substr(0, 10));  // no whole page
  (*mapping)->Evict(bytes.substr(bytes.size()));
  EXPECT_EQ(bytes, contents);
}

TEST_F(EnvTest, AnEmptyFileHasNoBytes) {
  std::ofstream(Path("empty"));
  const auto mapping = Env::Default().Map(Path("empty"));
  ASSERT_THAT(mapping, IsOk());
  EXPECT_EQ((*mapping)->bytes(), "");
}

TEST_F(EnvTest, ErrorsNameThePathAndTheReason) {
  EXPECT_THAT(Env::Default().Map(Path("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("none"))));
  EXPECT_THAT(Env::Default().Map(folder_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is not a file")));
  EXPECT_THAT(Write(Env::Default(), Path("no/folder"), "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("no/folder"))));
  std::filesystem::create_directory(Path("folder"));
  EXPECT_THAT(Write(Env::Default(), Path("folder"), "hello"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(Path("folder"))));
  EXPECT_EQ(CountFiles(), 1) << "a temporary file is left";
  std::ofstream(Path("there"));
  EXPECT_THAT(Env::Default().Create(Path("there")), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(EnvTest, AFailedStepLeavesTheOldOrTheNewContents) {
  for (const auto mode : {FaultyEnv::Mode::kOnce, FaultyEnv::Mode::kForever}) {
    FaultyEnv env(Env::Default());
    ASSERT_THAT(Write(env, Path("a"), "old contents"), IsOk());
    const int operations = env.operations();
    ASSERT_EQ(operations, 7);
    for (int i = 0; i < operations; ++i) {
      ASSERT_THAT(Write(Env::Default(), Path("a"), "old contents"), IsOk());
      env.FailAt(i, mode);
      EXPECT_THAT(Write(env, Path("a"), "new contents"),
                  StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("injected")));
      const bool only_last_step_failed = i + 1 == operations;
      EXPECT_EQ(Read(Path("a")), only_last_step_failed ? "new contents" : "old contents") << i;
      if (mode == FaultyEnv::Mode::kOnce) {
        EXPECT_EQ(CountFiles(), 1) << i;
      }
    }
  }
}

}  // namespace
}  // namespace ingot
