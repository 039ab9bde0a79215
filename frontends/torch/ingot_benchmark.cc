// What the main job costs: a call, an extraction, a cache hit; LibTorch's own calls beside them.
//
//   ./bazelw run -c opt //frontends/torch:ingot_benchmark
#include <benchmark/benchmark.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/script.h>

#include <cstdlib>

#include "core/runtime/session.h"
#include "frontends/torch/compiled_module.h"
#include "frontends/torch/ingot.h"

namespace ingot {
namespace {

using c10::IValue;

torch::jit::Module SubModule() {
  torch::jit::Module module("sub");
  module.define("def forward(self, a, b):\n    return a - b\n");
  module.eval();
  return module;
}

Session NewSession(const char* backend) {
  Options options;
  options.backend = backend;
  options.threads = 1;
  absl::StatusOr<Session> session = Session::Create(options);
  if (!session.ok()) {
    fprintf(stderr, "%s\n", session.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(session);
}

CompiledGraph ExtractSub(const char* backend) {
  absl::StatusOr<CompiledGraph> graph =
      NewSession(backend).Extract(SubModule(), {at::rand({2, 3}), at::rand({2, 3})});
  if (!graph.ok()) {
    fprintf(stderr, "%s\n", graph.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(graph);
}

void BM_EagerSub(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  const at::Tensor a = at::rand({2, 3}), b = at::rand({2, 3});
  for (auto _ : state) benchmark::DoNotOptimize(at::sub(a, b));
}
BENCHMARK(BM_EagerSub);

void BM_FrozenTorchScriptSub(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  torch::jit::Module loaded = SubModule();
  torch::jit::Module module = torch::jit::optimize_for_inference(loaded);
  const std::vector<IValue> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  for (int i = 0; i < 10; ++i) module.forward(arguments);
  for (auto _ : state) benchmark::DoNotOptimize(module.forward(arguments));
}
BENCHMARK(BM_FrozenTorchScriptSub);

void BM_RunSub(benchmark::State& state, const char* backend) {
  const CompiledGraph graph = ExtractSub(backend);
  const std::vector<at::Tensor> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  for (auto _ : state) {
    std::vector<at::Tensor> results;
    benchmark::DoNotOptimize(graph.RunFlat(arguments, results));
  }
}

// What the exact guards of a CompiledModule add to a call.
void BM_RunSubWithGuards(benchmark::State& state, const char* backend) {
  const CompiledModule model(NewSession(backend), SubModule());
  const std::vector<IValue> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  for (auto _ : state) benchmark::DoNotOptimize(model.Run(arguments));
}

// The same call without them.
void BM_RunSubNested(benchmark::State& state, const char* backend) {
  const CompiledGraph graph = ExtractSub(backend);
  const std::vector<IValue> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  for (auto _ : state) benchmark::DoNotOptimize(graph.Run(arguments));
}

void BM_RunSubIntoCallersResults(benchmark::State& state, const char* backend) {
  const CompiledGraph graph = ExtractSub(backend);
  const std::vector<at::Tensor> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  std::vector<at::Tensor> results = {at::empty({2, 3})};
  for (auto _ : state) benchmark::DoNotOptimize(graph.RunFlat(arguments, results));
}

// Recording, hashing and compiling; the session is new each time, so that nothing is cached.
void BM_ExtractSub(benchmark::State& state, const char* backend) {
  const torch::jit::Module module = SubModule();
  const std::vector<IValue> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  const Session session = NewSession(backend);
  for (auto _ : state) {
    session.runtime().cache().Clear();
    benchmark::DoNotOptimize(session.Extract(module, arguments));
  }
}

// The same with the executable in the cache.
void BM_ExtractSubCached(benchmark::State& state, const char* backend) {
  const torch::jit::Module module = SubModule();
  const std::vector<IValue> arguments = {at::rand({2, 3}), at::rand({2, 3})};
  const Session session = NewSession(backend);
  for (auto _ : state) benchmark::DoNotOptimize(session.Extract(module, arguments));
}

#define INGOT_BENCHMARK_BACKENDS(function)             \
  BENCHMARK_CAPTURE(function, onednn, "onednn");       \
  BENCHMARK_CAPTURE(function, reference, "reference"); \
  BENCHMARK_CAPTURE(function, torchscript, "torchscript")
INGOT_BENCHMARK_BACKENDS(BM_RunSub);
INGOT_BENCHMARK_BACKENDS(BM_RunSubNested);
INGOT_BENCHMARK_BACKENDS(BM_RunSubWithGuards);
INGOT_BENCHMARK_BACKENDS(BM_RunSubIntoCallersResults);
INGOT_BENCHMARK_BACKENDS(BM_ExtractSub);
INGOT_BENCHMARK_BACKENDS(BM_ExtractSubCached);

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
