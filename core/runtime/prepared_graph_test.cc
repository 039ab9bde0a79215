#include "core/runtime/prepared_graph.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/plugin/loader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using ir::ValueId;
using ir::ValueRef;
using testing::ElementsAre;
using testing::SizeIs;

constexpr ir::DType kF32 = ir::DType::kFloat32;

BackendChoice Reference() {
  auto plugin = plugin::LoadPlugin(std::string(std::getenv("TEST_SRCDIR")) +
                                   "/ingot/backends/reference/libingot_reference.so");
  EXPECT_THAT(plugin, IsOk());
  auto backend = plugin::Backend::Create(*plugin, {});
  EXPECT_THAT(backend, IsOk());
  return {{*backend}, true, {}};
}

struct Weights {
  std::vector<float> a = {1, 2, 3, 4, 5, 6}, b = {6, 5, 4, 3, 2, 1};
};

ir::Constant ConstantOf(const std::vector<float>& values) {
  ir::Constant constant;
  constant.type = {kF32, {2, 3}};
  constant.data = values.data();
  constant.digest = ir::Sha256(ir::BytesOf(constant));
  return constant;
}

// What one recording may differ in from another.
struct Variant {
  std::string name = "g", weight_name = "weight", source = "m.py:1";
  double min = 0.0;
  ir::Scalar scalar = 2.0;
};

// Results: x clamped and scaled, plus b as a view; the transposed a; b itself.
ir::Recording Record(const Weights& weights, const Variant& variant = {}) {
  ir::GraphBuilder builder(variant.name);
  const ValueId x = builder.Argument({kF32, {2, 3}});
  const ValueId s = builder.Scalar(ir::ScalarDType(variant.scalar));
  ir::Recording recording;
  recording.constants = {ConstantOf(weights.a), ConstantOf(weights.b)};
  std::vector<ValueId> constants;
  for (const ir::Constant& constant : recording.constants) {
    constants.push_back(builder.Constant(constant.type, constant.digest, variant.weight_name));
  }
  const ValueId clamped = builder.Op("aten::clamp", {ValueRef{x}, variant.min});
  const ValueId scaled = builder.Op("aten::mul.Tensor", {ValueRef{clamped}, ValueRef{s}});
  const ValueId flat =
      builder.Op("aten::reshape", {ValueRef{constants[1]}, std::vector<int64_t>{6}});
  const ValueId column = builder.Op("aten::reshape", {ValueRef{scaled}, std::vector<int64_t>{6}});
  builder.Result(builder.Op("aten::add.Tensor", {ValueRef{column}, ValueRef{flat}}));
  builder.Result(builder.Op("aten::permute", {ValueRef{constants[0]}, std::vector<int64_t>{1, 0}}));
  builder.Result(constants[1]);
  builder.graph().mutable_nodes()[0].source = variant.source;
  absl::StatusOr<ir::Graph> graph = std::move(builder).Build();
  EXPECT_THAT(graph, IsOk());
  recording.graph = *std::move(graph);
  recording.signature.aliases = {{0, 0}};
  recording.signature.arguments = {{recording.graph.type(x), {}}};
  ir::ScalarBinding binding;
  binding.literal = variant.scalar;
  recording.scalars = {binding};
  return recording;
}

TEST(RecordingKeyTest, EqualRecordingsInOtherMemoryHaveOneKey) {
  const Weights weights, same;
  EXPECT_EQ(RecordingKey(Record(weights), {}), RecordingKey(Record(same), {}));
}

TEST(RecordingKeyTest, WhateverPreparingDependsOnChangesIt) {
  Weights weights, other;
  other.a[0] = 7;
  const cache::Key key = RecordingKey(Record(weights), {});
  EXPECT_FALSE(key == RecordingKey(Record(other), {}));
  EXPECT_FALSE(key == RecordingKey(Record(weights), {"aten::add"}));
  EXPECT_FALSE(RecordingKey(Record(weights), {"ab", "c"}) ==
               RecordingKey(Record(weights), {"a", "bc"}));
  const std::pair<const char*, Variant> variants[] = {
      {"graph name", {.name = "h"}},
      {"weight name", {.weight_name = "bias"}},
      {"source", {.source = "m.py:2"}},
      {"sign of a zero in the graph", {.min = -0.0}},
      {"sign of a zero scalar", {.scalar = -0.0}},
      {"type of a scalar", {.scalar = int64_t{2}}},
  };
  const cache::Key zero = RecordingKey(Record(weights, {.scalar = 0.0}), {});
  for (const auto& [what, variant] : variants) {
    EXPECT_FALSE(key == RecordingKey(Record(weights, variant), {})) << what;
    EXPECT_FALSE(zero == RecordingKey(Record(weights, variant), {})) << what;
  }
}

TEST(RecordingKeyTest, TellsConstantsThatShareMemoryFromEqualOnes) {
  Weights weights;
  weights.b = weights.a;
  ir::Recording apart = Record(weights), tied = Record(weights);
  tied.constants[1] = tied.constants[0];
  EXPECT_FALSE(RecordingKey(apart, {}) == RecordingKey(tied, {}));
}

TEST(PrepareGraphTest, TracesConstantsToTheRecordingOrKeepsThoseThatAreResults) {
  const Weights weights, other;
  Metrics metrics;
  ir::Recording recording = Record(weights);
  const absl::StatusOr<PreparedGraph> prepared = PrepareGraph(recording, Reference(), metrics);
  ASSERT_THAT(prepared, IsOk());
  EXPECT_EQ(metrics.samples().at("PassTime").count, 1u);
  ASSERT_EQ(prepared->constants.size(), recording.constants.size());

  const std::vector<ir::Constant> bound = BindConstants(*prepared, Record(other).constants);
  ASSERT_EQ(bound.size(), recording.constants.size());
  size_t recorded = 0, computed = 0;
  for (size_t i = 0; i < bound.size(); ++i) {
    EXPECT_EQ(bound[i].digest, recording.constants[i].digest);
    EXPECT_EQ(bound[i].type, recording.constants[i].type);
    ASSERT_NE(bound[i].data, nullptr);
    if (prepared->constants[i].recorded) {
      ++recorded;
      EXPECT_EQ(bound[i].data, other.b.data());
    } else {
      ++computed;  // a, transposed
      EXPECT_EQ(bound[i].type.dims, (ir::Dims{3, 2}));
      EXPECT_THAT(std::vector<float>(static_cast<const float*>(bound[i].data),
                                     static_cast<const float*>(bound[i].data) + 6),
                  ElementsAre(1, 4, 2, 5, 3, 6));
    }
  }
  EXPECT_EQ(recorded, 2u);  // b, and b as a view
  EXPECT_EQ(computed, 1u);
  EXPECT_GT(ApproximateBytes(*prepared), prepared->groups[0].key.graph.size());
}

TEST(PrepareGraphTest, DropsTheMemoryOfWhatOnlyABackendReads) {
  const Weights weights;
  ir::GraphBuilder builder("g");
  const ValueId x = builder.Argument({kF32, {3, 2}});
  ir::Recording recording;
  recording.constants = {ConstantOf(weights.a)};
  const ValueId w = builder.Constant(recording.constants[0].type, recording.constants[0].digest);
  const ValueId t = builder.Op("aten::permute", {ValueRef{w}, std::vector<int64_t>{1, 0}});
  builder.Result(builder.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{t}}));
  recording.graph = std::move(builder).Build().value();
  Metrics metrics;
  const absl::StatusOr<PreparedGraph> prepared = PrepareGraph(recording, Reference(), metrics);
  ASSERT_THAT(prepared, IsOk());
  ASSERT_THAT(recording.constants, SizeIs(1));
  EXPECT_NE(recording.constants[0].data, nullptr);
  EXPECT_EQ(BindConstants(*prepared, {})[0].data, nullptr);
}

TEST(PrepareGraphTest, CountsWhatTheFirstBackendRefusesEachTime) {
  const Weights weights;
  BackendChoice choice = Reference();
  choice.force_fallback = {"aten::add"};
  choice.allow_fallback = false;
  Metrics metrics;
  ir::Recording recording = Record(weights);
  EXPECT_THAT(PrepareGraph(recording, choice, metrics), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_EQ(metrics.counter("fallback.aten::add.Tensor"), 1u);

  choice.allow_fallback = true;
  choice.backends.push_back(choice.backends[0]);
  recording = Record(weights);
  const absl::StatusOr<PreparedGraph> prepared = PrepareGraph(recording, choice, metrics);
  ASSERT_THAT(prepared, IsOk());
  EXPECT_EQ(metrics.counter("fallback.aten::add.Tensor"), 2u);
  EXPECT_THAT(prepared->fallbacks, SizeIs(1));
  CountFallbacks(*prepared, metrics);
  EXPECT_EQ(metrics.counter("fallback.aten::add.Tensor"), 3u);
}

}  // namespace
}  // namespace ingot::runtime
