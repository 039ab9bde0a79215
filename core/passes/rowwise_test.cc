#include "core/passes/rowwise.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/passes/pipeline.h"
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

// Adds a constant input of f32 and collects its contents.
class Program {
 public:
  explicit Program(int64_t batch) : batch(batch), b("program") {}

  ValueId Constant(ir::Dims dims, std::vector<float> values) {
    auto owner = std::make_shared<std::vector<float>>(std::move(values));
    const ir::TensorType type = {kF32, std::move(dims)};
    const ir::Digest digest = ir::Sha256(owner->data(), owner->size() * sizeof(float));
    constants_.push_back({digest, type, owner->data(), owner});
    return b.Constant(type, digest);
  }
  ValueId Weight(ir::Dims dims) {
    int64_t count = 1;
    for (int64_t dim : dims) count *= dim;
    return Constant(std::move(dims), std::vector<float>(static_cast<size_t>(count), 0.5f));
  }
  ValueId Argument(ir::Dims dims) { return b.Argument({kF32, std::move(dims)}); }

  ir::Recording Finish() && {
    ir::Recording recording;
    recording.graph = *std::move(b).Build();
    recording.constants = std::move(constants_);
    for (const ir::InputSpec& input : recording.graph.inputs()) {
      if (input.role != ir::InputRole::kArgument) continue;
      recording.signature.aliases.push_back({input.index, 0});
      recording.signature.arguments.push_back({recording.graph.type(input.value), {}});
    }
    EXPECT_THAT(RunStandardPasses(recording), IsOk());
    return recording;
  }

  const int64_t batch;
  GraphBuilder b;

 private:
  std::vector<ir::Constant> constants_;
};

using Make = void (*)(Program& p);

absl::StatusOr<RowPlan> Prove(Make make) {
  Program small(5), large(8);
  make(small);
  make(large);
  return ProveRowwise(std::move(small).Finish(), std::move(large).Finish(), 5, 8);
}

struct Case {
  const char* name;
  Make make;
  const char* refusal = nullptr;
};

const Case kProvable[] = {
    {"pointwise with a weight",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       p.b.Result(p.b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{p.Weight({3})}}));
     }},
    {"linear, layer norm and a reduction",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 4, 3});
       const ValueId y = p.b.Op("aten::linear", {ValueRef{x}, ValueRef{p.Weight({6, 3})}, None{}});
       const ValueId z = p.b.Op("aten::layer_norm", {ValueRef{y}, Ints{6}, None{}, None{}});
       p.b.Result(p.b.Op("aten::mean.dim", {ValueRef{z}, Ints{1}}));
     }},
    {"heads merged into the batch and back",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 4, 6});
       const ValueId heads = p.b.Op("aten::view", {ValueRef{x}, Ints{p.batch, 4, 2, 3}});
       const ValueId first = p.b.Op("aten::permute", {ValueRef{heads}, Ints{0, 2, 1, 3}});
       const ValueId q = p.b.Op("aten::reshape", {ValueRef{first}, Ints{p.batch * 2, 4, 3}});
       const ValueId k = p.b.Op("aten::permute", {ValueRef{q}, Ints{0, 2, 1}});
       const ValueId s = p.b.Op("aten::bmm", {ValueRef{q}, ValueRef{k}});
       const ValueId a = p.b.Op("aten::softmax.int", {ValueRef{s}, int64_t{-1}});
       p.b.Result(p.b.Op("aten::view", {ValueRef{a}, Ints{p.batch, 2, 4, 4}}));
     }},
    {"a token that is expanded and put before each row",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 4, 3});
       const ValueId token = p.Argument({1, 1, 3});
       const ValueId all = p.b.Op("aten::expand", {ValueRef{token}, Ints{p.batch, -1, -1}});
       p.b.Result(p.b.Op("aten::cat", {ir::ValueRefList{{all, x}}, int64_t{1}}));
     }},
    {"a constant row for each row",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 2});
       std::vector<float> rows;
       for (int64_t i = 0; i < p.batch * 2; ++i) rows.push_back(static_cast<float>(i));
       const ValueId mask = p.Constant({p.batch, 2}, rows);
       p.b.Result(p.b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{mask}}));
     }},
    {"time first",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 7, 3});
       const ValueId t = p.b.Op("aten::transpose.int", {ValueRef{x}, int64_t{0}, int64_t{1}});
       const ValueId c = p.b.Op("aten::cumsum", {ValueRef{t}, int64_t{0}});
       p.b.Result(p.b.Op("aten::transpose.int", {ValueRef{c}, int64_t{1}, int64_t{0}}));
     }},
};

TEST(ProveRowwiseTest, ProvesWhatTreatsRowsAlike) {
  for (const Case& c : kProvable) EXPECT_THAT(Prove(c.make), IsOk()) << c.name;
}

const Case kRefused[] = {
    {"a softmax over the batch",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       p.b.Result(p.b.Op("aten::softmax.int", {ValueRef{x}, int64_t{0}}));
     },
     "it mixes rows"},
    {"a mean over the batch",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       p.b.Result(p.b.Op("aten::mean.dim", {ValueRef{x}, Ints{0}}));
     },
     "it mixes rows"},
    {"a sum over everything",
     [](Program& p) {
       p.b.Result(p.b.Op("aten::sum", {ValueRef{p.Argument({p.batch, 3})}}));
     },
     "isn't known"},
    {"rows multiplied with one another",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       const ValueId t = p.b.Op("aten::t", {ValueRef{x}});
       p.b.Result(p.b.Op("aten::mm", {ValueRef{t}, ValueRef{x}}));
     },
     "it mixes rows"},
    {"rows interleaved",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 2, 3});
       const ValueId t = p.b.Op("aten::permute", {ValueRef{x}, Ints{1, 0, 2}});
       p.b.Result(p.b.Op("aten::reshape", {ValueRef{t}, Ints{2 * p.batch, 3}}));
     },
     "it mixes rows"},
    {"rows turned round",
     [](Program& p) {
       p.b.Result(p.b.Op("aten::flip", {ValueRef{p.Argument({p.batch, 3})}, Ints{0}}));
     },
     "it mixes rows"},
    {"a number that follows the batch",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       p.b.Result(p.b.Op("aten::mul.Scalar", {ValueRef{x}, static_cast<double>(p.batch)}));
     },
     "follows the batch's size"},
    {"a constant that follows the batch",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       const ValueId scale = p.Constant({1}, {static_cast<float>(p.batch)});
       p.b.Result(p.b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{scale}}));
     },
     "the contents of constant 0 follow"},
    {"constant rows that follow the batch",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch});
       std::vector<float> rows(static_cast<size_t>(p.batch), 1.0f / static_cast<float>(p.batch));
       p.b.Result(p.b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{p.Constant({p.batch}, rows)}}));
     },
     "the contents of constant 0 follow"},
    {"another program for large batches",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       const ValueId y = p.b.Op("aten::neg", {ValueRef{x}});
       p.b.Result(p.batch > 6 ? y : p.b.Op("aten::exp", {ValueRef{y}}));
     },
     "nodes"},
    {"rows in an argument",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       p.b.WriteBack(0, p.b.Op("aten::neg", {ValueRef{x}}));
     },
     "output 0 has rows"},
    {"random numbers",
     [](Program& p) {
       const ValueId x = p.Argument({p.batch, 3});
       const ValueId noise =
           p.b.Op("aten::randn", {Ints{p.batch, 3}, kF32, None{}, None{}, None{}});
       p.b.Result(p.b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{noise}}));
     },
     "random numbers"},
};

TEST(ProveRowwiseTest, RefusesWhatDoesNotAndSaysWhy) {
  for (const Case& c : kRefused) {
    EXPECT_THAT(Prove(c.make),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(c.refusal)))
        << c.name;
  }
}

TEST(ProveRowwiseTest, ThePlanSaysWhichTensorsHaveRows) {
  const absl::StatusOr<RowPlan> plan = Prove([](Program& p) {
    const ValueId x = p.Argument({p.batch, 3}), w = p.Argument({3});
    const ValueId pairs = p.Argument({2 * p.batch, 3});
    p.b.Result(p.b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{w}}));
    p.b.Result(p.b.Op("aten::exp", {ValueRef{w}}));
    p.b.Result(p.b.Op("aten::exp", {ValueRef{pairs}}));
  });
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(plan->argument_rows, ElementsAre(1, 0, 2));
  EXPECT_THAT(plan->result_rows, ElementsAre(1, 0, 2));
}

}  // namespace
}  // namespace ingot::passes
