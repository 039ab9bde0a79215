// Batches that run row by row: when, and that the rows are those of single runs.
#include "backends/onednn/by_row.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "backends/onednn/test_networks.h"
#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::onednn {
namespace {

using ir::None;
using ir::ValueId;
using ir::ValueRef;
using Ints = std::vector<int64_t>;

// Two 3x3 convolutions and a mean on [batch, 8, side, side].
TestGraph Images(int64_t batch, int64_t side) {
  TestGraph g;
  ValueId x = g.builder.Argument({ir::DType::kFloat32, {batch, 8, side, side}});
  for (uint32_t i = 0; i < 2; ++i) {
    const ValueId weight = g.Constant(RandomF32({8, 8, 3, 3}, i));
    x = g.builder.Op("aten::convolution", {ValueRef{x}, ValueRef{weight}, None{}, Ints{1, 1},
                                           Ints{1, 1}, Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
    x = g.builder.Op("aten::relu", {ValueRef{x}});
  }
  g.builder.Result(g.builder.Op("aten::mean.dim", {ValueRef{x}, Ints{3}}));
  return g;
}

ir::Graph GraphOf(TestGraph g) { return *std::move(g.builder).Build(); }

TEST(WorthSplittingTest, ImagesWhoseBatchLeavesTheCacheAreSplit) {
  EXPECT_TRUE(WorthSplitting(GraphOf(Images(8, 160))).has_value());
}

TEST(WorthSplittingTest, WhatFitsTheCacheOrIsOneRowStaysWhole) {
  EXPECT_FALSE(WorthSplitting(GraphOf(Images(8, 16))).has_value());
  EXPECT_FALSE(WorthSplitting(GraphOf(Images(1, 160))).has_value());
}

TEST(WorthSplittingTest, WhereWeightsWouldBeReadTooOftenItStaysWhole) {
  EXPECT_FALSE(WorthSplitting(GraphOf(Encoder({2, 8, 32, 256, 4}))).has_value());
}

TEST(ThreadsPerRowTest, ThreadsGetRowsOfTheirOwnIfThereAreEnough) {
  EXPECT_EQ(ThreadsPerRow(8, 2), 1);
  EXPECT_EQ(ThreadsPerRow(2, 2), 1);
  EXPECT_EQ(ThreadsPerRow(3, 2), 2);
  EXPECT_EQ(ThreadsPerRow(9, 2), 1);
  EXPECT_EQ(ThreadsPerRow(5, 1), 1);
}

class ByRowTest : public testing::TestWithParam<std::pair<int64_t, int>> {};

TEST_P(ByRowTest, RowsAreThoseOfSingleRuns) {
  const auto [batch, threads] = GetParam();
  const int64_t side = 12;
  const ir::Graph whole = GraphOf(Images(batch, side));
  const auto split = passes::SplitRows(whole, batch, 1);
  ASSERT_THAT(split, IsOk());
  const ByRow by_row(whole, *split, threads);
  EXPECT_EQ(by_row.rows(), batch);

  CompileOptions options;
  options.threads = ThreadsPerRow(batch, threads);
  TestGraph one = Images(1, side);
  const std::vector<Array> constants = one.constants;
  const auto runner = Runner::Create(split->graph, constants, options);
  ASSERT_THAT(runner, IsOk());

  const Array images = RandomF32({batch, 8, side, side}, 7);
  Array results = F32({batch, 8, side}, std::vector<float>(static_cast<size_t>(batch * 8 * side)));
  // Programs look at addresses only.
  const auto tensor = [](const Array& array) {
    ingot_tensor view{};
    view.data = const_cast<char*>(array.bytes.data());
    return view;
  };
  const ingot_tensor input = tensor(images), output = tensor(results);
  AlignedBuffer workspace(by_row.workspace_bytes(runner->program()));
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  ASSERT_THAT(by_row.Run(runner->program(), sdk::RunContext(context), {&input, 1}, {&output, 1},
                         workspace.data()),
              IsOk());

  const size_t row = static_cast<size_t>(8 * side * side), out = static_cast<size_t>(8 * side);
  for (int64_t i = 0; i < batch; ++i) {
    const float* const begin = images.data<float>() + static_cast<size_t>(i) * row;
    const auto single = runner->Run({F32({1, 8, side, side}, {begin, begin + row})});
    ASSERT_THAT(single, IsOk());
    EXPECT_EQ(
        0, std::memcmp((*single)[0].bytes.data(),
                       results.data<float>() + static_cast<size_t>(i) * out, out * sizeof(float)))
        << "row " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Batches, ByRowTest,
                         testing::Values(std::pair<int64_t, int>{2, 1},
                                         std::pair<int64_t, int>{4, 2},
                                         std::pair<int64_t, int>{3, 2},
                                         std::pair<int64_t, int>{9, 2}));

}  // namespace
}  // namespace ingot::onednn
