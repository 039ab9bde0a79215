// What lowering plans for a call: its memory.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "backends/onednn/graph_runner.h"
#include "backends/onednn/test_networks.h"
#include "core/base/status_matchers.h"

namespace ingot::onednn {
namespace {

struct Network {
  const char* name;
  std::function<TestGraph()> make;
};

class WorkspaceTest : public testing::TestWithParam<Network> {};

// No arena can be smaller than what one step needs alive; the plan's is at most a tenth larger.
TEST_P(WorkspaceTest, StaysNearTheLowerBound) {
  const absl::StatusOr<Runner> runner = GetParam().make().Compile();
  ASSERT_THAT(runner, IsOk());
  const Program& program = runner->program();
  ASSERT_GT(program.workspace_lower_bound(), 0u);
  EXPECT_LE(static_cast<double>(program.workspace_bytes()),
            1.1 * static_cast<double>(program.workspace_lower_bound()));
}

INSTANTIATE_TEST_SUITE_P(Networks, WorkspaceTest,
                         testing::Values(Network{"Mlp", Mlp},
                                         Network{"Encoder",
                                                 [] {
                                                   return Encoder({3, 2, 64, 128, 4});
                                                 }},
                                         Network{"Bottlenecks", [] { return Bottlenecks(3); }},
                                         Network{"Unet", [] { return Unet(3, 64); }}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ingot::onednn
