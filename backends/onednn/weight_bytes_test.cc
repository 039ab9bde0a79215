#include "backends/onednn/weight_bytes.h"

#include <gtest/gtest.h>

#include "core/ir/graph.h"

namespace ingot::onednn {
namespace {

TEST(WeightBytesTest, CountsConstantsAndNoOtherInputs) {
  ir::Graph graph;
  graph.AddInput({.role = ir::InputRole::kArgument}, {ir::DType::kFloat32, {100}});
  EXPECT_EQ(WeightBytes(graph), 0);
  graph.AddInput({.role = ir::InputRole::kConstant}, {ir::DType::kFloat32, {2, 3}});
  graph.AddInput({.role = ir::InputRole::kConstant}, {ir::DType::kInt64, {5}});
  EXPECT_EQ(WeightBytes(graph), 2 * 3 * 4 + 5 * 8);
}

}  // namespace
}  // namespace ingot::onednn
