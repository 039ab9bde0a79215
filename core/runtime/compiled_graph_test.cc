// A call whose backend misbehaves. What calls check and write: session_test.cc.
#include "core/runtime/compiled_graph.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/plugin/loader.h"
#include "core/runtime/compiled_graph_impl.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/plan_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using testing::HasSubstr;

constexpr char kCopy[] = R"(graph "copy" {
  %0 : f32[2] = argument 0
  %1 : f32[2] = test::copy(%0)
  result 0 = %1
  returns T0
})";

// kCopy on the plugin of tests/abi that behaves as told.
absl::StatusOr<std::shared_ptr<const CompiledGraph>> CompileOnHostile(const char* behaviour) {
  ir::Recording recording;
  recording.graph = ir::ParseGraph(kCopy).value();
  recording.signature.arguments = {{recording.graph.type(0), {}}};
  recording.signature.aliases = {{0, 0}};
  auto plugin = plugin::LoadPlugin(std::string(std::getenv("TEST_SRCDIR")) +
                                   "/ingot/tests/abi/plugins/libingot_hostile.so");
  if (!plugin.ok()) return plugin.status();
  auto backend = plugin::Backend::Create(
      *plugin, {{"nodes", int64_t{1}}, {"behaviour", std::string(behaviour)}});
  if (!backend.ok()) return backend.status();
  plugin::GroupGraph mapping;
  mapping.inputs = {0};
  mapping.outputs = {1};
  CompiledGroup group;
  group.mapping = &mapping;
  group.nodes = {0};
  auto executable = (*backend)->Compile(recording.graph, {});
  if (!executable.ok()) return executable.status();
  group.executable = *executable;
  auto impl = std::make_unique<CompiledGraphBuilder::Impl>();
  impl->results = MakeResultSpecs(recording.graph).value();
  impl->plan =
      MakeRunPlan(recording.graph, recording.signature, impl->results, {std::move(group)}).value();
  impl->seeds = std::make_shared<SeedStream>(0);
  impl->graph = std::make_shared<const ir::Graph>(std::move(recording.graph));
  return CompiledGraphBuilder::Finish(std::move(impl), std::move(recording), nullptr);
}

TEST(CompiledGraphTest, ABackendThatStopsUnaskedIsAnErrorOfItsOwn) {
  const auto graph = CompileOnHostile("execute: stop unasked");
  ASSERT_THAT(graph, IsOk());
  HostTensor a = HostTensor::Create({ir::DType::kFloat32, {2}}).value();
  HostTensor out = HostTensor::Create({ir::DType::kFloat32, {2}}).value();
  CancelToken token;
  RunContext cancellable, timed;
  cancellable.cancel = &token;
  timed.deadline = absl::Now() + absl::Hours(1);
  for (const RunContext& context : {RunContext(), cancellable, timed}) {
    EXPECT_THAT((*graph)->Run({a.view()}, {out.view()}, context),
                StatusIs(absl::StatusCode::kInternal,
                         HasSubstr("a step stopped although nothing was cancelled")));
  }
}

TEST(CompiledGraphTest, ABackendThatSeesTheDeadlineStopsTheCall) {
  const auto graph = CompileOnHostile("execute: hang");
  ASSERT_THAT(graph, IsOk());
  HostTensor a = HostTensor::Create({ir::DType::kFloat32, {2}}).value();
  HostTensor out = HostTensor::Create({ir::DType::kFloat32, {2}}).value();
  RunContext context;
  context.deadline = absl::Now() + absl::Milliseconds(50);
  EXPECT_THAT((*graph)->Run({a.view()}, {out.view()}, context),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("deadline")));
}

}  // namespace
}  // namespace ingot::runtime
