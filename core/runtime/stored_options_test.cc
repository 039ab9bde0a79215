#include "core/runtime/stored_options.h"

#include <memory>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/ir/recording.h"
#include "core/runtime/options.h"
#include "core/runtime/session.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

ir::Recording Record(bool with_node) {
  ir::GraphBuilder b("negated");
  const ir::ValueId x = b.Argument({ir::DType::kFloat32, {2}});
  b.Result(with_node ? b.Op("aten::neg", {ir::ValueRef{x}}) : x);
  absl::StatusOr<ir::Graph> graph = std::move(b).Build();
  EXPECT_THAT(graph, IsOk());
  ir::Recording recording;
  recording.graph = *std::move(graph);
  recording.signature.aliases = {{0, 0}};
  recording.signature.arguments = {{{ir::DType::kFloat32, {2}}, {}}};
  return recording;
}

struct Compiled {
  std::shared_ptr<Session> session;
  std::shared_ptr<const CompiledGraph> graph;
};

Compiled Compile(const Options& options, bool with_node = true) {
  auto session = Session::Create(options);
  EXPECT_THAT(session, IsOk());
  auto graph = (*session)->Compile(Record(with_node));
  EXPECT_THAT(graph, IsOk());
  return {*session, *graph};
}

TEST(StoredOptionsTest, KeepsWhatAutoCameTo) {
  // The only plugin that this test has.
  const Compiled compiled = Compile({.backend = "auto"});
  EXPECT_THAT(StoredOptions(*compiled.session, *compiled.graph),
              UnorderedElementsAre(Pair("backend", "reference"), Pair("fallback", "forbid")));
}

TEST(StoredOptionsTest, KeepsAListThatWasGivenAsItIs) {
  const Compiled compiled =
      Compile({.backend = "reference,reference", .fallback = FallbackPolicy::kWarn});
  EXPECT_THAT(
      StoredOptions(*compiled.session, *compiled.graph),
      UnorderedElementsAre(Pair("backend", "reference,reference"), Pair("fallback", "warn")));
}

TEST(StoredOptionsTest, TextsAreThoseThatOptionsTake) {
  const Compiled compiled = Compile({.backend = "reference"});
  OptionOverrides layer;
  for (const auto& [name, value] : StoredOptions(*compiled.session, *compiled.graph)) {
    EXPECT_THAT(SetOption(name, value, layer), IsOk()) << name;
  }
  EXPECT_EQ(layer.backend, "reference");
  EXPECT_EQ(layer.fallback, FallbackPolicy::kForbid);
}

TEST(BackendNamesTest, OfAGraphWithoutNodesIsTheSessionsFirst) {
  const Compiled compiled = Compile({.backend = "reference"}, /*with_node=*/false);
  EXPECT_THAT(compiled.graph->groups(), IsEmpty());
  EXPECT_EQ(BackendNames(*compiled.session, *compiled.graph), "reference");
}

}  // namespace
}  // namespace ingot::runtime
