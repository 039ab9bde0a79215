// Extract a TorchScript model once, then run it with fresh arguments on a backend picked by a flag.
//
//   embed --backend=onednn model.pt 1x3x224x224
#include <torch/script.h>

#include <chrono>
#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "frontends/torch/ingot.h"

ABSL_FLAG(std::string, backend, "auto", "onednn, torchscript, reference, a plugin's path, or auto");

int main(int argc, char** argv) {
  const std::vector<char*> args = absl::ParseCommandLine(argc, argv);
  if (args.size() != 3) {
    std::cerr << "usage: embed [--backend=NAME] MODEL.pt SIZES, for example embed resnet50.pt "
                 "1x3x224x224\n";
    return 2;
  }
  std::vector<int64_t> sizes;
  for (absl::string_view size : absl::StrSplit(args[2], 'x')) {
    if (!absl::SimpleAtoi(size, &sizes.emplace_back())) {
      std::cerr << "embed: '" << args[2] << "' is not a list of sizes such as 1x3x224x224\n";
      return 2;
    }
  }
  absl::StatusOr<torch::jit::Module> module = ingot::LoadModule(args[1]);
  if (!module.ok()) {
    std::cerr << "embed: " << module.status().message() << "\n";
    return 3;
  }
  module->eval();

  ingot::Options options;
  options.backend = absl::GetFlag(FLAGS_backend);
  absl::StatusOr<ingot::Session> session = ingot::Session::Create(options);
  if (!session.ok()) {
    std::cerr << "embed: " << session.status().message() << "\n";
    return 5;
  }
  absl::StatusOr<ingot::CompiledGraph> graph = session->Extract(*module, {torch::rand(sizes)});
  if (!graph.ok()) {
    std::cerr << "embed: " << graph.status().message() << "\n";
    return 4;
  }
  for (int call = 0; call < 3; ++call) {
    const auto start = std::chrono::steady_clock::now();
    absl::StatusOr<c10::IValue> result = graph->Run({torch::rand(sizes)});
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!result.ok()) {
      std::cerr << "embed: call " << call << ": " << result.status().message() << "\n";
      return 5;
    }
    std::cout << "call " << call << ": " << took.count() << " ms\n";
  }
  return 0;
}
