// What the main job costs: a call, an extraction, a cache hit; LibTorch's own calls beside them.
//
//   ./bazelw run -c opt //frontends/torch:ingot_benchmark
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/script.h>

#include <cstdlib>
#include <string>
#include <vector>

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
    session.runtime().ClearCache();
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

// An encoder of BERT-base's sizes: 12 layers of width 768 with 12 heads, 128 tokens, 85 million
// weights.
torch::jit::Module Encoder() {
  constexpr int kLayers = 12, kWidth = 768;
  torch::jit::Module module("encoder");
  std::string body = "def forward(self, x):\n";
  const auto parameter = [&](const std::string& name, std::vector<int64_t> sizes, double scale) {
    module.register_parameter(name, at::randn(sizes) * scale, false);
  };
  const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
    parameter("w" + name, {out, in}, 0.02);
    parameter("b" + name, {out}, 0.02);
  };
  const auto call = [](const std::string& name, const std::string& x) {
    return "torch.linear(" + x + ", self.w" + name + ", self.b" + name + ")";
  };
  const auto heads = [&](const std::string& name) {
    return "    " + name.substr(0, 1) + " = " + call(name, "x") +
           ".view(1, 128, 12, 64).transpose(1, 2)\n";
  };
  for (int i = 0; i < kLayers; ++i) {
    const std::string n = std::to_string(i);
    for (const char* name : {"q", "k", "v", "o"}) linear(name + n, kWidth, kWidth);
    linear("up" + n, 4 * kWidth, kWidth);
    linear("down" + n, kWidth, 4 * kWidth);
    for (const char* name : {"g", "h"}) parameter(name + n, {kWidth}, 1);
    body += heads("q" + n) + heads("k" + n) + heads("v" + n) +
            "    y = torch.softmax(q @ k.transpose(-1, -2) / 8.0, -1) @ v\n"
            "    y = y.transpose(1, 2).reshape(1, 128, 768)\n"
            "    x = torch.layer_norm(x + " +
            call("o" + n, "y") + ", [768], self.g" + n +
            ")\n"
            "    y = torch.gelu(" +
            call("up" + n, "x") +
            ")\n"
            "    x = torch.layer_norm(x + " +
            call("down" + n, "y") + ", [768], self.h" + n + ")\n";
  }
  module.define(body + "    return x\n");
  module.eval();
  return module;
}

void BM_EagerEncoder(benchmark::State& state) {
  torch::NoGradGuard no_grad;
  at::set_num_threads(2);
  torch::jit::Module module = Encoder();
  const std::vector<IValue> arguments = {at::rand({1, 128, 768})};
  for (auto _ : state) benchmark::DoNotOptimize(module.forward(arguments));
}
BENCHMARK(BM_EagerEncoder)->UseRealTime()->Unit(benchmark::kMillisecond);

// Extraction for the first time: weights are hashed.
void BM_ExtractEncoder(benchmark::State& state, const char* backend) {
  Options options;
  options.backend = backend;
  options.threads = 2;
  const std::vector<IValue> arguments = {at::rand({1, 128, 768})};
  for (auto _ : state) {
    state.PauseTiming();
    const torch::jit::Module module = Encoder();
    const absl::StatusOr<Session> session = Session::Create(options);
    if (!session.ok()) return state.SkipWithError("no session");
    state.ResumeTiming();
    benchmark::DoNotOptimize(session->Extract(module, arguments));
  }
}
BENCHMARK_CAPTURE(BM_ExtractEncoder, onednn, "onednn")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ExtractEncoder, torchscript, "torchscript")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

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
