// What identity costs: canonical bytes and key of a graph of N nodes, and a hit in the cache.
//
//   ./bazelw run //core/cache:key_benchmark
#include <benchmark/benchmark.h>

#include "core/cache/compile_cache.h"
#include "core/cache/key.h"
#include "core/ir/builder.h"
#include "core/ir/serialize.h"

namespace ingot::cache {
namespace {

ir::Graph Chain(int64_t nodes) {
  ir::GraphBuilder b("chain");
  ir::ValueId x = b.Argument({ir::DType::kFloat32, {2, 3}});
  for (int64_t i = 0; i < nodes; ++i) x = b.Op("aten::relu", {ir::ValueRef{x}});
  b.Result(x);
  return *std::move(b).Build();
}

void BM_MakeKey(benchmark::State& state) {
  const ir::Graph graph = Chain(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(MakeKey(ir::ToCanonicalBytes(graph), "onednn"));
}
BENCHMARK(BM_MakeKey)->Arg(1)->Arg(100)->Arg(1000);

void BM_HashConstant(benchmark::State& state) {
  const std::string weights(state.range(0), 'w');
  for (auto _ : state) benchmark::DoNotOptimize(ir::Sha256(weights));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_HashConstant)->Arg(1 << 20)->Arg(1 << 26);

void BM_CacheHit(benchmark::State& state) {
  CompileCache cache(1 << 20);
  const Key key = MakeKey(ir::ToCanonicalBytes(Chain(state.range(0))), "onednn");
  const auto compile = []() -> absl::StatusOr<CompileCache::Entry> {
    return CompileCache::Entry{std::make_shared<int>(1), 16};
  };
  for (auto _ : state) benchmark::DoNotOptimize(cache.GetOrCompile(key, compile));
}
BENCHMARK(BM_CacheHit)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace ingot::cache

BENCHMARK_MAIN();
