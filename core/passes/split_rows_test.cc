#include "core/passes/split_rows.h"

#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/ir/verifier.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::passes {
namespace {

using ir::GraphBuilder;
using ir::None;
using ir::ValueId;
using ir::ValueRef;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<int64_t>;

constexpr ir::DType kF32 = ir::DType::kFloat32;

ValueId Weight(GraphBuilder& b, ir::Dims dims) { return b.Constant({kF32, std::move(dims)}, {}); }

// x: f32[8, 3, 16, 16]
using Make = void (*)(GraphBuilder& b, ValueId x);

ir::Graph Graph(Make make) {
  GraphBuilder b("batch");
  make(b, b.Argument({kF32, {8, 3, 16, 16}}));
  auto graph = std::move(b).Build();
  EXPECT_THAT(graph, IsOk());
  return *std::move(graph);
}

ValueId Convolution(GraphBuilder& b, ValueId x, int64_t inputs, int64_t outputs) {
  return b.Op("aten::convolution",
              {ValueRef{x}, ValueRef{Weight(b, {outputs, inputs, 3, 3})}, None{}, Ints{2, 2},
               Ints{1, 1}, Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
}

struct Case {
  const char* name;
  Make make;
  const char* refusal = nullptr;
};

const Case kSplit[] = {
    {"a classifier",
     [](GraphBuilder& b, ValueId x) {
       const ValueId y = b.Op("aten::relu", {ValueRef{Convolution(b, x, 3, 4)}});
       const ValueId pooled = b.Op("aten::mean.dim", {ValueRef{y}, Ints{2, 3}, true});
       const ValueId flat = b.Op("aten::view", {ValueRef{pooled}, Ints{8, 4}});
       b.Result(b.Op("aten::linear", {ValueRef{flat}, ValueRef{Weight(b, {10, 4})}, None{}}));
     }},
    {"sizes left to be inferred",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::reshape", {ValueRef{x}, Ints{-1, 768}}));
     }},
    {"tokens, with one more expanded before them",
     [](GraphBuilder& b, ValueId x) {
       const ValueId tokens = b.Op("aten::view", {ValueRef{x}, Ints{8, 48, 16}});
       const ValueId first =
           b.Op("aten::expand", {ValueRef{Weight(b, {1, 1, 16})}, Ints{8, 1, 16}});
       b.Result(b.Op("aten::cat", {ir::ValueRefList{{first, tokens}}, int64_t{1}}));
     }},
    {"windows merged into the batch and back",
     [](GraphBuilder& b, ValueId x) {
       const ValueId windows = b.Op("aten::view", {ValueRef{x}, Ints{24, 16, 16}});
       const ValueId y = b.Op("aten::softmax.int", {ValueRef{windows}, int64_t{-1}});
       b.Result(b.Op("aten::view", {ValueRef{y}, Ints{8, 3, 256}}));
     }},
    {"a number that is the batch's size",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::mul.Scalar", {ValueRef{x}, 8.0}));
     }},
};

TEST(SplitRowsTest, SplitsWhatKeepsRowsApart) {
  for (const Case& c : kSplit) {
    const ir::Graph graph = Graph(c.make);
    for (const int64_t rows : {1, 2}) {
      const absl::StatusOr<RowSplit> split = SplitRows(graph, BatchSize(graph), rows);
      ASSERT_THAT(split, IsOk()) << c.name;
      EXPECT_THAT(ir::Verify(split->graph), IsOk()) << c.name;
      EXPECT_EQ(split->graph.type(graph.inputs()[0].value).dims[0], rows) << c.name;
      const ValueId result = graph.outputs()[0].value;
      EXPECT_EQ(split->graph.type(result).dims[0] * (8 / rows), graph.type(result).dims[0])
          << c.name;
    }
  }
}

const Case kWhole[] = {
    {"a mean over the batch",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::mean.dim", {ValueRef{x}, Ints{0}}));
     },
     "it mixes rows"},
    {"a softmax over the batch",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::softmax.int", {ValueRef{x}, int64_t{0}}));
     },
     "it mixes rows"},
    {"rows turned round",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::flip", {ValueRef{x}, Ints{0}}));
     },
     "it mixes rows"},
    {"a weight for each row",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{Weight(b, {8, 1, 1, 1})}}));
     },
     "rows"},
    {"rows interleaved",
     [](GraphBuilder& b, ValueId x) {
       const ValueId t = b.Op("aten::permute", {ValueRef{x}, Ints{1, 0, 2, 3}});
       b.Result(b.Op("aten::reshape", {ValueRef{t}, Ints{24, 256}}));
     },
     "aten::reshape"},
    {"a result that all rows share",
     [](GraphBuilder& b, ValueId x) {
       b.Result(b.Op("aten::neg", {ValueRef{x}}));
       b.Result(b.Op("aten::neg", {ValueRef{Weight(b, {3})}}));
     },
     "result 1 has no rows"},
    {"rows that go back into the argument",
     [](GraphBuilder& b, ValueId x) {
       b.WriteBack(0, b.Op("aten::neg", {ValueRef{x}}));
       b.Result(b.Op("aten::exp", {ValueRef{x}}));
     },
     "output 0 has rows"},
    {"an op of which nothing is known",
     [](GraphBuilder& b, ValueId x) { b.Result(b.Op("aten::sum", {ValueRef{x}})); }, "isn't known"},
};

TEST(SplitRowsTest, RefusesWhatDoesNotAndSaysWhy) {
  for (const Case& c : kWhole) {
    const ir::Graph graph = Graph(c.make);
    EXPECT_THAT(SplitRows(graph, 8, 1).status(),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(c.refusal)))
        << c.name;
  }
}

TEST(SplitRowsTest, SaysWhichTensorsHaveRows) {
  GraphBuilder b("mixed");
  const ValueId x = b.Argument({kF32, {8, 4}}), w = b.Argument({kF32, {4}});
  const ValueId pairs = b.Argument({kF32, {16, 4}});
  b.Result(b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{w}}));
  b.Result(b.Op("aten::mul.Tensor", {ValueRef{pairs}, ValueRef{Weight(b, {4})}}));
  const auto graph = std::move(b).Build();
  ASSERT_THAT(graph, IsOk());
  const auto split = SplitRows(*graph, 8, 1);
  ASSERT_THAT(split, IsOk());
  EXPECT_THAT(split->input_rows, ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(split->output_rows, ElementsAre(1, 2));
}

TEST(BatchSizeTest, IsTheLeadingSizeOfTheLargestArgument) {
  GraphBuilder b("sizes");
  b.Argument({kF32, {1000000}});
  b.Argument({kF32, {2, 3}});
  b.Argument({kF32, {6, 5, 5}});
  const ValueId y = b.Argument({kF32, {}});
  b.Result(b.Op("aten::neg", {ValueRef{y}}));
  const auto graph = std::move(b).Build();
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(BatchSize(*graph), 6);
  EXPECT_EQ(BatchSize(ir::Graph()), 1);
}

}  // namespace
}  // namespace ingot::passes
