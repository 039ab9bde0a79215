#include "backends/reference/executable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/plugin/tensor.h"

namespace ingot::reference {
namespace {

using absl::StatusCode;
using ir::DType;
using ir::ValueRef;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// An executable with buffers for its inputs and outputs.
class Program {
 public:
  explicit Program(ir::GraphBuilder builder) {
    absl::StatusOr<ir::Graph> graph = std::move(builder).Build();
    EXPECT_THAT(graph, IsOk());
    graph_ = *std::move(graph);
    executable_ = ReferenceExecutable::Compile(graph_, {});
    for (const auto& input : graph_.inputs()) AddTensor(input.value, inputs_);
    for (const auto& output : graph_.outputs()) AddTensor(output.value, outputs_);
    workspace_ = std::aligned_alloc(64, (executable_->workspace_bytes() + 63) / 64 * 64);
  }
  ~Program() { std::free(workspace_); }

  template <typename T>
  T* Input(size_t i) {
    return plugin::TensorData<T>(inputs_[i]);
  }
  template <typename T>
  std::vector<T> Output(size_t i) {
    const T* data = plugin::TensorData<T>(outputs_[i]);
    return std::vector<T>(data, data + graph_.type(graph_.outputs()[i].value).NumElements());
  }
  absl::Status Run(ingot_run_context context = {}) {
    return executable_->Execute(sdk::RunContext(context), inputs_, outputs_, workspace_);
  }
  const ReferenceExecutable& executable() const { return *executable_; }

 private:
  void AddTensor(ir::ValueId value, std::vector<ingot_tensor>& tensors) {
    const ir::TensorType& type = graph_.type(value);
    storage_.emplace_back(type.NumBytes() + 8);
    strides_.push_back(ir::ContiguousStrides(type.dims));
    tensors.push_back(
        plugin::MakeTensor(storage_.back().data(), type.dtype, type.dims, strides_.back()));
  }

  ir::Graph graph_;
  std::unique_ptr<ReferenceExecutable> executable_;
  std::deque<std::vector<char>> storage_;
  std::deque<ir::Dims> strides_;
  std::vector<ingot_tensor> inputs_, outputs_;
  void* workspace_;
};

TEST(ReferenceExecutableTest, RunsStepsInOrder) {
  ir::GraphBuilder b;
  const ir::ValueId x = b.Argument({DType::kFloat32, {2}}), s = b.Scalar(DType::kFloat64);
  const ir::ValueId y = b.Op("aten::mul.Scalar", {ValueRef{x}, ValueRef{s}});
  b.Result(b.Op("aten::sub.Tensor", {ValueRef{y}, ValueRef{x}}));
  Program program(std::move(b));
  program.Input<float>(0)[0] = 1;
  program.Input<float>(0)[1] = -2;
  *program.Input<double>(1) = 2.5;
  ASSERT_THAT(program.Run(), IsOk());
  EXPECT_THAT(program.Output<float>(0), ElementsAre(1.5f, -3.0f));
}

TEST(ReferenceExecutableTest, InputsAndRepeatedValuesCanBeOutputs) {
  ir::GraphBuilder b;
  const ir::ValueId x = b.Argument({DType::kInt64, {1}});
  const ir::ValueId y = b.Op("aten::neg", {ValueRef{x}});
  for (ir::ValueId id : {y, x, y}) b.Result(id);
  Program program(std::move(b));
  *program.Input<int64_t>(0) = 7;
  ASSERT_THAT(program.Run(), IsOk());
  EXPECT_THAT(program.Output<int64_t>(0), ElementsAre(-7));
  EXPECT_THAT(program.Output<int64_t>(1), ElementsAre(7));
  EXPECT_THAT(program.Output<int64_t>(2), ElementsAre(-7));
}

TEST(ReferenceExecutableTest, ValuesWhoseLivesDoNotOverlapShareBytes) {
  ir::GraphBuilder b;
  ir::ValueId x = b.Argument({DType::kFloat32, {1 << 16}});
  for (int i = 0; i < 20; ++i) x = b.Op("aten::neg", {ValueRef{x}});
  b.Result(x);
  Program program(std::move(b));
  program.Input<float>(0)[5] = 3;
  EXPECT_LT(program.executable().workspace_bytes(), size_t{3} * 4 << 16);
  ASSERT_THAT(program.Run(), IsOk());
  EXPECT_EQ(program.Output<float>(0)[5], 3);
}

TEST(ReferenceExecutableTest, BadDataIsAnError) {
  ir::GraphBuilder b;
  const ir::ValueId table = b.Argument({DType::kFloat32, {4, 2}});
  const ir::ValueId index = b.Argument({DType::kInt64, {1}});
  b.Result(b.Op("aten::embedding", {ValueRef{table}, ValueRef{index}}));
  Program program(std::move(b));
  for (int64_t bad : {int64_t{4}, int64_t{-1}, int64_t{1} << 60}) {
    *program.Input<int64_t>(1) = bad;
    EXPECT_THAT(program.Run(),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("aten::embedding")));
  }
}

TEST(ReferenceExecutableTest, IntegerDivisionByZeroIsAnError) {
  ir::GraphBuilder b;
  const ir::ValueId x = b.Argument({DType::kInt32, {1}}), y = b.Argument({DType::kInt32, {1}});
  b.Result(b.Op("aten::remainder.Tensor", {ValueRef{x}, ValueRef{y}}));
  Program program(std::move(b));
  *program.Input<int32_t>(0) = 1;
  *program.Input<int32_t>(1) = 0;
  EXPECT_THAT(program.Run(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("divided by zero")));
}

TEST(ReferenceExecutableTest, DrawsFollowTheSeed) {
  ir::GraphBuilder b;
  for (int i = 0; i < 2; ++i) {
    b.Result(b.Op("aten::randn", {std::vector<int64_t>{10000}}));
  }
  Program program(std::move(b));
  *program.Input<int64_t>(0) = 42;
  ASSERT_THAT(program.Run(), IsOk());
  const std::vector<float> first = program.Output<float>(0);
  EXPECT_NE(first, program.Output<float>(1));  // another node
  ASSERT_THAT(program.Run(), IsOk());
  EXPECT_EQ(first, program.Output<float>(0));  // the same seed
  *program.Input<int64_t>(0) = 43;
  ASSERT_THAT(program.Run(), IsOk());
  EXPECT_NE(first, program.Output<float>(0));
  double mean = 0, square = 0;
  for (float x : first) mean += x / 1e4, square += x * x / 1e4;
  EXPECT_NEAR(mean, 0, 0.04);  // four standard errors
  EXPECT_NEAR(square, 1, 0.06);
}

TEST(ReferenceExecutableTest, CancellationStopsBetweenSteps) {
  ir::GraphBuilder b;
  b.Result(b.Op("aten::neg", {ValueRef{b.Argument({DType::kFloat32, {1}})}}));
  Program program(std::move(b));
  const ingot_cancel cancel = {[](void*) { return int32_t{1}; }, nullptr};
  EXPECT_THAT(program.Run({.struct_size = sizeof(ingot_run_context), .cancel = &cancel}),
              StatusIs(StatusCode::kCancelled));
}

TEST(ReferenceExecutableTest, TracesEachStep) {
  ir::GraphBuilder b;
  const ir::ValueId x = b.Argument({DType::kFloat32, {1}});
  b.Result(b.Op("aten::relu", {ValueRef{b.Op("aten::neg", {ValueRef{x}})}}));
  Program program(std::move(b));
  std::vector<std::pair<uint32_t, std::string>> steps;
  ingot_run_context context{.struct_size = sizeof(ingot_run_context)};
  context.trace_ctx = &steps;
  context.trace = [](void* ctx, uint32_t node, const char* name, int64_t begin, int64_t end) {
    EXPECT_LE(begin, end);
    static_cast<decltype(steps)*>(ctx)->emplace_back(node, name);
  };
  ASSERT_THAT(program.Run(context), IsOk());
  EXPECT_THAT(steps, ElementsAre(Pair(0, "aten::neg"), Pair(1, "aten::relu")));
  EXPECT_EQ(program.executable().plan_json(),
            R"([{"node":0,"op":"aten::neg","impl":"reference"},)"
            R"({"node":1,"op":"aten::relu","impl":"reference"}])");
}

}  // namespace
}  // namespace ingot::reference
