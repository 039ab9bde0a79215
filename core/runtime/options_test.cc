#include "core/runtime/options.h"

#include <cstdlib>
#include <utility>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ResolveOptionsTest, StrongerLayersWin) {
  OptionOverrides call, environment, file;
  call.backend = "onednn";
  environment.backend = "torchscript";
  environment.threads = 3;
  file.threads = 5;
  file.fallback = FallbackPolicy::kAllow;
  absl::StatusOr<Options> options = ResolveOptions({call, environment, file});
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->backend, "onednn");
  EXPECT_EQ(options->threads, 3);
  EXPECT_EQ(options->fallback, FallbackPolicy::kAllow);
}

TEST(ResolveOptionsTest, ValuesOutOfRangeAreRefused) {
  OptionOverrides layer;
  layer.threads = -1;
  EXPECT_THAT(ResolveOptions({layer}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("threads=-1")));
  layer = {};
  layer.backend = " , ";
  EXPECT_THAT(ResolveOptions({layer}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("backend is empty")));
}

TEST(ParseOptionsFileTest, ReadsLinesAndComments) {
  absl::StatusOr<OptionOverrides> layer = ParseOptionsFile(
      "# how we run\nbackend = onednn, torchscript\n\nforce_fallback=aten::sub,aten::add.Tensor # "
      "test\nseed = 7\n",
      "ingot.conf");
  ASSERT_THAT(layer, IsOk());
  EXPECT_EQ(layer->backend, "onednn, torchscript");
  EXPECT_THAT(*layer->force_fallback, ElementsAre("aten::sub", "aten::add.Tensor"));
  EXPECT_EQ(layer->seed, 7u);
}

TEST(ParseOptionsFileTest, ErrorsNameFileAndLine) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"backend = x\nbakend = y",
       "ingot.conf:2: unknown option 'bakend'; known: backend, fallback"},
      {"threads", "ingot.conf:1: 'threads' is not 'name = value'"},
      {"threads = many", "ingot.conf:1: 'many' is not a number of threads"},
      {"fallback = maybe",
       "ingot.conf:1: 'maybe' is not a fallback policy: use forbid, warn or allow"},
      {"precision = f16", "ingot.conf:1: 'f16' is not a precision: use f32 or bf16"},
      {"leading_sizes = some",
       "ingot.conf:1: 'some' is not a policy for leading sizes: use exact or buckets"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ParseOptionsFile(c.text, "ingot.conf"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

TEST(ReadOptionsFileTest, AMissingFileIsNotFound) {
  EXPECT_THAT(ReadOptionsFile("no/such/file"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/such/file")));
}

TEST(OptionsFromEnvironmentTest, ReadsVariablesAndNamesThemInErrors) {
  setenv("INGOT_BACKEND", "reference", 1);
  setenv("INGOT_THREADS", "2", 1);
  absl::StatusOr<OptionOverrides> layer = OptionsFromEnvironment();
  ASSERT_THAT(layer, IsOk());
  EXPECT_EQ(layer->backend, "reference");
  EXPECT_EQ(layer->threads, 2);
  setenv("INGOT_THREADS", "two", 1);
  EXPECT_THAT(OptionsFromEnvironment(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("INGOT_THREADS"), HasSubstr("'two'"))));
  unsetenv("INGOT_BACKEND");
  unsetenv("INGOT_THREADS");
}

TEST(OptionsFromEnvironmentTest, EveryOptionHasAVariableAndReachesTheResult) {
  const std::pair<const char*, const char*> variables[] = {
      {"INGOT_BACKEND", "reference"},        {"INGOT_FALLBACK", "warn"},
      {"INGOT_FORCE_FALLBACK", "aten::sub"}, {"INGOT_THREADS", "3"},
      {"INGOT_PRECISION", "bf16"},           {"INGOT_CACHE_BYTES", "1000"},
      {"INGOT_LEADING_SIZES", "buckets"},    {"INGOT_MAX_SPECIALIZATIONS", "9"},
      {"INGOT_PLUGIN_FOLDERS", "a, b"},      {"INGOT_SEED", "18446744073709551615"}};
  for (const auto& [name, value] : variables) setenv(name, value, 1);
  absl::StatusOr<OptionOverrides> layer = OptionsFromEnvironment();
  for (const auto& [name, value] : variables) unsetenv(name);
  ASSERT_THAT(layer, IsOk());
  absl::StatusOr<Options> options = ResolveOptions({OptionOverrides(), *layer});
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->backend, "reference");
  EXPECT_EQ(options->fallback, FallbackPolicy::kWarn);
  EXPECT_THAT(options->force_fallback, ElementsAre("aten::sub"));
  EXPECT_EQ(options->threads, 3);
  EXPECT_EQ(options->precision, Precision::kBf16);
  EXPECT_EQ(options->cache_bytes, 1000u);
  EXPECT_EQ(options->leading_sizes, LeadingSizes::kBuckets);
  EXPECT_EQ(options->max_specializations, 9);
  EXPECT_THAT(options->plugin_folders, ElementsAre("a", "b"));
  EXPECT_EQ(options->seed, ~uint64_t{0});
}

TEST(BackendPriorityTest, AutoIsSpelledOutAndFallbackAppendsTheRest) {
  Options options;
  EXPECT_THAT(BackendPriority(options), ElementsAre("onednn", "torchscript", "reference"));
  options.backend = "reference , onednn";
  EXPECT_THAT(BackendPriority(options), ElementsAre("reference", "onednn"));
  options.fallback = FallbackPolicy::kAllow;
  EXPECT_THAT(BackendPriority(options), ElementsAre("reference", "onednn", "torchscript"));
}

TEST(EffectiveThreadsTest, IsAtLeastOneAndTakesARequest) {
  EXPECT_EQ(EffectiveThreads(7), 7);
  EXPECT_GE(EffectiveThreads(0), 1);
}

}  // namespace
}  // namespace ingot::runtime
