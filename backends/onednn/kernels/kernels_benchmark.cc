// ns an element (items_per_second inverted) and GFLOP/s of the kernels, one thread, warm cache.
//
//   bazelw run -c opt //backends/onednn/kernels:kernels_benchmark -- --benchmark_repetitions=5
//       --benchmark_min_time=0.1 --benchmark_report_aggregates_only=false
#include <cmath>
#include <cstdint>
#include <vector>

#include "backends/onednn/kernels/attention.h"
#include "backends/onednn/kernels/copy.h"
#include "backends/onednn/kernels/index.h"
#include "backends/onednn/kernels/norm.h"
#include "backends/onednn/kernels/packed_gemm.h"
#include "backends/onednn/kernels/pointwise.h"
#include "backends/onednn/kernels/reduce.h"
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

void ReportFlops(benchmark::State& state, double flops) {
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
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
  args.weight = x.data();
  args.bias = x.data();
  args.y = y.data();
  for (auto _ : state) LayerNorm(args, 1);
  ReportPerElement(state, args.rows * args.n);
}
BENCHMARK(BM_LayerNorm)->Args({128, 768})->Args({1, 64});

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
  args.rows = state.range(0);
  args.n = state.range(1);
  const std::vector<float> x = Ramp(args.rows * args.n);
  std::vector<float> y(x.size());
  args.x = x.data();
  args.y = y.data();
  for (auto _ : state) Softmax(args, 1);
  ReportPerElement(state, args.rows * args.n);
}
BENCHMARK(BM_Softmax)->Args({128, 768})->Args({1536, 128})->Args({1, 10});

// Arguments: heads, queries, keys, width, causal. Merged QKV in, [L, H * D] out.
void BM_Attention(benchmark::State& state) {
  AttentionShape shape;
  shape.heads = shape.kv_heads = state.range(0);
  shape.q_len = state.range(1);
  shape.kv_len = state.range(2);
  shape.head_dim = shape.v_dim = state.range(3);
  shape.causal = state.range(4) != 0;
  shape.scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
  const int64_t width = shape.heads * shape.head_dim;
  shape.q = shape.k = shape.v = {0, shape.head_dim, 3 * width, 1};
  shape.out = {0, shape.head_dim, width, 1};
  const std::vector<float> qkv = Ramp(3 * width * std::max(shape.kv_len, shape.q_len));
  std::vector<float> out(width * shape.q_len);
  std::vector<char> buffer(AttentionWorkspaceBytes(shape, 1) + 64);
  char* workspace = buffer.data() + (64 - reinterpret_cast<uintptr_t>(buffer.data()) % 64) % 64;
  for (auto _ : state) {
    Attention(shape, qkv.data(), qkv.data() + width, qkv.data() + 2 * width, nullptr, out.data(),
              workspace, 1);
  }
  ReportFlops(state, 4.0 * static_cast<double>(width * shape.q_len * shape.kv_len));
}
BENCHMARK(BM_Attention)
    ->Args({12, 128, 128, 64, 0})
    ->Args({12, 512, 512, 64, 0})
    ->Args({12, 197, 197, 64, 0})
    ->Args({12, 512, 512, 64, 1})
    ->Args({12, 16, 16, 64, 0})
    ->Args({12, 1, 512, 64, 0});

// Arguments: rows, columns of 4-byte elements.
void BM_Transpose(benchmark::State& state) {
  const int64_t rows = state.range(0), columns = state.range(1);
  const StridedCopy copy = *StridedCopy::Make({rows, columns}, {1, rows}, {columns, 1}, 4);
  const std::vector<float> x = Ramp(rows * columns);
  std::vector<float> y(x.size());
  for (auto _ : state) copy.Run(x.data(), y.data(), 1);
  ReportPerElement(state, rows * columns);
}
BENCHMARK(BM_Transpose)->Args({128, 768})->Args({3136, 64})->Args({50176, 3});

void BM_Heads(benchmark::State& state) {
  const StridedCopy copy = *StridedCopy::Make({12, 128, 64}, {64, 768, 1}, {8192, 64, 1}, 4);
  const std::vector<float> x = Ramp(128 * 768);
  std::vector<float> y(x.size());
  for (auto _ : state) copy.Run(x.data(), y.data(), 1);
  ReportPerElement(state, 128 * 768);
}
BENCHMARK(BM_Heads);

void BM_Embedding(benchmark::State& state) {
  const std::vector<float> table = Ramp(30000 * 768);
  std::vector<int64_t> indices(128);
  for (int64_t i = 0; i < 128; ++i) indices[i] = i * 7919 % 30000;
  std::vector<float> out(128 * 768);
  TakeArgs args{table.data(), 1, 30000, 768 * 4, {indices.data(), true, 128}, false, out.data()};
  for (auto _ : state) benchmark::DoNotOptimize(Take(args, 1));
  ReportPerElement(state, 128 * 768);
}
BENCHMARK(BM_Embedding);

// Mean of a [rows, n] matrix along its last or its first dimension.
void BM_Mean(benchmark::State& state) {
  const int64_t rows = state.range(0), n = state.range(1);
  const int reduced = static_cast<int>(state.range(2));
  const ReducePlan plan =
      *ReducePlan::Make({rows, n}, {n, 1}, {reduced}, ReduceOp::kMean, DType::kFloat32);
  const std::vector<float> x = Ramp(rows * n);
  std::vector<float> y(plan.output_elements());
  for (auto _ : state) plan.Run(x.data(), y.data(), 1);
  ReportPerElement(state, rows * n);
}
BENCHMARK(BM_Mean)->Args({128, 768, 1})->Args({128, 768, 0})->Args({49, 2048, 0});

void BM_ArgMax(benchmark::State& state) {
  const ReducePlan plan =
      *ReducePlan::Make({1, 50257}, {50257, 1}, {1}, ReduceOp::kArgMax, DType::kFloat32);
  std::vector<float> x = Ramp(50257);
  x[40000] = 9;
  int64_t y = 0;
  for (auto _ : state) plan.Run(x.data(), &y, 1);
  ReportPerElement(state, 50257);
}
BENCHMARK(BM_ArgMax);

// Arguments: m, n, k, threads. Weights are rotated, so that large ones come from memory as in a
// model.
void BM_PackedGemm(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const int threads = static_cast<int>(state.range(3));
  const PackedGemm gemm = PackedGemm::Make(n, k);
  const std::vector<float> x = Ramp(m * k), w = Ramp(n * k), bias = Ramp(n);
  const size_t floats = gemm.PackedBytes() / sizeof(float);
  const size_t copies = floats < (size_t{1} << 18) ? 1 : (size_t{1} << 26) / floats + 1;
  std::vector<float> packed(floats * copies), y(m * n);
  for (size_t i = 0; i < copies; ++i) gemm.Pack(w.data(), 1, k, packed.data() + i * floats);
  PackedGemmArgs args;
  args.x = x.data();
  args.rows = m;
  args.lda = k;
  args.bias = bias.data();
  const EpilogueStage relu = {EpilogueOp::kRelu};
  args.stages = {&relu, 1};
  args.y = y.data();
  args.ldc = n;
  std::vector<float> workspace(gemm.WorkspaceBytes(args, threads) / sizeof(float) + 1);
  args.workspace = workspace.data();
  size_t copy = 0;
  for (auto _ : state) {
    args.packed = packed.data() + copy++ % copies * floats;
    gemm.Run(args, threads);
  }
  ReportFlops(state, 2.0 * static_cast<double>(m * n * k));
}
BENCHMARK(BM_PackedGemm)
    ->UseRealTime()
    ->Args({1, 16, 16, 1})
    ->Args({1, 256, 64, 1})
    ->Args({8, 64, 256, 1})
    ->Args({8, 256, 64, 1})
    ->Args({32, 128, 128, 1})
    ->Args({128, 768, 768, 1})
    ->Args({128, 768, 768, 2})
    ->Args({128, 3072, 768, 2})
    ->Args({128, 768, 3072, 2})
    ->Args({3136, 64, 256, 2})
    ->Args({3136, 256, 64, 2})
    ->Args({784, 512, 128, 2})
    ->Args({196, 1024, 256, 2})
    ->Args({49, 512, 2048, 2})
    ->Args({12544, 96, 16, 2})
    ->Args({1, 3072, 768, 2})
    ->Args({1, 50257, 768, 2});

}  // namespace
}  // namespace ingot::kernels
