#include "core/plugin/shared_object.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/status_matchers.h"

namespace ingot::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string& Folder() {
  static const std::string& folder =
      *new std::string(std::string(std::getenv("TEST_SRCDIR")) + "/ingot/tests/abi/plugins/");
  return folder;
}

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(SharedObjectTest, FindsFunctions) {
  const auto object = SharedObject::Open(Folder() + "libingot_no_symbol.so");
  ASSERT_THAT(object, IsOk());
  EXPECT_TRUE(fs::path(object->path()).is_absolute());
  const auto function = object->Function<int (*)()>("ingot_not_a_query");
  ASSERT_THAT(function, IsOk());
  EXPECT_EQ((*function)(), 0);
  EXPECT_THAT(object->Function<int (*)()>("absent"),
              StatusIs(absl::StatusCode::kFailedPrecondition, EndsWith("doesn't export absent")));
}

TEST(SharedObjectTest, SaysWhatIsMissing) {
  EXPECT_THAT(SharedObject::Open("/nowhere/libx.so"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/libx.so")));
}

TEST(SharedObjectTest, RefusesAFolder) {
  EXPECT_THAT(SharedObject::Open(testing::TempDir()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not a regular file")));
}

TEST(SharedObjectTest, RefusesText) {
  EXPECT_THAT(SharedObject::Open(Folder() + "libingot_text.so"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not a 64-bit ELF")));
}

TEST(SharedObjectTest, RefusesAnEmptyFile) {
  EXPECT_THAT(SharedObject::Open(WriteFile("empty.so", "")),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

// Where the last segment that is loaded ends; what follows is for linkers and debuggers.
size_t EndOfSegments(const std::string& file) {
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof(header));
  size_t end = 0;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, file.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    end = std::max<size_t>(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

TEST(SharedObjectTest, RefusesEveryTruncation) {
  const std::string whole = ReadFile(Folder() + "libingot_no_symbol.so");
  const size_t end = EndOfSegments(whole);
  ASSERT_GT(end, 1000u);
  for (size_t size = 0; size < end; size += end / 50) {
    const std::string path = WriteFile("cut" + std::to_string(size) + ".so", whole.substr(0, size));
    EXPECT_THAT(SharedObject::Open(path), StatusIs(absl::StatusCode::kFailedPrecondition)) << size;
  }
}

TEST(SharedObjectTest, GivesTheLinkersReason) {
  // An executable's header instead of a shared object's: well-formed, but not for dlopen.
  std::string content = ReadFile(Folder() + "libingot_no_symbol.so");
  content[16] = 2;  // e_type: ET_EXEC
  EXPECT_THAT(SharedObject::Open(WriteFile("executable.so", content)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("executable.so"), Not(HasSubstr("no reason given")))));
}

TEST(ResolveFileTest, TellsFilesApartByWhatTheyAre) {
  const std::string path = WriteFile("one", "x");
  const std::string link = testing::TempDir() + "/link_to_one";
  std::error_code ignored;
  fs::remove(link, ignored);
  fs::create_symlink(path, link);
  const auto direct = ResolveFile(path);
  const auto through_link = ResolveFile(link);
  ASSERT_THAT(direct, IsOk());
  ASSERT_THAT(through_link, IsOk());
  EXPECT_EQ(direct->identity, through_link->identity);
  EXPECT_EQ(direct->path, through_link->path);
  EXPECT_NE(ResolveFile(WriteFile("two", "x"))->identity, direct->identity);
}

TEST(ExecutableFoldersTest, HasTheExecutablesOwnAndItsRunfiles) {
  const std::vector<std::string> folders = ExecutableFolders("tests/abi");
  const std::string own = fs::read_symlink("/proc/self/exe").parent_path();
  EXPECT_EQ(folders.front(), own);
  EXPECT_THAT(folders, Contains(EndsWith("/tests/abi/plugins")));
}

TEST(ExecutableFoldersTest, HasThoseOfThePythonProgramThatStartedIt) {
  const std::string runfiles = testing::TempDir() + "/program.runfiles";
  fs::create_directories(runfiles + "/workspace/plugins/mine");
  for (const char* manifest : {"_manifest", "/MANIFEST"}) {
    setenv("RUNFILES_MANIFEST_FILE", (runfiles + manifest).c_str(), 1);
    EXPECT_THAT(ExecutableFolders("plugins"), Contains(runfiles + "/workspace/plugins/mine"));
  }
  unsetenv("RUNFILES_MANIFEST_FILE");
  EXPECT_THAT(ExecutableFolders("plugins"), Not(Contains(runfiles + "/workspace/plugins/mine")));
}

}  // namespace
}  // namespace ingot::plugin
