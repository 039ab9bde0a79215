#include "core/plugin/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/status_matchers.h"

namespace ingot::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string PluginFolder() {
  return std::string(std::getenv("TEST_SRCDIR")) + "/ingot/tests/abi/plugins";
}
std::string PluginPath(const std::string& name) {
  return PluginFolder() + "/libingot_" + name + ".so";
}

std::string MakeFolder(const std::string& name, const std::vector<std::string>& files) {
  const std::string folder = testing::TempDir() + "/" + name;
  fs::create_directories(folder);
  for (const std::string& file : files) std::ofstream(folder + "/" + file) << "x";
  return folder;
}

TEST(LoadPluginTest, YieldsTheTable) {
  const auto plugin = LoadPlugin(PluginPath("hostile"));
  ASSERT_THAT(plugin, IsOk());
  EXPECT_NE((*plugin)->api().execute, nullptr);
  EXPECT_EQ((*plugin)->api().abi_major, 1u);
  EXPECT_THAT((*plugin)->path(), EndsWith("libingot_hostile.so"));
}

TEST(LoadPluginTest, LoadsAFileOnceWhateverItsName) {
  const std::string link = testing::TempDir() + "/renamed.so";
  std::error_code ignored;
  fs::remove(link, ignored);
  fs::create_symlink(PluginPath("hostile"), link);
  const auto plugin = LoadPlugin(PluginPath("hostile"));
  const auto again = LoadPlugin(link);
  ASSERT_THAT(plugin, IsOk());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(*plugin, *again);
}

TEST(LoadPluginTest, ManyThreadsLoadOnce) {
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<const Plugin>> loaded(4);
  for (auto& plugin : loaded) {
    threads.emplace_back([&plugin] { plugin = LoadPlugin(PluginPath("hostile")).value(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& plugin : loaded) EXPECT_EQ(plugin, loaded[0]);
}

TEST(LoadPluginTest, DoesNotReadBeyondAnOlderTable) {
  const auto plugin = LoadPlugin(PluginPath("older_minor"));
  ASSERT_THAT(plugin, IsOk());
  EXPECT_EQ((*plugin)->api().get_extension, nullptr);
}

TEST(LoadPluginTest, TakesANewerMinor) {
  const auto plugin = LoadPlugin(PluginPath("newer_minor"));
  ASSERT_THAT(plugin, IsOk());
  EXPECT_EQ((*plugin)->api().abi_minor, 99u);
}

struct BadPlugin {
  const char* name;
  const char* message;
};

class BadPluginTest : public testing::TestWithParam<BadPlugin> {};

TEST_P(BadPluginTest, IsRefusedWithItsPathAndTheReason) {
  EXPECT_THAT(LoadPlugin(PluginPath(GetParam().name)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(GetParam().name), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadPluginTest,
    testing::Values(BadPlugin{"text", "not a 64-bit ELF"},
                    BadPlugin{"no_symbol", "doesn't export ingot_backend_query"},
                    BadPlugin{"refuses", "this CPU lacks AVX-512"},
                    BadPlugin{"refuses_without_text", "without a reason"},
                    BadPlugin{"throws", "threw an exception: query: boom"},
                    BadPlugin{"other_major", "it is of ABI major 2, this is 1"},
                    BadPlugin{"tiny_table", "has only 8 bytes"},
                    BadPlugin{"empty_table", "lacks the entry create"},
                    BadPlugin{"without_execute", "lacks the entry execute"},
                    BadPlugin{"without_info", "lacks the entry info"}),
    [](const auto& info) { return info.param.name; });

TEST(LoadPluginTest, SaysThatAFileIsMissing) {
  EXPECT_THAT(LoadPlugin("/nowhere/libingot_x.so"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/libingot_x.so")));
}

TEST(FindPluginTest, TakesAPath) {
  const auto path = FindPlugin(PluginPath("hostile"), {});
  ASSERT_THAT(path, IsOk());
  EXPECT_TRUE(fs::equivalent(*path, PluginPath("hostile")));
  EXPECT_THAT(FindPlugin("./absent.so", {}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(FindPlugin("absent.so", {}), StatusIs(absl::StatusCode::kNotFound));
}

TEST(FindPluginTest, TheFirstFolderThatHasTheNameWins) {
  const std::string empty = MakeFolder("empty", {});
  const std::string first = MakeFolder("first", {"libingot_a.so"});
  const std::string second = MakeFolder("second", {"libingot_a.so", "libingot_b.so"});
  EXPECT_THAT(FindPlugin("a", {empty, "/nowhere", first, second}),
              IsOkAndHolds(first + "/libingot_a.so"));
  EXPECT_THAT(FindPlugin("b", {first, second}), IsOkAndHolds(second + "/libingot_b.so"));
}

TEST(FindPluginTest, ListsTheFoldersAndWhatIsThere) {
  const std::string folder = MakeFolder("listed", {"libingot_a.so", "libingot_b.so"});
  EXPECT_THAT(FindPlugin("onednm", {folder}),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("no backend \"onednm\""),
                                                          HasSubstr(folder), HasSubstr("a, b"))));
  EXPECT_THAT(FindPlugin("", {folder}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ListPluginsTest, SortsByNameAndLeavesOutWhatIsNoBackend) {
  const std::string one = MakeFolder(
      "one", {"libingot_z.so", "libother.so", "libingot_frontend_x.so", "libingot_q.so.bak"});
  const std::string two = MakeFolder("two", {"libingot_a.so", "libingot_z.so"});
  fs::create_directories(two + "/libingot_folder.so");
  EXPECT_THAT(ListPlugins({one, two}), ElementsAre(two + "/libingot_a.so", one + "/libingot_z.so"));
}

TEST(BackendNameOfFileTest, KnowsItsFiles) {
  EXPECT_EQ(BackendNameOfFile("/x/libingot_onednn.so"), "onednn");
  EXPECT_EQ(BackendNameOfFile("libingot_frontend_torchscript.so"), "");
  EXPECT_EQ(BackendNameOfFile("libonednn.so"), "");
}

}  // namespace
}  // namespace ingot::plugin
