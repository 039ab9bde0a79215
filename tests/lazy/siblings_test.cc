// What the tests beside test_extract_compiled_graph.py pin down in the original (test/lazy/*.py),
// in ingot's terms. docs/parity.md says which test stands for which.
#include <ATen/CPUGeneratorImpl.h>
#include <torch/script.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/ir/text.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/session.h"
#include "frontends/torch/ingot.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using c10::IValue;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Session NewSession() {
  Options options;
  options.backend = "torchscript";
  absl::StatusOr<Session> session = Session::Create(options);
  EXPECT_THAT(session, IsOk());
  return *std::move(session);
}

torch::jit::Module Define(const std::string& source) {
  torch::jit::Module module("m");
  module.define(source);
  module.eval();
  return module;
}

std::string Maps() {
  std::ifstream file("/proc/self/maps");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

size_t CountOutputs(const CompiledGraph& graph, ir::OutputRole role) {
  size_t count = 0;
  for (const ir::OutputSpec& output : graph.runtime().graph().outputs())
    count += output.role == role;
  return count;
}

// test_bindings: what is linked does nothing by itself. The first test of the process.
TEST(BindingsTest, LinkingHasNoSideEffects) {
  EXPECT_THAT(Maps(), Not(HasSubstr("libingot_torchscript.so")));
  const Session session = NewSession();
  EXPECT_THAT(Maps(), HasSubstr("libingot_torchscript.so"));
  EXPECT_THAT(session.runtime().metrics().counters(), IsEmpty());
  EXPECT_THAT(session.runtime().metrics().samples(), IsEmpty());
}

// test_meta_kernel: wrong dtypes and devices are told before anything is compiled.
TEST(MetaKernelTest, WrongDTypesFailWhileRecording) {
  const Session session = NewSession();
  const torch::jit::Module module =
      Define("def forward(self, x, w):\n    return torch.linear(x, w)\n");
  EXPECT_THAT(session.Extract(module, {at::rand({2, 3}).to(at::kHalf), at::rand({4, 3})}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("dtype")));
  EXPECT_EQ(session.runtime().metrics().counter("UncachedCompile"), 0u);
}

TEST(MetaKernelTest, HalfStaysHalf) {
  const torch::jit::Module module =
      Define("def forward(self, x, w):\n    return torch.linear(x, w)\n");
  const at::Tensor x = at::rand({2, 3}).to(at::kHalf), w = at::rand({4, 3}).to(at::kHalf);
  const absl::StatusOr<CompiledGraph> graph = NewSession().Extract(module, {x, w});
  ASSERT_THAT(graph, IsOk());
  const at::Tensor result = graph->Run({x, w})->toTensor();
  EXPECT_EQ(result.scalar_type(), at::kHalf);
  EXPECT_TRUE(at::equal(result, at::linear(x, w)));
}

TEST(MetaKernelTest, TensorsOfOtherDevicesAreRefusedByName) {
  const torch::jit::Module module = Define("def forward(self, a, b):\n    return a + b\n");
  const at::Tensor elsewhere = at::empty({2}, at::TensorOptions().device(at::kMeta));
  EXPECT_THAT(NewSession().Extract(module, {at::rand({2}), elsewhere}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("argument 1")));
}

// test_functionalization: writes through views make a pure graph with no root more than needed.
TEST(FunctionalizationTest, AMatrixFilledThroughAViewIsOneResult) {
  const torch::jit::Module module = Define(
      "def forward(self, x):\n"
      "    w = torch.zeros(3, 2)\n"
      "    w.t()[0].copy_(x)\n"
      "    w.view(-1).mul_(2)\n"
      "    return w\n");
  const absl::StatusOr<CompiledGraph> graph = NewSession().Extract(module, {at::rand({3})});
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(graph->runtime().graph().outputs().size(), 1u);
  const at::Tensor x = at::rand({3});
  torch::jit::Module eager = module;
  EXPECT_TRUE(at::equal(graph->Run({x})->toTensor(), eager.forward({x}).toTensor()));
}

TEST(FunctionalizationTest, AnArgumentWrittenThroughViewsIsWrittenBackOnce) {
  const torch::jit::Module module = Define(
      "def forward(self, a, b):\n"
      "    a[:, 0].add_(b)\n"
      "    a.t().mul_(2)\n"
      "    return a.t()\n");
  const absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, {at::rand({3, 2}), at::rand({3})});
  ASSERT_THAT(graph, IsOk());
  EXPECT_EQ(CountOutputs(*graph, ir::OutputRole::kWriteBack), 1u);
  EXPECT_EQ(CountOutputs(*graph, ir::OutputRole::kResult), 0u);  // an alias of the argument
  const at::Tensor a = at::rand({3, 2}), b = at::rand({3}), copy = a.clone();
  torch::jit::Module eager = module;
  const at::Tensor expected = eager.forward({copy, b}).toTensor();
  const at::Tensor result = graph->Run({a, b})->toTensor();
  EXPECT_TRUE(at::equal(a, copy));
  EXPECT_TRUE(at::equal(result, expected));
  EXPECT_TRUE(result.is_alias_of(a));
  EXPECT_EQ(result.strides(), expected.strides());
}

// test_generator: the seed is an input: seeds 1, 2, 1 are one compilation, and eager's bits.
TEST(GeneratorTest, SeedsAreDataAndDrawWhatEagerDraws) {
  const Session session = NewSession();
  const torch::jit::Module module = Define(
      "def forward(self, x):\n"
      "    return torch.rand_like(x), torch.dropout(x, 0.5, True), torch.bernoulli(x), "
      "torch.normal(x, 1.0)\n");
  const at::Tensor x = at::rand({16});
  const absl::StatusOr<CompiledGraph> graph = session.Extract(module, {x});
  ASSERT_THAT(graph, IsOk());
  for (const uint64_t seed : {1, 2, 1}) {
    RunContext context;
    context.seed = seed;
    const absl::StatusOr<IValue> actual = graph->Run({x}, context);
    ASSERT_THAT(actual, IsOk());
    at::manual_seed(seed);
    torch::jit::Module eager = module;
    const IValue expected = eager.forward({x});
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_TRUE(at::equal(actual->toTupleRef().elements()[i].toTensor(),
                            expected.toTupleRef().elements()[i].toTensor()))
          << "result " << i << ", seed " << seed;
    }
  }
  EXPECT_EQ(session.runtime().metrics().counter("UncachedCompile"), 1u);
}

TEST(GeneratorTest, AnExplicitGeneratorsDrawsDoNotFollowTheGlobalSeed) {
  at::Generator generator = at::detail::createCPUGenerator(7);
  const auto function = [&](std::vector<IValue> args) -> IValue {
    return args[0].toTensor() + at::rand({4}, generator);
  };
  const at::Tensor x = at::zeros({4});
  const absl::StatusOr<CompiledGraph> graph = NewSession().Extract(function, {x});
  ASSERT_THAT(graph, IsOk());
  at::manual_seed(1234);
  RunContext context;
  context.seed = 7;
  const at::Tensor expected = at::rand({4}, at::detail::createCPUGenerator(7));
  EXPECT_TRUE(at::equal(graph->Run({x}, context)->toTensor(), expected));
}

// test_reuse_ir: tracing the same program again makes nothing new.
TEST(ReuseTest, TheSameProgramsCompileOnceHoweverTheyAlternate) {
  const Session session = NewSession();
  const torch::jit::Module add = Define("def forward(self, a, b):\n    return a + b\n");
  const torch::jit::Module sub = Define("def forward(self, a, b):\n    return a - b\n");
  const at::Tensor a = at::rand({2, 3}), b = at::rand({2, 3});
  for (int step = 0; step < 10; ++step) {
    const torch::jit::Module& module = step % 2 == 0 ? add : sub;
    const absl::StatusOr<CompiledGraph> graph = session.Extract(module, {a, b});
    ASSERT_THAT(graph, IsOk());
    EXPECT_TRUE(at::equal(graph->Run({a, b})->toTensor(), step % 2 == 0 ? a + b : a - b));
  }
  EXPECT_EQ(session.runtime().metrics().counter("UncachedCompile"), 2u);
  EXPECT_EQ(session.runtime().metrics().counter("CachedCompile"), 8u);
}

TEST(ReuseTest, AForcedFallbackInBetweenChangesNothing) {
  const Session session = NewSession();
  const torch::jit::Module module = Define("def forward(self, a, b):\n    return a - b\n");
  const at::Tensor a = at::rand({2, 3}), b = at::rand({2, 3});
  ASSERT_THAT(session.Extract(module, {a, b}), IsOk());
  session.runtime().set_force_fallback({"aten::sub"});
  EXPECT_THAT(session.Extract(module, {a, b}),
              StatusIs(absl::StatusCode::kUnimplemented, ContainsRegex("fallback.*aten::sub")));
  session.runtime().set_force_fallback({});
  ASSERT_THAT(session.Extract(module, {a, b}), IsOk());
  EXPECT_EQ(session.runtime().metrics().counter("UncachedCompile"), 1u);
  EXPECT_EQ(session.runtime().metrics().counter("fallback.aten::sub.Tensor"), 1u);
}

TEST(ReuseTest, ABranchIsRecordedAsItIsTaken) {
  const Session session = NewSession();
  const torch::jit::Module module = Define(
      "def forward(self, x, flip: bool):\n"
      "    if flip:\n        return -x\n"
      "    return x * 2\n");
  const at::Tensor x = at::rand({3});
  for (const bool flip : {true, false, true}) {
    const absl::StatusOr<CompiledGraph> graph = session.Extract(module, {x, flip});
    ASSERT_THAT(graph, IsOk());
    EXPECT_TRUE(at::equal(graph->Run({x, flip})->toTensor(), flip ? -x : x * 2));
    EXPECT_THAT(graph->Run({x, !flip}), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

// test_debug_util: dumps name the place in the user's program.
TEST(DebugUtilTest, NodesNameTheirSourceLine) {
  const torch::jit::Module module =
      Define("def forward(self, x):\n    y = x * 2\n    return torch.relu(y)\n");
  const absl::StatusOr<CompiledGraph> graph = NewSession().Extract(module, {at::rand({3})});
  ASSERT_THAT(graph, IsOk());
  const std::string text = ir::PrintGraph(graph->runtime().graph());
  EXPECT_THAT(text, ContainsRegex("aten::mul.Scalar.*:2"));
  EXPECT_THAT(text, ContainsRegex("aten::relu.*:3"));
}

}  // namespace
}  // namespace ingot
