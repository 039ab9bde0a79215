// The original's own test cases (PyTorch, test/lazy/test_extract_compiled_graph.py) on every
// backend: extract once, then ten calls with fresh random arguments; after each, outputs and all
// arguments equal eager's.
//
// The modules are traced files (tools/models, set "lazy"). The backend is the binary's one
// argument.
#include <torch/script.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/runtime/session.h"
#include "frontends/torch/ingot.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using c10::IValue;
using testing::ContainsRegex;

std::string* backend = nullptr;

constexpr int kCalls = 10;

std::string ModelPath(const std::string& name) {
  return std::string(std::getenv("TEST_SRCDIR")) + "/ingot/tools/models/lazy/" + name + ".pt";
}

torch::jit::Module Load(const std::string& name) {
  torch::jit::Module module = torch::jit::load(ModelPath(name));
  module.eval();
  return module;
}

Session NewSession() {
  Options options;
  options.backend = *backend;
  absl::StatusOr<Session> session = Session::Create(options);
  EXPECT_THAT(session, IsOk());
  return *std::move(session);
}

std::vector<IValue> RandomArguments(int count) {
  std::vector<IValue> arguments;
  for (int i = 0; i < count; ++i) arguments.emplace_back(at::randn({2, 3}));
  return arguments;
}

std::vector<IValue> Copies(const std::vector<IValue>& arguments) {
  std::vector<IValue> copies;
  for (const IValue& argument : arguments) copies.emplace_back(argument.toTensor().clone());
  return copies;
}

std::vector<at::Tensor> Leaves(const IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<at::Tensor> leaves;
  for (const IValue& element : value.toTupleRef().elements()) leaves.push_back(element.toTensor());
  return leaves;
}

// torch.testing.assert_close's tolerances for float32.
void ExpectClose(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].scalar_type(), expected[i].scalar_type());
    EXPECT_TRUE(at::allclose(actual[i], expected[i], 1.3e-6, 1e-5, /*equal_nan=*/true))
        << "tensor " << i << ":\n"
        << actual[i] << "\ninstead of\n"
        << expected[i];
  }
}

std::vector<at::Tensor> Tensors(const std::vector<IValue>& arguments) {
  std::vector<at::Tensor> tensors;
  for (const IValue& argument : arguments) tensors.push_back(argument.toTensor());
  return tensors;
}

void ExpectEqualsEager(const std::string& name, int num_arguments) {
  torch::NoGradGuard no_grad;
  torch::jit::Module module = Load(name);
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(module, RandomArguments(num_arguments));
  ASSERT_THAT(graph, IsOk());
  for (int call = 0; call < kCalls; ++call) {
    std::vector<IValue> arguments = RandomArguments(num_arguments);
    std::vector<IValue> eager_arguments = Copies(arguments);
    const IValue expected = module.forward(eager_arguments);
    absl::StatusOr<IValue> actual = graph->Run(arguments);
    ASSERT_THAT(actual, IsOk());
    ExpectClose(Leaves(*actual), Leaves(expected));
    ExpectClose(Tensors(arguments), Tensors(eager_arguments));
  }
}

TEST(ExtractCompiledGraph, Sub) { ExpectEqualsEager("sub", 2); }

TEST(ExtractCompiledGraph, ConstScale) { ExpectEqualsEager("const_scale", 1); }

TEST(ExtractCompiledGraph, Addcmul) { ExpectEqualsEager("addcmul", 3); }

TEST(ExtractCompiledGraph, AddcmulsThatDifferInTheirValueShareTheExecutable) {
  torch::NoGradGuard no_grad;
  Session session = NewSession();
  absl::StatusOr<CompiledGraph> five = session.Extract(Load("addcmul"), RandomArguments(3));
  ASSERT_THAT(five, IsOk());
  absl::StatusOr<CompiledGraph> seven = session.Extract(Load("addcmul_value7"), RandomArguments(3));
  ASSERT_THAT(seven, IsOk());
  EXPECT_EQ(session.runtime().metrics().counter("UncachedCompile"), 1u);
  EXPECT_EQ(session.runtime().metrics().counter("CachedCompile"), 1u);
  std::vector<IValue> arguments = RandomArguments(3);
  const at::Tensor a = arguments[0].toTensor(), b = arguments[1].toTensor(),
                   c = arguments[2].toTensor();
  ExpectClose(Leaves(*five->Run(arguments)), {at::addcmul(a, b, c, 5)});
  ExpectClose(Leaves(*seven->Run(arguments)), {at::addcmul(a, b, c, 7)});
}

TEST(ExtractCompiledGraph, ReturnMulti) { ExpectEqualsEager("return_multi", 2); }

TEST(ExtractCompiledGraph, ReturnDupTensor) {
  ExpectEqualsEager("return_dup_tensor", 2);
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(Load("return_dup_tensor"), RandomArguments(2));
  ASSERT_THAT(graph, IsOk());
  const std::vector<at::Tensor> results = Leaves(*graph->Run(RandomArguments(2)));
  EXPECT_TRUE(results[1].is_same(results[3]));
  EXPECT_FALSE(results[1].is_same(results[0]));
}

TEST(ExtractCompiledGraph, InplaceUpdate) { ExpectEqualsEager("inplace_update", 2); }

// The original lists this as not possible: its extraction bakes one draw in. Here every call draws
// afresh. The torchscript backend draws the very numbers that eager draws from the same seed;
// onednn and reference have a counter-based generator of their own (docs/architecture.md), so that
// there only reproducibility can be compared.
TEST(ExtractCompiledGraph, EagerTensor) {
  torch::NoGradGuard no_grad;
  torch::jit::Module module = Load("eager_tensor");
  absl::StatusOr<CompiledGraph> graph = NewSession().Extract(module, RandomArguments(1));
  ASSERT_THAT(graph, IsOk());
  at::Tensor previous;
  for (int call = 0; call < kCalls; ++call) {
    std::vector<IValue> arguments = RandomArguments(1);
    std::vector<IValue> eager_arguments = Copies(arguments);
    const at::Tensor fresh = graph->Run(arguments)->toTensor() - arguments[0].toTensor();
    if (previous.defined()) {
      EXPECT_FALSE(at::allclose(fresh, previous));
    }
    previous = fresh;

    RunContext context;
    context.seed = 1000 + call;
    const at::Tensor seeded = graph->Run(arguments, context)->toTensor();
    EXPECT_TRUE(at::equal(seeded, graph->Run(arguments, context)->toTensor()));
    ExpectClose(Tensors(arguments), Tensors(eager_arguments));
    if (*backend == "torchscript") {
      at::manual_seed(1000 + call);
      EXPECT_TRUE(at::equal(seeded, module.forward(eager_arguments).toTensor()));
    }
  }
}

// The other one that the original lists as not possible.
TEST(ExtractCompiledGraph, ReturnEagerTensorOnDefaultDevice) {
  ExpectEqualsEager("return_eager_tensor_on_default_device", 0);
  ExpectEqualsEager("return_eager_tensor_scripted", 0);
  // The caller may write the result without changing the next call's.
  absl::StatusOr<CompiledGraph> graph =
      NewSession().Extract(Load("return_eager_tensor_on_default_device"), {});
  ASSERT_THAT(graph, IsOk());
  graph->Run({})->toTensor().fill_(9);
  EXPECT_TRUE(at::equal(graph->Run({})->toTensor(), at::tensor({2.0f, 3.0f})));
}

TEST(ExtractCompiledGraph, ForceFallback) {
  Session session = NewSession();
  session.runtime().set_force_fallback({"aten::sub"});
  EXPECT_THAT(session.Extract(Load("sub"), RandomArguments(2)),
              StatusIs(absl::StatusCode::kUnimplemented, ContainsRegex("fallback.*aten::sub")));
  session.runtime().set_force_fallback({});
  EXPECT_THAT(session.Extract(Load("sub"), RandomArguments(2)), IsOk());
  // A changed setting always takes effect, also for a graph that is cached.
  session.runtime().set_force_fallback({"aten::sub"});
  EXPECT_FALSE(session.Extract(Load("sub"), RandomArguments(2)).ok());
  session.runtime().set_force_fallback({"aten::add"});
  EXPECT_THAT(session.Extract(Load("sub"), RandomArguments(2)), IsOk());
}

}  // namespace
}  // namespace ingot

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    fprintf(stderr, "usage: extract_compiled_graph_test BACKEND\n");
    return 2;
  }
  ingot::backend = new std::string(argv[1]);
  return RUN_ALL_TESTS();
}
