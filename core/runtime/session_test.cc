// The runtime end to end on the reference backend: what a call checks, what it writes, what is
// cached.
#include "core/runtime/session.h"

#include <thread>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/builder.h"
#include "core/runtime/host_tensor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::runtime {
namespace {

using ir::ValueId;
using ir::ValueRef;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr ir::DType kF32 = ir::DType::kFloat32;

std::shared_ptr<Session> NewSession(Options options = {}) {
  if (options.backend == "auto") options.backend = "reference";
  absl::StatusOr<std::shared_ptr<Session>> session = Session::Create(options);
  EXPECT_THAT(session, IsOk());
  return session.ok() ? *session : nullptr;
}

// A recording of a built graph whose arguments are row-major and share no memory.
ir::Recording Record(ir::GraphBuilder builder) {
  absl::StatusOr<ir::Graph> graph = std::move(builder).Build();
  EXPECT_THAT(graph, IsOk());
  ir::Recording recording;
  recording.graph = *std::move(graph);
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    if (input.role == ir::InputRole::kArgument) {
      recording.signature.aliases.push_back(
          {static_cast<uint32_t>(recording.signature.arguments.size()), 0});
      recording.signature.arguments.push_back({recording.graph.type(input.value), {}});
    }
  }
  return recording;
}

ir::Recording RecordSub() {
  ir::GraphBuilder b("sub");
  const ValueId x = b.Argument({kF32, {2, 3}}), y = b.Argument({kF32, {2, 3}});
  b.Result(b.Op("aten::sub.Tensor", {ValueRef{x}, ValueRef{y}}));
  return Record(std::move(b));
}

HostTensor Tensor(ir::Dims dims, std::vector<float> values, ir::Dims strides = {}) {
  absl::StatusOr<HostTensor> t = HostTensor::Create({kF32, std::move(dims)}, std::move(strides));
  EXPECT_THAT(t, IsOk());
  std::copy(values.begin(), values.end(), t->data<float>());
  return *std::move(t);
}

std::vector<float> Values(const HostTensor& t) {
  return {t.data<float>(), t.data<float>() + t.type().NumElements()};
}

TEST(SessionTest, CompilesOnceAndRunsWithFreshArguments) {
  auto session = NewSession();
  absl::StatusOr<std::shared_ptr<const CompiledGraph>> graph = session->Compile(RecordSub());
  ASSERT_THAT(graph, IsOk());
  for (float x : {1.0f, 5.0f}) {
    HostTensor a = Tensor({2, 3}, {x, x, x, x, x, x}), b = Tensor({2, 3}, {1, 2, 3, 4, 5, 6});
    HostTensor out = Tensor({2, 3}, {});
    ASSERT_THAT((*graph)->Run({a.view(), b.view()}, {out.view()}), IsOk());
    EXPECT_THAT(Values(out), ElementsAre(x - 1, x - 2, x - 3, x - 4, x - 5, x - 6));
  }
}

TEST(SessionTest, EqualGraphsShareOneExecutable) {
  auto session = NewSession();
  ASSERT_THAT(session->Compile(RecordSub()), IsOk());
  ASSERT_THAT(session->Compile(RecordSub()), IsOk());
  EXPECT_EQ(session->metrics().counter("UncachedCompile"), 1u);
  EXPECT_EQ(session->metrics().counter("CachedCompile"), 1u);
}

TEST(SessionTest, AnEqualRecordingIsPreparedOnce) {
  auto session = NewSession();
  ASSERT_THAT(session->Compile(RecordSub()), IsOk());
  const auto again = session->Compile(RecordSub());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(session->metrics().samples().at("PassTime").count, 1u);
  EXPECT_TRUE((*again)->groups()[0].cached);
  HostTensor a = Tensor({2, 3}, {9, 9, 9, 9, 9, 9}), b = Tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  HostTensor out = Tensor({2, 3}, {});
  ASSERT_THAT((*again)->Run({a.view(), b.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(8, 7, 6, 5, 4, 3));
}

TEST(SessionTest, ASignatureOfOtherStridesSharesWhatWasPrepared) {
  auto session = NewSession();
  ASSERT_THAT(session->Compile(RecordSub()), IsOk());
  ir::Recording recording = RecordSub();
  recording.signature.arguments[0].strides = {1, 2};
  const auto graph = session->Compile(std::move(recording));
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(session->metrics().samples().at("PassTime").count, 1u);
  HostTensor a = Tensor({2, 3}, {1, 4, 2, 5, 3, 6}, {1, 2});  // 1 2 3 / 4 5 6
  HostTensor b = Tensor({2, 3}, {0, 0, 0, 1, 1, 1}), out = Tensor({2, 3}, {});
  ASSERT_THAT((*graph)->Run({a.view(), b.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(1, 2, 3, 3, 4, 5));
}

TEST(SessionTest, NothingIsKeptWithoutACache) {
  Options options;
  options.cache_bytes = 0;
  auto session = NewSession(options);
  ASSERT_THAT(session->Compile(RecordSub()), IsOk());
  ASSERT_THAT(session->Compile(RecordSub()), IsOk());
  EXPECT_EQ(session->metrics().samples().at("PassTime").count, 2u);
  EXPECT_EQ(session->metrics().counter("UncachedCompile"), 2u);
}

// x * w, with w in the caller's memory.
ir::Recording RecordScale(std::vector<float>& weight, bool is_live) {
  ir::Constant constant;
  constant.type = {kF32, {2}};
  constant.data = weight.data();
  constant.digest = ir::Sha256(ir::BytesOf(constant));
  constant.is_live = is_live;
  ir::GraphBuilder b("scale");
  const ValueId x = b.Argument({kF32, {2}});
  const ValueId w = b.Constant(constant.type, constant.digest);
  b.Result(b.Op("aten::mul.Tensor", {ValueRef{x}, ValueRef{w}}));
  ir::Recording recording = Record(std::move(b));
  recording.constants.push_back(constant);
  return recording;
}

TEST(SessionTest, ProgramsWithEqualLiveWeightsReadTheirOwn) {
  auto session = NewSession();
  std::vector<float> student = {1, 2}, teacher = {1, 2};
  ASSERT_THAT(session->Compile(RecordScale(student, true)), IsOk());
  const auto graph = session->Compile(RecordScale(teacher, true));
  ASSERT_THAT(graph, IsOk());
  student = {7, 7};
  HostTensor x = Tensor({2}, {1, 1}), out = Tensor({2}, {});
  ASSERT_THAT((*graph)->Run({x.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(1, 2));
  EXPECT_EQ(session->metrics().counter("UncachedCompile"), 2u);
}

TEST(SessionTest, OneProgramsLiveWeightsAreCompiledOnce) {
  auto session = NewSession();
  std::vector<float> weight = {1, 2}, other = {1, 2};
  for (std::vector<float>* memory : {&weight, &other, &weight, &other}) {
    ASSERT_THAT(session->Compile(RecordScale(*memory, true)), IsOk());
  }
  EXPECT_EQ(session->metrics().counter("UncachedCompile"), 2u);
  EXPECT_EQ(session->metrics().counter("CachedCompile"), 2u);
}

// x + w.t(), and w * w, with w in the caller's memory.
ir::Recording RecordTransposed(std::vector<float>& weight, bool is_live) {
  ir::Recording scale = RecordScale(weight, is_live);
  ir::GraphBuilder b("transposed");
  const ValueId x = b.Argument({kF32, {2, 1}});
  ir::Constant constant = scale.constants[0];
  constant.type = {kF32, {1, 2}};
  const ValueId w = b.Constant(constant.type, constant.digest);
  const ValueId t = b.Op("aten::permute", {ValueRef{w}, std::vector<int64_t>{1, 0}});
  b.Result(b.Op("aten::add.Tensor", {ValueRef{x}, ValueRef{t}}));
  b.Result(b.Op("aten::mul.Tensor", {ValueRef{w}, ValueRef{w}}));
  ir::Recording recording = Record(std::move(b));
  recording.constants.push_back(constant);
  return recording;
}

TEST(SessionTest, APreparedGraphThatMustBeCompiledAfterAllHasItsFoldedConstants) {
  auto session = NewSession();
  std::vector<float> student = {1, 2}, teacher = {1, 2};
  ASSERT_THAT(session->Compile(RecordTransposed(student, true)), IsOk());
  const auto graph = session->Compile(RecordTransposed(teacher, true));
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(session->metrics().counter("UncachedCompile"), 2u);
  HostTensor x = Tensor({2, 1}, {10, 20});
  HostTensor sum = Tensor({2, 1}, {}), square = Tensor({1, 2}, {});
  ASSERT_THAT((*graph)->Run({x.view()}, {sum.view(), square.view()}), IsOk());
  EXPECT_THAT(Values(sum), ElementsAre(11, 22));
  EXPECT_THAT(Values(square), ElementsAre(1, 4));
}

TEST(SessionTest, EqualWeightsThatNobodyWritesAreShared) {
  auto session = NewSession();
  std::vector<float> a = {1, 2}, b = {1, 2};
  ASSERT_THAT(session->Compile(RecordScale(a, false)), IsOk());
  ASSERT_THAT(session->Compile(RecordScale(b, false)), IsOk());
  EXPECT_EQ(session->metrics().counter("CachedCompile"), 1u);
}

TEST(SessionTest, ALiveGraphSurvivesEviction) {
  auto session = NewSession();
  absl::StatusOr<std::shared_ptr<const CompiledGraph>> graph = session->Compile(RecordSub());
  ASSERT_THAT(graph, IsOk());
  session->ClearCache();
  session.reset();
  HostTensor a = Tensor({2, 3}, {1, 1, 1, 1, 1, 1}), out = Tensor({2, 3}, {});
  EXPECT_THAT((*graph)->Run({a.view(), a.view()}, {out.view()}), IsOk());
}

TEST(SessionTest, ForcedFallbackFailsByNameAndIsResettable) {
  auto session = NewSession();
  session->set_force_fallback({"aten::sub"});
  EXPECT_THAT(session->Compile(RecordSub()),
              StatusIs(absl::StatusCode::kUnimplemented, ContainsRegex("fallback.*aten::sub")));
  EXPECT_EQ(session->metrics().counter("fallback.aten::sub.Tensor"), 1u);
  session->set_force_fallback({});
  EXPECT_THAT(session->Compile(RecordSub()), IsOk());
  session->set_force_fallback({"aten::su"});
  EXPECT_THAT(session->Compile(RecordSub()), IsOk());
}

TEST(SessionTest, AnUnknownBackendIsRefusedByName) {
  Options options;
  options.backend = "nosuch";
  EXPECT_THAT(Session::Create(options), StatusIs(absl::StatusCode::kNotFound, HasSubstr("nosuch")));
}

TEST(CompiledGraphTest, WrongArgumentsAreNamed) {
  auto session = NewSession();
  auto graph = *session->Compile(RecordSub());
  HostTensor a = Tensor({2, 3}, {}), wide = Tensor({3, 2}, {}),
             strided = Tensor({2, 3}, {}, {1, 2});
  HostTensor out = Tensor({2, 3}, {});
  absl::StatusOr<HostTensor> ints = HostTensor::Create({ir::DType::kInt64, {2, 3}});
  EXPECT_THAT(graph->Run({a.view()}, {out.view()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("takes 2 arguments, not 1")));
  EXPECT_THAT(graph->Run({a.view(), wide.view()}, {out.view()}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("argument 1 is f32[3,2]"), HasSubstr("f32[2,3]"))));
  EXPECT_THAT(graph->Run({ints->view(), a.view()}, {out.view()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("argument 0 is i64[2,3]")));
  EXPECT_THAT(graph->Run({strided.view(), a.view()}, {out.view()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("strides [1,2]")));
  EXPECT_THAT(graph->Run({a.view(), a.view()}, {wide.view()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("result 0")));
  EXPECT_THAT(graph->Run({a.view(), a.view()}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 results, not 0")));
}

TEST(CompiledGraphTest, WritesBackAndReturns) {
  ir::GraphBuilder b("inplace");
  const ValueId x = b.Argument({kF32, {2}}), y = b.Argument({kF32, {2}});
  const ValueId d = b.Op("aten::sub.Tensor", {ValueRef{x}, ValueRef{y}});
  b.Result(b.Op("aten::mul.Tensor", {ValueRef{d}, ValueRef{d}}));
  b.WriteBack(0, d);
  auto graph = *NewSession()->Compile(Record(std::move(b)));
  EXPECT_THAT(graph->written_arguments(), ElementsAre(0));
  HostTensor a = Tensor({2}, {5, 7}), c = Tensor({2}, {1, 2}), out = Tensor({2}, {});
  ASSERT_THAT(graph->Run({a.view(), c.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(a), ElementsAre(4, 5));
  EXPECT_THAT(Values(c), ElementsAre(1, 2));
  EXPECT_THAT(Values(out), ElementsAre(16, 25));
  EXPECT_THAT(graph->Run({a.view(), a.view()}, {out.view()}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("arguments 0")));
  EXPECT_THAT(Values(a), ElementsAre(4, 5));
}

TEST(CompiledGraphTest, StridedArgumentsAndResultsKeepTheirStrides) {
  ir::Recording recording = RecordSub();
  recording.signature.arguments[0].strides = {1, 2};
  recording.graph.mutable_outputs()[0].strides = {1, 2};
  auto graph = *NewSession()->Compile(std::move(recording));
  HostTensor a = Tensor({2, 3}, {1, 4, 2, 5, 3, 6}, {1, 2});  // 1 2 3 / 4 5 6
  HostTensor b = Tensor({2, 3}, {0, 0, 0, 1, 1, 1}), out = Tensor({2, 3}, {}, {1, 2});
  ASSERT_THAT(graph->Run({a.view(), b.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(1, 3, 2, 4, 3, 5));
}

TEST(CompiledGraphTest, StateIsKeptBetweenCallsAndPerStream) {
  ir::GraphBuilder b("counter");
  const ValueId x = b.Argument({kF32, {1}}), s = b.State({kF32, {1}});
  const ValueId next = b.Op("aten::add.Tensor", {ValueRef{s}, ValueRef{x}});
  b.StateUpdate(0, next);
  b.Result(next);
  ir::Recording recording = Record(std::move(b));
  auto zero = std::make_shared<std::vector<float>>(1, 10.0f);
  recording.initial_state.push_back({ir::Sha256(zero->data(), 4), {kF32, {1}}, zero->data(), zero});
  auto graph = *NewSession()->Compile(std::move(recording));
  ASSERT_TRUE(graph->is_stateful());
  HostTensor one = Tensor({1}, {1}), out = Tensor({1}, {});
  std::unique_ptr<State> other = graph->NewState();
  RunContext context;
  ASSERT_THAT(graph->Run({one.view()}, {out.view()}), IsOk());
  ASSERT_THAT(graph->Run({one.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(12));
  context.state = other.get();
  ASSERT_THAT(graph->Run({one.view()}, {out.view()}, context), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(11));
  graph->default_state().Reset();
  ASSERT_THAT(graph->Run({one.view()}, {out.view()}), IsOk());
  EXPECT_THAT(Values(out), ElementsAre(11));
  auto stranger = *NewSession()->Compile(RecordSub());
  std::unique_ptr<State> foreign = stranger->NewState();
  context.state = foreign.get();
  EXPECT_THAT(graph->Run({one.view()}, {out.view()}, context),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another program")));
}

TEST(CompiledGraphTest, RandomDrawsAreFreshAndReproducibleBySeed) {
  ir::GraphBuilder b("noise");
  b.Result(
      b.Op("aten::randn", {std::vector<int64_t>{4}, kF32, ir::None{}, ir::None{}, ir::None{}}));
  auto graph = *NewSession()->Compile(Record(std::move(b)));
  ASSERT_TRUE(graph->is_random());
  HostTensor first = Tensor({4}, {}), second = Tensor({4}, {});
  ASSERT_THAT(graph->Run({}, {first.view()}), IsOk());
  ASSERT_THAT(graph->Run({}, {second.view()}), IsOk());
  EXPECT_NE(Values(first), Values(second));
  RunContext context;
  context.seed = 3;
  ASSERT_THAT(graph->Run({}, {first.view()}, context), IsOk());
  ASSERT_THAT(graph->Run({}, {second.view()}, context), IsOk());
  EXPECT_EQ(Values(first), Values(second));
}

TEST(CompiledGraphTest, CancelledAndLateCallsStop) {
  auto graph = *NewSession()->Compile(RecordSub());
  HostTensor a = Tensor({2, 3}, {}), out = Tensor({2, 3}, {});
  CancelToken token;
  RunContext context;
  context.cancel = &token;
  EXPECT_THAT(graph->Run({a.view(), a.view()}, {out.view()}, context), IsOk());
  token.Cancel();
  EXPECT_THAT(graph->Run({a.view(), a.view()}, {out.view()}, context),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("cancelled")));
  context.cancel = nullptr;
  context.deadline = absl::UnixEpoch();
  EXPECT_THAT(graph->Run({a.view(), a.view()}, {out.view()}, context),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("deadline")));
}

TEST(CompiledGraphTest, ManyThreadsShareOneGraph) {
  auto graph = *NewSession()->Compile(RecordSub());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&graph, t] {
      const float x = static_cast<float>(t);
      HostTensor a = Tensor({2, 3}, {x, x, x, x, x, x}), b = Tensor({2, 3}, {1, 1, 1, 1, 1, 1});
      HostTensor out = Tensor({2, 3}, {});
      for (int i = 0; i < 200; ++i) {
        ASSERT_THAT(graph->Run({a.view(), b.view()}, {out.view()}), IsOk());
        ASSERT_EQ(out.data<float>()[5], x - 1);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace ingot::runtime
