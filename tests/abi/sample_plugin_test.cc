// The tutorial's backend, from query to run: what docs/writing-a-backend.md promises holds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/plugin/backend.h"
#include "core/plugin/loader.h"
#include "core/plugin/partitioner.h"
#include "core/plugin/tensor.h"

namespace ingot::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;

const ir::TensorType kType = {ir::DType::kFloat32, {2}};
constexpr int64_t kDims[] = {2};
constexpr int64_t kStrides[] = {1};

std::shared_ptr<const Backend> Sample(const std::vector<BackendOption>& options = {}) {
  const std::string folder = std::string(std::getenv("TEST_SRCDIR")) + "/ingot/tests/abi/plugins";
  return Backend::Create(LoadPlugin(FindPlugin("sample", {folder}).value()).value(), options)
      .value();
}

ingot_tensor View(std::vector<float>& data) {
  return MakeTensor(data.data(), ir::DType::kFloat32, kDims, kStrides);
}

TEST(SamplePluginTest, ClaimsItsOpAndSaysWhyNotOthers) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.Argument(kType);
  const ir::ValueId wide = builder.Argument({ir::DType::kFloat64, {2}});
  builder.Result(builder.Op("aten::neg", {ir::ValueRef{x}}));
  builder.Result(builder.Op("aten::relu", {ir::ValueRef{x}}));
  builder.Result(builder.Op("aten::neg", {ir::ValueRef{wide}}));
  const auto graph = std::move(builder).Build();
  ASSERT_THAT(graph, IsOk());
  const auto support = Sample()->Query(*graph);
  ASSERT_THAT(support, IsOk());
  EXPECT_TRUE((*support)[0].claimed);
  EXPECT_EQ((*support)[1].reason, "only aten::neg");
  EXPECT_EQ((*support)[2].reason, "no kernel for f64");
  EXPECT_THAT(
      MakePartition(*graph, {*support}),
      StatusIs(absl::StatusCode::kUnimplemented, Eq("fallback: aten::neg=1 (no kernel for f64), "
                                                    "aten::relu=1 (only aten::neg)")));
}

TEST(SamplePluginTest, TakesNoNoticeOfThreads) {
  EXPECT_EQ(Sample({{"threads", int64_t{2}}})->fingerprint(), Sample()->fingerprint());
}

TEST(SamplePluginTest, RunsAnyGraphOfNodesThatItClaims) {
  const auto weight = std::make_shared<std::vector<float>>(std::vector<float>{5, 6});
  const ir::Constant constant = {ir::Sha256(weight->data(), 8), kType, weight->data(), weight};
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.Argument(kType);
  const ir::ValueId w = builder.Constant(kType, constant.digest);
  const ir::ValueId once = builder.Op("aten::neg", {ir::ValueRef{x}});
  builder.Result(builder.Op("aten::neg", {ir::ValueRef{once}}));
  builder.Result(once);
  builder.Result(builder.Op("aten::neg", {ir::ValueRef{w}}));
  const auto graph = std::move(builder).Build();
  ASSERT_THAT(graph, IsOk());
  const auto executable = Sample()->Compile(*graph, {constant});
  ASSERT_THAT(executable, IsOk());

  std::vector<float> in = {1, -2};
  std::vector<std::vector<float>> out(3, std::vector<float>(2));
  const ingot_tensor inputs[] = {View(in)};
  const ingot_tensor outputs[] = {View(out[0]), View(out[1]), View(out[2])};
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  alignas(64) char workspace[256];
  ASSERT_LE((*executable)->workspace_bytes(), sizeof(workspace));
  ASSERT_THAT((*executable)->Execute(context, inputs, outputs, workspace), IsOk());
  EXPECT_THAT(out[0], ElementsAre(1, -2));
  EXPECT_THAT(out[1], ElementsAre(-1, 2));
  EXPECT_THAT(out[2], ElementsAre(-5, -6));
}

}  // namespace
}  // namespace ingot::plugin
