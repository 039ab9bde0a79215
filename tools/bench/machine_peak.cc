// machine_peak THREADS: what this machine can do with that many threads, measured, as one JSON
// line:
//
//   {"gflops": float32 multiply-adds in registers (two operations each), "isa": "AVX3_ZEN4",
//    "read_gbs": [[bytes, GB/s of summing a working set of that size], …]}
//
// Each figure is the best of several rounds: what the threads reach together when nothing disturbs
// them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/bench/machine_peak.cc"  // NOLINT: Highway includes it per target
#include "hwy/foreach_target.h"
// Highway's own headers come after foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace ingot::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Independent chains of multiply-adds: more than latency times units needs, fewer than registers.
constexpr int kChains = 12;

// Operations done. `out` is where the chains start and where they end, so that the compiler can
// neither foresee nor drop them.
double MultiplyAdds(int64_t rounds, float* out) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F), term = hn::Set(d, 0.001F);
  // Equal chains would be one chain for the compiler.
  const auto start = [&](int chain) { return hn::Set(d, *out + static_cast<float>(chain)); };
  auto a0 = start(0), a1 = start(1), a2 = start(2), a3 = start(3), a4 = start(4), a5 = start(5);
  auto a6 = start(6), a7 = start(7), a8 = start(8), a9 = start(9), a10 = start(10), a11 = start(11);
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, term);
    a1 = hn::MulAdd(a1, factor, term);
    a2 = hn::MulAdd(a2, factor, term);
    a3 = hn::MulAdd(a3, factor, term);
    a4 = hn::MulAdd(a4, factor, term);
    a5 = hn::MulAdd(a5, factor, term);
    a6 = hn::MulAdd(a6, factor, term);
    a7 = hn::MulAdd(a7, factor, term);
    a8 = hn::MulAdd(a8, factor, term);
    a9 = hn::MulAdd(a9, factor, term);
    a10 = hn::MulAdd(a10, factor, term);
    a11 = hn::MulAdd(a11, factor, term);
  }
  const auto low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const auto high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  *out = hn::GetLane(hn::Add(low, high));
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// Sum of `count` floats, a multiple of 8 vectors.
float Sum(const float* data, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t n = hn::Lanes(d);
  auto a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
  for (size_t i = 0; i + 8 * n <= count; i += 8 * n) {
    a0 = hn::Add(a0, hn::LoadU(d, data + i));
    a1 = hn::Add(a1, hn::LoadU(d, data + i + n));
    a2 = hn::Add(a2, hn::LoadU(d, data + i + 2 * n));
    a3 = hn::Add(a3, hn::LoadU(d, data + i + 3 * n));
    a4 = hn::Add(a4, hn::LoadU(d, data + i + 4 * n));
    a5 = hn::Add(a5, hn::LoadU(d, data + i + 5 * n));
    a6 = hn::Add(a6, hn::LoadU(d, data + i + 6 * n));
    a7 = hn::Add(a7, hn::LoadU(d, data + i + 7 * n));
  }
  const auto sum =
      hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(hn::Add(a4, a5), hn::Add(a6, a7)));
  return hn::GetLane(sum);
}

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace ingot::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace ingot::bench {
namespace {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(Sum);
HWY_EXPORT(TargetName);

constexpr int kRounds = 6;
constexpr int64_t kMultiplyAddRounds = 4'000'000;
constexpr size_t kSmallestSet = size_t{1} << 18, kLargestSet = size_t{1} << 29;
constexpr size_t kBytesRead = size_t{1} << 28;  // a round reads at least this much

using Clock = std::chrono::steady_clock;

// Runs `body(thread)` on all threads at once; seconds until the last is done.
double Together(int threads, const std::function<void(int)>& body) {
  std::atomic<int> waiting{threads};
  Clock::time_point begin;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      if (--waiting == 0) begin = Clock::now();
      while (waiting.load() > 0) {
      }
      body(t);
    });
  }
  for (std::thread& thread : all) thread.join();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::atomic<float> kept{0};  // what was computed, so that it has to be

double Gflops(int threads) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> operations(static_cast<size_t>(threads));
    const double seconds = Together(threads, [&](int t) {
      float out = kept;
      operations[static_cast<size_t>(t)] =
          HWY_DYNAMIC_DISPATCH(MultiplyAdds)(kMultiplyAddRounds, &out);
      kept = out;
    });
    double total = 0;
    for (const double one : operations) total += one;
    best = std::max(best, total / seconds / 1e9);
  }
  return best;
}

// Each thread sums its own slice of the working set, again and again.
double ReadGbs(int threads, const std::vector<float>& memory, size_t bytes) {
  const size_t slice = bytes / sizeof(float) / static_cast<size_t>(threads) / 1024 * 1024;
  const size_t repeats = std::max<size_t>(1, kBytesRead / bytes);
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double seconds = Together(threads, [&](int t) {
      float sum = 0;
      for (size_t i = 0; i < repeats; ++i) {
        sum += HWY_DYNAMIC_DISPATCH(Sum)(memory.data() + slice * static_cast<size_t>(t), slice);
      }
      kept = sum;
    });
    const double read = static_cast<double>(slice * sizeof(float) * repeats) * threads;
    best = std::max(best, read / seconds / 1e9);
  }
  return best;
}

int Main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: machine_peak THREADS\n");
    return 2;
  }
  std::string reads;
  const std::vector<float> memory(kLargestSet / sizeof(float), 1.F);
  for (size_t bytes = kSmallestSet; bytes <= kLargestSet; bytes *= 2) {
    char row[80];
    std::snprintf(row, sizeof(row), "%s[%zu, %.2f]", reads.empty() ? "" : ", ", bytes,
                  ReadGbs(threads, memory, bytes));
    reads += row;
  }
  std::printf("{\"gflops\": %.1f, \"isa\": \"%s\", \"read_gbs\": [%s]}\n", Gflops(threads),
              HWY_DYNAMIC_DISPATCH(TargetName)(), reads.c_str());
  return 0;
}

}  // namespace
}  // namespace ingot::bench

int main(int argc, char** argv) { return ingot::bench::Main(argc, argv); }
#endif  // HWY_ONCE
