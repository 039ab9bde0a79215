// ns an element (items_per_second inverted) and GFLOP/s of the kernels, one thread, warm cache.
//
//   bazel run -c opt //backends/onednn/kernels:kernels_benchmark -- --benchmark_repetitions=5
//       --benchmark_min_time=0.1 --benchmark_report_aggregates_only=false
#include <cmath>
#include <cstdint>
#include <vector>

#include "backends/onednn/kernels/norm.h"
#include "backends/onednn/kernels/pointwise.h"
#include "backends/onednn/kernels/softmax.h"
#include "benchmark/benchmark.h"

namespace ingot::kernels {
namespace {

std::vector<float> Ramp(int64_t n) {
  std::vector<float> values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(i % 257 - 128) / 64.0f;
  return values;
}

void ReportPerElement(benchmark::State& state, int64_t elements) {
  state.counters["ns/elem"] = benchmark::Counter(
      static_cast<double>(elements) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_Unary(benchmark::State& state, PwOp op) {
  constexpr int64_t kElements = 128 * 768;
  PointwiseBuilder builder({kElements});
  builder.Output(builder.Op(op, {builder.Input(DType::kFloat32, {1})}, {1, 20, 1}));
  const Pointwise program = *std::move(builder).Build();
  const std::vector<float> x = Ramp(kElements);
  std::vector<float> y(kElements);
  const void* inputs[] = {x.data()};
  void* outputs[] = {y.data()};
  for (auto _ : state) program.Run(inputs, outputs, 1);
  ReportPerElement(state, kElements);
}
BENCHMARK_CAPTURE(BM_Unary, relu, PwOp::kRelu);
BENCHMARK_CAPTURE(BM_Unary, exp, PwOp::kExp);
BENCHMARK_CAPTURE(BM_Unary, log, PwOp::kLog);
BENCHMARK_CAPTURE(BM_Unary, tanh, PwOp::kTanh);
BENCHMARK_CAPTURE(BM_Unary, erf, PwOp::kErf);
BENCHMARK_CAPTURE(BM_Unary, sigmoid, PwOp::kSigmoid);
BENCHMARK_CAPTURE(BM_Unary, silu, PwOp::kSilu);
BENCHMARK_CAPTURE(BM_Unary, gelu_erf, PwOp::kGeluErf);
BENCHMARK_CAPTURE(BM_Unary, gelu_tanh, PwOp::kGeluTanh);
BENCHMARK_CAPTURE(BM_Unary, sin, PwOp::kSin);
BENCHMARK_CAPTURE(BM_Unary, softplus, PwOp::kSoftplus);

void BM_Sub(benchmark::State& state) {
  const int64_t n = state.range(0);
  PointwiseBuilder builder({n});
  const int a = builder.Input(DType::kFloat32, {1});
  builder.Output(builder.Op(PwOp::kSub, {a, builder.Input(DType::kFloat32, {1})}));
  const Pointwise program = *std::move(builder).Build();
  const std::vector<float> x = Ramp(n);
  std::vector<float> y(n);
  const void* inputs[] = {x.data(), x.data()};
  void* outputs[] = {y.data()};
  for (auto _ : state) program.Run(inputs, outputs, 1);
  ReportPerElement(state, n);
}
BENCHMARK(BM_Sub)->Arg(6)->Arg(1024)->Arg(128 * 768);

// (x + bias) * scale + residual, then GELU: four ops, one pass.
void BM_Chain(benchmark::State& state) {
  const int64_t rows = state.range(0), n = state.range(1);
  PointwiseBuilder builder({rows, n});
  const int x = builder.Input(DType::kFloat32, {n, 1});
  const int bias = builder.Input(DType::kFloat32, {0, 1});
  const int residual = builder.Input(DType::kFloat32, {n, 1});
  const int scale = builder.Scalar(DType::kFloat64, DType::kFloat32);
  const int sum = builder.Op(PwOp::kMul, {builder.Op(PwOp::kAdd, {x, bias}), scale});
  builder.Output(builder.Op(PwOp::kGeluErf, {builder.Op(PwOp::kAdd, {sum, residual})}));
  const Pointwise program = *std::move(builder).Build();
  const std::vector<float> a = Ramp(rows * n), r = Ramp(rows * n);
  const double s = 0.5;
  std::vector<float> y(rows * n);
  const void* inputs[] = {a.data(), a.data(), r.data(), &s};
  void* outputs[] = {y.data()};
  for (auto _ : state) program.Run(inputs, outputs, 1);
  ReportPerElement(state, rows * n);
}
BENCHMARK(BM_Chain)->Args({1, 6})->Args({128, 768})->Args({4096, 24})->Args({2048, 768});

void BM_LayerNorm(benchmark::State& state) {
  RowNorm args;
  args.rows = state.range(0);
  args.n = state.range(1);
  const std::vector<float> x = Ramp(args.rows * args.n);
  std::vector<float> y(x.size());
  args.x = x.data();
  args.residual = state.range(2) != 0 ? x.data() : nullptr;
  args.weight = x.data();
  args.bias = x.data();
  args.y = y.data();
  for (auto _ : state) LayerNorm(args, 1);
  ReportPerElement(state, args.rows * args.n);
}
BENCHMARK(BM_LayerNorm)->Args({128, 768, 0})->Args({128, 768, 1})->Args({1, 64, 0});

void BM_RmsNorm(benchmark::State& state) {
  RowNorm args;
  args.rows = 128;
  args.n = 768;
  const std::vector<float> x = Ramp(args.rows * args.n);
  std::vector<float> y(x.size());
  args.x = x.data();
  args.weight = x.data();
  args.y = y.data();
  for (auto _ : state) RmsNorm(args, 1);
  ReportPerElement(state, args.rows * args.n);
}
BENCHMARK(BM_RmsNorm);

void BM_GroupNorm(benchmark::State& state) {
  const std::vector<float> x = Ramp(256 * 784);
  std::vector<float> y(x.size());
  const GroupNormArgs args{1, 256, 784, 32, 1e-5f, x.data(), x.data(), x.data(), y.data()};
  std::vector<char> workspace(GroupNormNhwcWorkspaceBytes(args, 1));
  for (auto _ : state) {
    if (state.range(0) != 0) {
      GroupNormNhwc(args, workspace.data(), 1);
    } else {
      GroupNormNchw(args, 1);
    }
  }
  ReportPerElement(state, 256 * 784);
}
BENCHMARK(BM_GroupNorm)->ArgName("nhwc")->Arg(0)->Arg(1);

void BM_Softmax(benchmark::State& state) {
  SoftmaxArgs args;
  args.dims[2] = state.range(0);
  args.n = state.range(1);
  const std::vector<float> x = Ramp(args.dims[2] * args.n);
  std::vector<float> y(x.size());
  args.x = x.data();
  args.y = y.data();
  for (auto _ : state) Softmax(args, 1);
  ReportPerElement(state, args.dims[2] * args.n);
}
BENCHMARK(BM_Softmax)->Args({128, 768})->Args({1536, 128})->Args({1, 10});

}  // namespace
}  // namespace ingot::kernels
