// The embedding API on the reference backend: structure, aliasing, in-place updates, refusals.
#include "frontends/torch/ingot.h"

#include <torch/script.h>

#include "core/base/status_matchers.h"
#include "core/runtime/session.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using c10::IValue;
using testing::HasSubstr;

Session NewSession() {
  Options options;
  options.backend = "reference";
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

TEST(ExtractTest, RunsAModuleWithFreshArguments) {
  torch::jit::Module module = Define("def forward(self, a, b):\n    return torch.relu(a - b)\n");
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, {at::rand({2, 3}), at::rand({2, 3})});
  ASSERT_THAT(graph, IsOk());
  at::Tensor a = at::randn({2, 3}), b = at::randn({2, 3});
  absl::StatusOr<IValue> out = graph->Run({a, b});
  ASSERT_THAT(out, IsOk());
  EXPECT_TRUE(at::equal(out->toTensor(), at::relu(a - b)));
}

TEST(ExtractTest, RunsAnyCallable) {
  const auto function = [](std::vector<IValue> args) -> IValue {
    return args[0].toTensor().exp().sum();
  };
  absl::StatusOr<CompiledGraph> graph = NewSession().Extract(function, {at::rand({4})}, "expsum");
  ASSERT_THAT(graph, IsOk());
  at::Tensor x = at::rand({4});
  EXPECT_TRUE(at::allclose(graph->Run({x})->toTensor(), x.exp().sum()));
}

TEST(ExtractTest, DoesNotTouchTheExample) {
  torch::jit::Module module = Define("def forward(self, a):\n    return a.add_(1)\n");
  at::Tensor example = at::zeros({3});
  ASSERT_THAT(NewSession().Extract(module, {example}), IsOk());
  EXPECT_TRUE(at::equal(example, at::zeros({3})));
}

TEST(ExtractTest, ADataDependentProgramIsRefusedByName) {
  torch::jit::Module module = Define(
      "def forward(self, a):\n    if bool(a.sum() > 0):\n        return a + 1\n    return a - 1\n");
  absl::StatusOr<CompiledGraph> graph = NewSession().Extract(module, {at::rand({3})});
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(std::string(graph.status().message()), HasSubstr("data-dependent"));
}

TEST(ExtractTest, CopiesOfAModuleDoNotReadEachOthersWeights) {
  torch::jit::Module module("m");
  module.register_parameter("w", at::ones({3}), /*is_buffer=*/false);
  module.define("def forward(self, x):\n    return x * self.w\n");
  module.eval();
  torch::jit::Module teacher = module.deepcopy();
  Session session = NewSession();
  ASSERT_THAT(session.Extract(module, {at::rand({3})}), IsOk());
  absl::StatusOr<CompiledGraph> graph = session.Extract(teacher, {at::rand({3})});
  ASSERT_THAT(graph, IsOk());
  module.attr("w").toTensor().detach().mul_(5);
  const at::Tensor x = at::rand({3});
  EXPECT_TRUE(at::equal(graph->Run({x})->toTensor(), x));
}

TEST(RunTest, KeepsStructureDuplicatesAndAliases) {
  torch::jit::Module module = Define(
      "def forward(self, a, b):\n"
      "    c = a + b\n"
      "    return {'x': c, 'y': c}, (a, [a - b])\n");
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, {at::rand({2}), at::rand({2})});
  ASSERT_THAT(graph, IsOk());
  at::Tensor a = at::rand({2}), b = at::rand({2});
  absl::StatusOr<IValue> out = graph->Run({a, b});
  ASSERT_THAT(out, IsOk());
  const auto& outer = out->toTupleRef().elements();
  const auto dict = outer[0].toGenericDict();
  EXPECT_TRUE(dict.at("x").toTensor().is_same(dict.at("y").toTensor()));
  EXPECT_TRUE(at::equal(dict.at("x").toTensor(), a + b));
  const auto& inner = outer[1].toTupleRef().elements();
  EXPECT_TRUE(inner[0].toTensor().is_same(a));
  EXPECT_TRUE(at::equal(inner[1].toListRef()[0].toTensor(), a - b));
}

TEST(RunTest, UpdatesArgumentsInPlace) {
  torch::jit::Module module = Define("def forward(self, a, b):\n    a.sub_(b)\n    return b - 1\n");
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, {at::rand({2, 3}), at::rand({2, 3})});
  ASSERT_THAT(graph, IsOk());
  at::Tensor a = at::rand({2, 3}), b = at::rand({2, 3});
  const at::Tensor expected = a - b;
  const auto version = a._version();
  ASSERT_THAT(graph->Run({a, b}), IsOk());
  EXPECT_TRUE(at::equal(a, expected));
  EXPECT_GT(a._version(), version);
}

TEST(RunTest, WritesIntoTheCallersResults) {
  torch::jit::Module module = Define("def forward(self, a, b):\n    return a - b\n");
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, {at::rand({2, 3}), at::rand({2, 3})});
  ASSERT_THAT(graph, IsOk());
  std::vector<at::Tensor> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  std::vector<at::Tensor> results = {at::empty({2, 3})};
  const void* memory = results[0].data_ptr();
  ASSERT_THAT(graph->RunFlat(arguments, results), IsOk());
  EXPECT_EQ(results[0].data_ptr(), memory);
  EXPECT_TRUE(at::equal(results[0], arguments[0] - arguments[1]));
}

TEST(RunTest, WrongArgumentsAreNamedAndNothingIsTouched) {
  torch::jit::Module module = Define("def forward(self, a, b):\n    return a.add_(b)\n");
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, {at::rand({2, 3}), at::rand({2, 3})});
  ASSERT_THAT(graph, IsOk());
  at::Tensor a = at::zeros({2, 3}), b = at::ones({2, 3});
  struct Case {
    std::vector<IValue> arguments;
    const char* message;
  };
  const Case cases[] = {
      {{a}, "arguments has 1 elements, but the graph was recorded with 2"},
      {{a, at::ones({3, 2})}, "argument 1 is f32[3,2]"},
      {{a, at::ones({2, 3}, at::kDouble)}, "argument 1 is f64[2,3]"},
      {{a, at::ones({3, 2}).t()}, "argument 1 is f32[2,3] with strides [1,2]"},
      {{a, IValue(3)}, "arguments[1] is a Int, but the graph was recorded with a tensor"},
      {{a, at::Tensor()}, "must be a defined, dense CPU tensor"},
      {{a, a}, "share memory otherwise"},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<IValue> out = graph->Run(c.arguments);
    ASSERT_FALSE(out.ok()) << c.message;
    EXPECT_THAT(std::string(out.status().message()), HasSubstr(c.message));
    EXPECT_TRUE(at::equal(a, at::zeros({2, 3})));
  }
}

}  // namespace
}  // namespace ingot
