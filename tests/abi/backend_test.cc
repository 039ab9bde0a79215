#include "core/plugin/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/plugin/loader.h"
#include "core/plugin/tensor.h"

namespace ingot::plugin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kNodes = 3;
const ir::TensorType kType = {ir::DType::kFloat32, {2}};

std::shared_ptr<const Plugin> Load(const std::string& name) {
  return LoadPlugin(std::string(std::getenv("TEST_SRCDIR")) + "/ingot/tests/abi/plugins/libingot_" +
                    name + ".so")
      .value();
}

absl::StatusOr<std::shared_ptr<const Backend>> CreateHostile(const std::string& behaviour) {
  return Backend::Create(Load("hostile"), {{"nodes", int64_t{kNodes}}, {"behaviour", behaviour}});
}

// A chain of opaque nodes over one argument, with a constant on the side.
ir::Graph MakeGraph() {
  ir::Graph graph("test");
  ir::ValueId value = graph.AddInput(ir::InputSpec{}, kType);
  ir::InputSpec constant;
  constant.role = ir::InputRole::kConstant;
  graph.AddInput(constant, kType);
  for (int n = 0; n < kNodes; ++n) {
    graph.AddNode("test::copy", {ir::ValueRef{value}}, {kType});
    value = graph.node(n).outputs[0];
  }
  graph.AddOutput(ir::OutputSpec{}, value);
  graph.set_result_structure(ir::Structure::Tensor(0));
  return graph;
}

ir::Constant MakeConstant(std::shared_ptr<std::vector<float>> data) {
  return {ir::Digest{}, kType, data->data(), data};
}

absl::StatusOr<std::shared_ptr<const Executable>> CompileOn(
    const Backend& backend, const std::function<bool()>& cancelled = {}) {
  const auto data = std::make_shared<std::vector<float>>(2);
  return backend.Compile(MakeGraph(), {MakeConstant(data)}, cancelled);
}

absl::Status Execute(const Executable& executable, const ingot_cancel* cancel = nullptr,
                     std::vector<float>* result = nullptr) {
  std::vector<float> x = {1, 2};
  std::vector<float> y = {0, 0};
  const int64_t dims[] = {2};
  const int64_t strides[] = {1};
  const ingot_tensor input = MakeTensor(x.data(), ir::DType::kFloat32, dims, strides);
  const ingot_tensor output = MakeTensor(y.data(), ir::DType::kFloat32, dims, strides);
  ingot_run_context context{};
  context.struct_size = sizeof(context);
  context.cancel = cancel;
  alignas(64) char workspace[64];
  const absl::Status status = executable.Execute(context, {&input, 1}, {&output, 1}, workspace);
  if (result != nullptr) *result = y;
  return status;
}

// --- A plugin that behaves, of every minor ---

class GoodPluginTest : public testing::TestWithParam<const char*> {};

TEST_P(GoodPluginTest, Works) {
  const auto backend = Backend::Create(Load(GetParam()), {{"nodes", int64_t{kNodes}}});
  ASSERT_THAT(backend, IsOk());
  EXPECT_EQ((*backend)->name(), "hostile");
  EXPECT_EQ((*backend)->version(), "1");
  EXPECT_EQ((*backend)->library_version(), "");
  const auto support = (*backend)->Query(MakeGraph());
  ASSERT_THAT(support, IsOk());
  for (const NodeSupport& node : *support) EXPECT_TRUE(node.claimed);
  const auto executable = CompileOn(**backend);
  ASSERT_THAT(executable, IsOk());
  EXPECT_EQ((*executable)->workspace_bytes(), 64u);
  EXPECT_EQ((*executable)->retained_bytes(), 5u);
  EXPECT_FALSE((*executable)->needs_constants());
  std::vector<float> result;
  EXPECT_THAT(Execute(**executable, nullptr, &result), IsOk());
  EXPECT_THAT(result, ElementsAre(1, 2));
}

INSTANTIATE_TEST_SUITE_P(Cases, GoodPluginTest,
                         testing::Values("hostile", "older_minor", "newer_minor", "frozen_v1_0",
                                         "frozen_v1_1"));

TEST(BackendTest, AnExecutableOutlivesItsBackendsLastUser) {
  auto backend = CreateHostile("").value();
  const auto executable = CompileOn(*backend).value();
  backend.reset();
  EXPECT_THAT(Execute(*executable), IsOk());
}

TEST(BackendTest, AnExecutableRunsInManyThreads) {
  const auto backend = CreateHostile("").value();
  const auto executable = CompileOn(*backend).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&executable] {
      for (int k = 0; k < 100; ++k) EXPECT_THAT(Execute(*executable), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(BackendTest, KeepsConstantsThatTheExecutablePointsInto) {
  for (const bool needed : {false, true}) {
    const auto backend = CreateHostile(needed ? "executable_info: needs constants" : "").value();
    auto data = std::make_shared<std::vector<float>>(2);
    const auto executable = backend->Compile(MakeGraph(), {MakeConstant(data)});
    ASSERT_THAT(executable, IsOk());
    EXPECT_EQ(data.use_count(), needed ? 2 : 1);
  }
}

// A file whose pages nobody maps: counts what is given back.
class FakeMapping : public ReadableMapping {
 public:
  absl::string_view bytes() const override { return ""; }
  void Evict(absl::string_view range) const override { evicted += range.size(); }
  mutable size_t evicted = 0;
};

TEST(BackendTest, GivesBackAConstantThatWasDropped) {
  const auto backend = CreateHostile("compile: drop a constant").value();
  const auto data = std::make_shared<std::vector<float>>(2);
  const FakeMapping file;
  ir::Constant constant = MakeConstant(data);
  constant.file = &file;
  const auto executable = backend->Compile(MakeGraph(), {constant});
  ASSERT_THAT(executable, IsOk());
  EXPECT_TRUE((*executable)->needs_constants());
  EXPECT_EQ(file.evicted, 2 * sizeof(float));  // once, however often it was said
  constant.owner.reset();
  EXPECT_EQ(data.use_count(), 1);
}

TEST(BackendTest, GivesBackConstantsThatNoExecutableNeeds) {
  const FakeMapping file;
  ir::Constant constant = MakeConstant(std::make_shared<std::vector<float>>(2));
  constant.file = &file;
  ASSERT_THAT(CreateHostile("").value()->Compile(MakeGraph(), {constant}), IsOk());
  EXPECT_EQ(file.evicted, 2 * sizeof(float));
}

TEST(BackendTest, GivesBackWhatCompilingReadOfConstantsThatStay) {
  const auto data = std::make_shared<std::vector<float>>(2);
  const FakeMapping file;
  ir::Constant constant = MakeConstant(data);
  constant.file = &file;
  const auto backend = CreateHostile("executable_info: needs constants").value();
  const auto executable = backend->Compile(MakeGraph(), {constant});
  ASSERT_THAT(executable, IsOk());
  EXPECT_EQ(file.evicted, 2 * sizeof(float));
  constant.owner.reset();
  EXPECT_EQ(data.use_count(), 2);
}

TEST(BackendTest, RefusesAWrongNumberOfConstants) {
  EXPECT_THAT(CreateHostile("").value()->Compile(MakeGraph(), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 constants")));
}

TEST(BackendTest, RefusesUnknownOptions) {
  EXPECT_THAT(Backend::Create(Load("hostile"), {{"speed", 1.5}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("known options: behaviour, factor, nodes")));
}

std::string FingerprintWith(const std::vector<BackendOption>& options) {
  return Backend::Create(Load("hostile"), options).value()->fingerprint();
}

TEST(BackendTest, FingerprintHasTheOptionsThatAffectCode) {
  const std::string plain = FingerprintWith({});
  EXPECT_THAT(plain, AllOf(HasSubstr("hostile"), HasSubstr("isa")));
  EXPECT_EQ(FingerprintWith({{"nodes", int64_t{5}}}), plain) << "declared irrelevant";
  EXPECT_NE(FingerprintWith({{"factor", int64_t{1}}}), plain);
  // Values of different types and values that print alike are different.
  EXPECT_NE(FingerprintWith({{"factor", int64_t{1}}}), FingerprintWith({{"factor", true}}));
  EXPECT_NE(FingerprintWith({{"factor", int64_t{1}}}),
            FingerprintWith({{"factor", std::string("1")}}));
  EXPECT_NE(FingerprintWith({{"factor", 0.1}}), FingerprintWith({{"factor", 0.1 + 1e-17 * 10}}));
}

TEST(BackendTest, OfTwoOptionsOfOneNameTheLaterCounts) {
  EXPECT_EQ(FingerprintWith({{"factor", int64_t{1}}, {"factor", int64_t{2}}}),
            FingerprintWith({{"factor", int64_t{2}}}));
}

// --- One that does not ---

struct Misbehaviour {
  const char* behaviour;
  absl::StatusCode code;
  const char* message;
};

std::string TestName(const testing::TestParamInfo<Misbehaviour>& info) {
  std::string name;
  for (const char c : std::string(info.param.behaviour)) {
    if (std::isalnum(c) != 0) name += c;
  }
  return name;
}

constexpr auto kInternal = absl::StatusCode::kInternal;

class CreateTest : public testing::TestWithParam<Misbehaviour> {};
TEST_P(CreateTest, Fails) {
  EXPECT_THAT(CreateHostile(GetParam().behaviour),
              StatusIs(GetParam().code, AllOf(HasSubstr("hostile"), HasSubstr(GetParam().message),
                                              Not(HasSubstr("\n")))));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, CreateTest,
    testing::Values(
        Misbehaviour{"create: throw", kInternal, "threw an exception: create: boom"},
        Misbehaviour{"create: throw int", kInternal, "threw an exception"},
        Misbehaviour{"create: fail", absl::StatusCode::kResourceExhausted, "no memory left"},
        Misbehaviour{"create: fail with junk", kInternal, "junk"},
        Misbehaviour{"create: nothing", kInternal, "created no backend"},
        Misbehaviour{"create: fail without text", kInternal, "no reason given"},
        Misbehaviour{"create: fail without NUL", kInternal, "xxx"},
        Misbehaviour{"create: fail with a wild length", kInternal, ": x"},
        Misbehaviour{"create: fail and clobber the buffer", kInternal, "no reason given"},
        Misbehaviour{"create: fail on two lines", kInternal, "first second"},
        Misbehaviour{"create: unknown status", kInternal, "unknown status 4711 (odd)"},
        Misbehaviour{"info: throw", kInternal, "threw an exception: info: boom"},
        Misbehaviour{"info: fail", absl::StatusCode::kResourceExhausted, "no memory left"},
        Misbehaviour{"info: no name", kInternal, "no name or version"}),
    TestName);

TEST(HostileInfoTest, BearsAbsentStringsAndAWildSize) {
  EXPECT_THAT(CreateHostile("info: no strings"), IsOk());
  EXPECT_THAT(CreateHostile("info: wild size"), IsOk());
}

class QueryTest : public testing::TestWithParam<Misbehaviour> {};
TEST_P(QueryTest, Fails) {
  const auto backend = CreateHostile(GetParam().behaviour).value();
  EXPECT_THAT(backend->Query(MakeGraph()),
              StatusIs(GetParam().code,
                       AllOf(HasSubstr("backend hostile"), HasSubstr(GetParam().message))));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, QueryTest,
    testing::Values(
        Misbehaviour{"query_graph: throw", kInternal, "threw an exception"},
        Misbehaviour{"query_graph: fail", absl::StatusCode::kResourceExhausted, "no memory left"},
        Misbehaviour{"query_graph: no answer", kInternal, "node 0 (test::copy) was left out"},
        Misbehaviour{"query_graph: leave one out", kInternal, "node 2 (test::copy) was left out"},
        Misbehaviour{"query_graph: claim twice", kInternal, "node 2 (test::copy) was answered"},
        Misbehaviour{"query_graph: claim beyond", kInternal, "node 4294967295 is beyond"},
        Misbehaviour{"query_graph: claim too many", kInternal, "claimed"},
        Misbehaviour{"query_graph: claim nothing at null", kInternal, "claimed 2 nodes"},
        Misbehaviour{"query_graph: reject beyond", kInternal, "node 3 is beyond"},
        Misbehaviour{"query_graph: claim and reject", kInternal, "node 0 (test::copy) was"}),
    TestName);

TEST(HostileQueryTest, BearsAnAbsentReason) {
  const auto support =
      CreateHostile("query_graph: reject without reason").value()->Query(MakeGraph());
  ASSERT_THAT(support, IsOk());
  EXPECT_FALSE((*support)[0].claimed);
  EXPECT_EQ((*support)[0].reason, "no reason given");
}

class CompileTest : public testing::TestWithParam<Misbehaviour> {};
TEST_P(CompileTest, Fails) {
  const auto backend = CreateHostile(GetParam().behaviour).value();
  EXPECT_THAT(CompileOn(*backend), StatusIs(GetParam().code, AllOf(HasSubstr("backend hostile"),
                                                                   HasSubstr(GetParam().message))));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, CompileTest,
    testing::Values(
        Misbehaviour{"compile: throw", kInternal, "threw an exception"},
        Misbehaviour{"compile: fail", absl::StatusCode::kResourceExhausted, "no memory left"},
        Misbehaviour{"compile: fail with junk", kInternal, "junk"},
        Misbehaviour{"compile: nothing", kInternal, "compiled to nothing"},
        Misbehaviour{"compile: hang", absl::StatusCode::kFailedPrecondition, "can't be cancelled"},
        Misbehaviour{"executable_info: throw", kInternal, "threw an exception"},
        Misbehaviour{"executable_info: fail", absl::StatusCode::kResourceExhausted, "no memory"}),
    TestName);

TEST(HostileCompileTest, BearsAnAbsentPlanAndAWildSize) {
  for (const char* behaviour : {"executable_info: no plan", "executable_info: wild size"}) {
    const auto backend = CreateHostile(behaviour).value();
    const auto executable = CompileOn(*backend);
    ASSERT_THAT(executable, IsOk());
    EXPECT_EQ((*executable)->plan_json(), "");
  }
}

TEST(HostileCompileTest, AHangEndsWithCancellation) {
  int polls = 0;
  const auto backend = CreateHostile("compile: hang").value();
  EXPECT_THAT(CompileOn(*backend, [&polls] { return ++polls > 100; }),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("cancelled at last")));
}

class ExecuteTest : public testing::TestWithParam<Misbehaviour> {};
TEST_P(ExecuteTest, Fails) {
  const auto backend = CreateHostile(GetParam().behaviour).value();
  const auto executable = CompileOn(*backend);
  ASSERT_THAT(executable, IsOk());
  EXPECT_THAT(Execute(**executable),
              StatusIs(GetParam().code,
                       AllOf(HasSubstr("backend hostile"), HasSubstr(GetParam().message))));
}
INSTANTIATE_TEST_SUITE_P(
    Cases, ExecuteTest,
    testing::Values(
        Misbehaviour{"execute: throw", kInternal, "threw an exception: execute: boom"},
        Misbehaviour{"execute: throw int", kInternal, "threw an exception"},
        Misbehaviour{"execute: fail", absl::StatusCode::kResourceExhausted, "no memory left"},
        Misbehaviour{"execute: fail without NUL", kInternal, "xxx"},
        Misbehaviour{"execute: fail with a wild length", kInternal, ": x"},
        Misbehaviour{"execute: unknown status", kInternal, "unknown status 4711"},
        Misbehaviour{"execute: hang", absl::StatusCode::kFailedPrecondition, "cancelled"}),
    TestName);

TEST(HostileExecuteTest, AHangEndsWithCancellation) {
  int polls = 0;
  const ingot_cancel cancel = {
      [](void* ctx) -> int32_t { return ++*static_cast<int*>(ctx) > 100 ? 1 : 0; }, &polls};
  const auto backend = CreateHostile("execute: hang").value();
  const auto executable = CompileOn(*backend).value();
  EXPECT_THAT(Execute(*executable, &cancel),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("cancelled at last")));
}

TEST(HostileDestroyTest, ExceptionsEndThere) {
  CreateHostile("destroy: throw").value().reset();
  const auto backend = CreateHostile("destroy_executable: throw").value();
  CompileOn(*backend).value().reset();
}

}  // namespace
}  // namespace ingot::plugin
