// Times of whole executions: a - b on 2x3, an MLP, a BERT-base layer stack, a ResNet-like block.
// Report beside each: arguments are threads, and what the graph says.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>

#include "backends/onednn/graph_runner.h"

namespace ingot::onednn {
namespace {

using ir::None;
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

ValueId Linear(TestGraph& g, ValueId x, int64_t in, int64_t out) {
  const auto seed = static_cast<uint32_t>(g.constants.size() + 1);
  Array weight = RandomF32({out, in}, seed);
  auto* w = reinterpret_cast<float*>(weight.bytes.data());
  for (int64_t i = 0; i < in * out; ++i) w[i] /= std::sqrt(static_cast<float>(in));
  const ValueId wv = g.Constant(std::move(weight));
  const ValueId bv = g.Constant(RandomF32({out}, seed + 1000));
  return g.builder.Op("aten::linear", {ValueRef{x}, ValueRef{wv}, ValueRef{bv}});
}

ValueId LayerNorm(TestGraph& g, ValueId x, int64_t width) {
  const ValueId w = g.Constant(RandomF32({width}, 5)), b = g.Constant(RandomF32({width}, 6));
  return g.builder.Op("aten::layer_norm", {ValueRef{x}, std::vector<int64_t>{width}, ValueRef{w},
                                           ValueRef{b}, 1e-12, true});
}

void BM_Mlp(benchmark::State& state) {
  TestGraph g;
  ValueId x = g.builder.Argument({kF32, {8, 64}});
  x = Linear(g, x, 64, 256);
  x = g.builder.Op("aten::gelu", {ValueRef{x}});
  x = LayerNorm(g, x, 256);
  x = Linear(g, x, 256, 64);
  g.builder.Result(g.builder.Op("aten::sigmoid", {ValueRef{x}}));
  RunBenchmark(state, std::move(g), {RandomF32({8, 64}, 1)});
}
BENCHMARK(BM_Mlp)->Arg(1)->Arg(2);

ValueId Heads(TestGraph& g, ValueId x, int64_t batch, int64_t length, int64_t heads, int64_t size) {
  const ValueId view =
      g.builder.Op("aten::view", {ValueRef{x}, std::vector<int64_t>{batch, length, heads, size}});
  return g.builder.Op("aten::transpose.int", {ValueRef{view}, int64_t{1}, int64_t{2}});
}

ValueId BertLayer(TestGraph& g, ValueId x, int64_t batch, int64_t length, int64_t width,
                  int64_t heads) {
  const int64_t size = width / heads;
  const ValueId q = Heads(g, Linear(g, x, width, width), batch, length, heads, size);
  const ValueId k = Heads(g, Linear(g, x, width, width), batch, length, heads, size);
  const ValueId v = Heads(g, Linear(g, x, width, width), batch, length, heads, size);
  ValueId y =
      g.builder.Op("aten::scaled_dot_product_attention", {ValueRef{q}, ValueRef{k}, ValueRef{v}});
  y = g.builder.Op("aten::transpose.int", {ValueRef{y}, int64_t{1}, int64_t{2}});
  y = g.builder.Op("aten::reshape", {ValueRef{y}, std::vector<int64_t>{batch, length, width}});
  y = Linear(g, y, width, width);
  y = LayerNorm(g, g.builder.Op("aten::add.Tensor", {ValueRef{y}, ValueRef{x}}), width);
  ValueId z = g.builder.Op("aten::gelu", {ValueRef{Linear(g, y, width, 4 * width)}});
  z = Linear(g, z, 4 * width, width);
  return LayerNorm(g, g.builder.Op("aten::add.Tensor", {ValueRef{z}, ValueRef{y}}), width);
}

// Threads, layers, batch, length, width, heads.
void BM_Bert(benchmark::State& state) {
  TestGraph g;
  const int64_t batch = state.range(2), length = state.range(3), width = state.range(4);
  ValueId x = g.builder.Argument({kF32, {batch, length, width}});
  for (int64_t i = 0; i < state.range(1); ++i) {
    x = BertLayer(g, x, batch, length, width, state.range(5));
  }
  g.builder.Result(x);
  RunBenchmark(state, std::move(g), {RandomF32({batch, length, width}, 1)});
  const double flops =
      static_cast<double>(state.range(1) * batch * length) *
      (24.0 * static_cast<double>(width * width) + 4.0 * static_cast<double>(length * width));
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Bert)
    ->Args({2, 12, 1, 128, 768, 12})
    ->Args({1, 12, 1, 128, 768, 12})
    ->Args({2, 6, 4, 32, 384, 12})
    ->Unit(benchmark::kMillisecond);

ValueId Conv(TestGraph& g, ValueId x, int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  using Ints = std::vector<int64_t>;
  const auto seed = static_cast<uint32_t>(g.constants.size() + 1);
  const ValueId w = g.Constant(RandomF32({out, in, kernel, kernel}, seed));
  const int64_t pad = kernel / 2;
  x = g.builder.Op("aten::convolution",
                   {ValueRef{x}, ValueRef{w}, None{}, Ints{stride, stride}, Ints{pad, pad},
                    Ints{1, 1}, false, Ints{0, 0}, int64_t{1}});
  const ValueId mean = g.Constant(RandomF32({out}, seed + 1));
  Array variance = RandomF32({out}, seed + 2);
  auto* v = reinterpret_cast<float*>(variance.bytes.data());
  for (int64_t i = 0; i < out; ++i) v[i] = 1.5f + v[i];
  const ValueId var = g.Constant(std::move(variance));
  return g.builder.Op("aten::batch_norm", {ValueRef{x}, None{}, None{}, ValueRef{mean},
                                           ValueRef{var}, false, 0.1, 1e-5, true});
}

// A stack of ResNet-50's bottlenecks at 56x56.
void BM_Bottlenecks(benchmark::State& state) {
  TestGraph g;
  const ValueId input = g.builder.Argument({kF32, {1, 256, 56, 56}});
  ValueId x = input;
  for (int64_t i = 0; i < state.range(1); ++i) {
    ValueId y = g.builder.Op("aten::relu", {ValueRef{Conv(g, x, 256, 64, 1, 1)}});
    y = g.builder.Op("aten::relu", {ValueRef{Conv(g, y, 64, 64, 3, 1)}});
    y = Conv(g, y, 64, 256, 1, 1);
    y = g.builder.Op("aten::add.Tensor", {ValueRef{y}, ValueRef{x}});
    x = g.builder.Op("aten::relu", {ValueRef{y}});
  }
  g.builder.Result(x);
  RunBenchmark(state, std::move(g), {RandomF32({1, 256, 56, 56}, 1)});
  const double flops =
      static_cast<double>(state.range(1)) * 2.0 * 56 * 56 * (2.0 * 256 * 64 + 9.0 * 64 * 64);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Bottlenecks)->Args({2, 3})->Args({1, 3})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ingot::onednn
