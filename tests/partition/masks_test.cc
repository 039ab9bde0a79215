// Random capability masks over random graphs: groups are convex, the report is right, and results
// are eager's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_matchers.h"
#include "core/ops/registry.h"
#include "tests/fuzz/graphs/check.h"
#include "tests/fuzz/graphs/generator.h"
#include "tests/partition/claim.h"
#include "tests/partition/report.h"

namespace ingot::partition {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

class MasksTest : public testing::TestWithParam<const char*> {};

// Longer by name: --test_env=INGOT_FIRST_SEED=1000 --test_env=INGOT_SEEDS=100000.
TEST_P(MasksTest, GroupsAreConvexReportedAndEqualToEager) {
  const std::string others = GetParam();
  const uint64_t first = FromEnvironment("INGOT_FIRST_SEED", 0);
  const uint64_t count = FromEnvironment("INGOT_SEEDS", 60);
  int64_t groups = 0, cases = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    ASSERT_EQ(setenv(kSeedVariable, absl::StrCat(seed).c_str(), 1), 0);
    auto checker = fuzz::Checker::Create(
        {.backend = absl::StrCat("picky,", others), .plugin_folders = {"tests/partition"}});
    ASSERT_THAT(checker, IsOk());
    (*checker)->set_inspect([&](const runtime::CompiledGraph& graph) {
      groups += static_cast<int64_t>(graph.groups().size());
      return CheckReport(graph, "picky", [&](ir::NodeId node) {
        return !IsClaimed(seed, node) || ops::FindOp(graph.graph().node(node).op) == nullptr;
      });
    });
    const absl::StatusOr<fuzz::Case> c = fuzz::WithoutRefused(fuzz::Generate(seed));
    ASSERT_THAT(c, IsOk());
    const fuzz::Verdict verdict = (*checker)->Check(*c);
    EXPECT_FALSE(verdict.failed()) << "seed " << seed << ": " << verdict.message;
    if (verdict.kind == fuzz::Verdict::Kind::kOk) ++cases;
  }
  // Masks that split nothing would show nothing.
  EXPECT_GT(groups, 2 * cases);
  EXPECT_GT(cases, static_cast<int64_t>(count) * 3 / 4);
}

INSTANTIATE_TEST_SUITE_P(Backends, MasksTest, testing::Values("torchscript", "reference"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace ingot::partition
