// How long `ingot verify` takes over a folder of 1,000 small cases, eager runs and ten fresh draws
// each included.
//
//   ./bazelw run -c opt //tests/e2e:verify_benchmark
#include <benchmark/benchmark.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "core/runtime/host_tensor.h"
#include "tools/ingot/literals.h"
#include "tools/ingot/npz.h"

namespace ingot {
namespace {

constexpr int kCases = 1000;

// Of two matrices of the same sizes.
constexpr const char* kPrograms[] = {
    "return a + b",
    "return torch.relu(a) * b",
    "return a.sub_(b)",
    "return torch.softmax(a, -1) - b",
    "return a @ b.t()",
    "return torch.cat([a, b], 1).sum(0)",
    "return torch.where(a > b, a, b)",
    "return torch.layer_norm(a, [a.size(1)]) + b",
    "return a.t().contiguous().view(-1), b.amax(1)",
    "return torch.gelu(a).mean(), torch.sort(b)",
};

std::string binary;  // the command line's

std::string MakeFolder() {
  std::string folder = (std::filesystem::temp_directory_path() / "ingot_verify.XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) std::abort();
  for (int i = 0; i < kCases; ++i) {
    torch::jit::Module module("m");
    const std::string program = kPrograms[static_cast<size_t>(i) % std::size(kPrograms)];
    module.define("def forward(self, a, b):\n    " + program + "\n");
    const std::string path = folder + "/" + std::to_string(i);
    module.save(path + ".pt");
    tools::Random random(static_cast<uint64_t>(i));
    const ir::TensorType type{ir::DType::kFloat32, {1 + i % 7, 2 + i % 11}};
    const runtime::HostTensor a = *tools::RandomTensor(type, random);
    const runtime::HostTensor b = *tools::RandomTensor(type, random);
    if (!tools::WriteNpz(path + ".npz", {{"arg0", a.view()}, {"arg1", b.view()}}).ok())
      std::abort();
  }
  return folder;
}

void BM_VerifyThousandCases(benchmark::State& state, const char* backend) {
  static const std::string folder = MakeFolder();
  const std::string command = binary + " verify " + folder +
                              " --threads=1 --json --backend=" + backend + " > " + folder + "/out";
  for (auto _ : state) {
    if (std::system(command.c_str()) != 0) state.SkipWithError("a case is not ok");
  }
}
BENCHMARK_CAPTURE(BM_VerifyThousandCases, onednn, "onednn")
    ->UseRealTime()
    ->Unit(benchmark::kSecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(BM_VerifyThousandCases, reference, "reference")
    ->UseRealTime()
    ->Unit(benchmark::kSecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(BM_VerifyThousandCases, torchscript, "torchscript")
    ->UseRealTime()
    ->Unit(benchmark::kSecond)
    ->Iterations(1);

}  // namespace
}  // namespace ingot

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: verify_benchmark INGOT\n");
    return 2;
  }
  ingot::binary = argv[1];
  benchmark::RunSpecifiedBenchmarks();
}
