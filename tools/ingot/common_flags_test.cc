#include "tools/ingot/common_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/status_matchers.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/files.h"

namespace ingot::tools {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(CommonFlagsTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string path = testing::TempDir() + "/options";
  ASSERT_THAT(WriteFile(path, "backend = reference\nthreads = 1\nfallback = allow\n"), IsOk());
  CommonFlags flags;
  flags.config = path;
  flags.backend = "onednn";
  setenv("INGOT_THREADS", "3", 1);
  auto options = flags.Resolve();
  unsetenv("INGOT_THREADS");
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->backend, "onednn");
  EXPECT_EQ(options->threads, 3);
  EXPECT_EQ(options->fallback, runtime::FallbackPolicy::kAllow);
}

TEST(CommonFlagsTest, BadValuesAreUsageErrors) {
  CommonFlags cache, fallback, config, threads, seed;
  cache.cache_dir = "/x";
  fallback.fallback = "maybe";
  config.config = "/no/such/file";
  threads.threads = "many";
  seed.seed = "-1";
  for (const CommonFlags* flags : {&cache, &fallback, &config, &threads, &seed}) {
    auto options = flags->Resolve();
    EXPECT_FALSE(options.ok());
    EXPECT_EQ(ExitCodeOf(options.status()), ExitCode::kUsage) << options.status();
  }
  EXPECT_THAT(cache.Resolve(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("no disk cache")));
}

TEST(CommonFlagsTest, ArgumentsComeFromLiteralsOrAFile) {
  CommonFlags flags;
  auto none = flags.GivenArguments();
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->has_value());
  flags.input = {"2xf32=1,2", "i64=3"};
  auto arguments = flags.GivenArguments();
  ASSERT_THAT(arguments, IsOk());
  ASSERT_EQ((*arguments)->size(), 2u);
  EXPECT_EQ(ElementsAsInt((**arguments)[1].view()), std::vector<int64_t>{3});
  flags.inputs = "x.npz";
  EXPECT_THAT(flags.GivenArguments(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not both")));
  flags.input.clear();
  EXPECT_EQ(ExitCodeOf(flags.GivenArguments().status()), ExitCode::kUsage);
  flags.inputs.reset();
  flags.input = {"2xf32=1"};
  EXPECT_THAT(flags.GivenArguments(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("--input")));
}

TEST(CommonFlagsTest, TheSeedDecidesRandomArguments) {
  CommonFlags one, two;
  one.input = two.input = {"4xf32"};
  one.seed = "7";
  two.seed = "8";
  auto a = one.GivenArguments(), b = one.GivenArguments(), c = two.GivenArguments();
  EXPECT_EQ(RowMajorBytes((**a)[0].view()), RowMajorBytes((**b)[0].view()));
  EXPECT_NE(RowMajorBytes((**a)[0].view()), RowMajorBytes((**c)[0].view()));
}

}  // namespace
}  // namespace ingot::tools
