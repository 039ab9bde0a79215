// Times of whole executions: a - b on 2x3, an MLP, a BERT-base layer stack, a ResNet-like block.
// Report beside each: arguments are threads, and what the graph says.
#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "backends/onednn/graph_runner.h"
#include "backends/onednn/test_networks.h"

namespace ingot::onednn {
namespace {

using ir::ValueId;
using ir::ValueRef;

constexpr ir::DType kF32 = ir::DType::kFloat32;

void RunBenchmark(benchmark::State& state, TestGraph g, std::vector<Array> inputs) {
  CompileOptions options;
  options.threads = static_cast<int>(state.range(0));
  absl::StatusOr<Runner> runner = std::move(g).Compile(options);
  if (!runner.ok()) {
    state.SkipWithError(runner.status().ToString().c_str());
    return;
  }
  runner->Bind(std::move(inputs));
  for (auto _ : state) {
    if (const absl::Status status = runner->Execute(); !status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      return;
    }
  }
  state.counters["steps"] = static_cast<double>(runner->program().steps().size());
  state.counters["workspace"] = static_cast<double>(runner->program().workspace_bytes());
}

void BM_Sub(benchmark::State& state) {
  TestGraph g;
  const ValueId a = g.builder.Argument({kF32, {2, 3}}), b = g.builder.Argument({kF32, {2, 3}});
  g.builder.Result(g.builder.Op("aten::sub.Tensor", {ValueRef{a}, ValueRef{b}}));
  RunBenchmark(state, std::move(g), {RandomF32({2, 3}, 1), RandomF32({2, 3}, 2)});
}
BENCHMARK(BM_Sub)->Arg(2);

void BM_Mlp(benchmark::State& state) { RunBenchmark(state, Mlp(), {RandomF32({8, 64}, 1)}); }
BENCHMARK(BM_Mlp)->Arg(1)->Arg(2);

// Threads, layers, batch, length, width, heads.
void BM_Bert(benchmark::State& state) {
  const EncoderSize s = {state.range(1), state.range(2), state.range(3), state.range(4),
                         state.range(5)};
  RunBenchmark(state, Encoder(s), {RandomF32({s.batch, s.length, s.width}, 1)});
  const double flops = static_cast<double>(s.layers * s.batch * s.length) *
                       (24.0 * static_cast<double>(s.width * s.width) +
                        4.0 * static_cast<double>(s.length * s.width));
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Bert)
    ->Args({2, 12, 1, 128, 768, 12})
    ->Args({1, 12, 1, 128, 768, 12})
    ->Args({2, 6, 4, 32, 384, 12})
    ->Unit(benchmark::kMillisecond);

void BM_Bottlenecks(benchmark::State& state) {
  RunBenchmark(state, Bottlenecks(state.range(1)), {RandomF32({1, 256, 56, 56}, 1)});
  const double flops =
      static_cast<double>(state.range(1)) * 2.0 * 56 * 56 * (2.0 * 256 * 64 + 9.0 * 64 * 64);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Bottlenecks)->Args({2, 3})->Args({1, 3})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ingot::onednn
