// What lowering plans for a call: its memory, and steps that give the same bits on each call.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backends/onednn/graph_runner.h"
#include "backends/onednn/test_networks.h"
#include "core/base/status_matchers.h"

namespace ingot::onednn {
namespace {

struct Network {
  const char* name;
  std::function<TestGraph()> make;
  ir::Dims input;
};

class NetworkTest : public testing::TestWithParam<Network> {};

// No arena can be smaller than what one step needs alive; the plan's is at most a tenth larger.
TEST_P(NetworkTest, WorkspaceStaysNearTheLowerBound) {
  const absl::StatusOr<Runner> runner = GetParam().make().Compile();
  ASSERT_THAT(runner, IsOk());
  const Program& program = runner->program();
  ASSERT_GT(program.workspace_lower_bound(), 0u);
  EXPECT_LE(static_cast<double>(program.workspace_bytes()),
            1.1 * static_cast<double>(program.workspace_lower_bound()));
}

TEST_P(NetworkTest, CallsOneTwoAndAHundredAreBitwiseEqual) {
  CompileOptions options;
  options.threads = 2;
  absl::StatusOr<Runner> runner = GetParam().make().Compile(options);
  ASSERT_THAT(runner, IsOk());
  const Array input = RandomF32(GetParam().input, 5);
  const absl::StatusOr<std::vector<Array>> first = runner->Run({input}),
                                           second = runner->Run({input});
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  runner->Bind({input});
  for (int call = 2; call < 99; ++call) ASSERT_THAT(runner->Execute(), IsOk());
  const absl::StatusOr<std::vector<Array>> hundredth = runner->Run({input});
  ASSERT_THAT(hundredth, IsOk());
  EXPECT_EQ(second->front().bytes, first->front().bytes);
  EXPECT_EQ(hundredth->front().bytes, first->front().bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, NetworkTest,
    testing::Values(Network{"Mlp", Mlp, {8, 64}},
                    Network{"Encoder",
                            [] {
                              return Encoder({3, 2, 64, 128, 4});
                            },
                            {2, 64, 128}},
                    Network{"Bottlenecks", [] { return Bottlenecks(3); }, {1, 256, 56, 56}},
                    Network{"Unet", [] { return Unet(3, 64); }, {1, 3, 64, 64}}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ingot::onednn
