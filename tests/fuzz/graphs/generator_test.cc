#include "tests/fuzz/graphs/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "core/base/status_matchers.h"
#include "core/ir/verifier.h"
#include "core/ops/registry.h"

namespace ingot::fuzz {
namespace {

using ::testing::IsEmpty;

TEST(GeneratorTest, TheSameSeedGivesTheSameCase) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(Print(Generate(seed)), Print(Generate(seed))) << seed;
  }
  EXPECT_NE(Print(Generate(1)), Print(Generate(4)));
}

TEST(GeneratorTest, CasesReadBackFromText) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const std::string text = Print(Generate(seed));
    const absl::StatusOr<Case> read = Parse(text);
    ASSERT_THAT(read, IsOk()) << seed;
    // Values are renumbered by the first reading.
    EXPECT_EQ(Print(*Parse(Print(*read))), Print(*read)) << seed;
    EXPECT_EQ(read->seed, seed);
  }
}

TEST(GeneratorTest, GraphsVerifyAndAreOfTheStatedSizes) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Case c = Generate(seed);
    EXPECT_EQ(c.is_program, seed % 3 == 2);
    EXPECT_GE(c.graph.nodes().size(), 10u) << seed;
    EXPECT_LE(c.graph.nodes().size(), 70u) << seed;  // one step may take several nodes
    if (!c.is_program) EXPECT_THAT(ir::Verify(c.graph), IsOk()) << seed;
  }
}

TEST(GeneratorTest, EveryFeatureComes) {
  std::set<std::string> features;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Case c = Generate(seed);
    for (const ir::InputSpec& input : c.graph.inputs()) {
      features.insert("input " + std::to_string(static_cast<int>(input.role)));
      if (c.graph.type(input.value).NumElements() == 0) features.insert("empty");
      if (c.graph.type(input.value).rank() == 0) features.insert("rank 0");
    }
    for (const ir::OutputSpec& output : c.graph.outputs()) {
      features.insert("output " + std::to_string(static_cast<int>(output.role)));
    }
    for (const Placement& placement : c.placements) {
      if (placement.view_of >= 0) features.insert("overlap");
      if (!placement.strides.empty()) features.insert("strides");
    }
  }
  EXPECT_THAT(features,
              testing::IsSupersetOf({"input 0", "input 1", "input 2", "input 3", "input 4",
                                     "output 0", "output 1", "output 2", "output 3", "empty",
                                     "rank 0", "overlap", "strides"}));
}

// Ops without an emitter of their own. An op that is added to the registry belongs here with the
// reason, or into a family of emitters.
const std::set<std::string>& NotGenerated() {
  static const auto& ops = *new std::set<std::string>{};
  return ops;
}

TEST(GeneratorTest, EveryOpOfTheRegistryComes) {
  std::map<std::string, int64_t> counts;
  for (uint64_t seed = 0; seed < 3000; ++seed) CountOps(Generate(seed), counts);
  std::set<std::string> missing;
  for (const ops::OpDef* def : ops::AllOps()) {
    const std::string& op = def->schema.op;
    if (counts.count(op) == 0 && NotGenerated().count(op) == 0) missing.insert(op);
  }
  EXPECT_THAT(missing, IsEmpty());
}

}  // namespace
}  // namespace ingot::fuzz
