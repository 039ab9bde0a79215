// Run a torch.export archive: no LibTorch, no Python, on a backend picked by name.
//
//   run_pt2 model.pt2 [BACKEND]
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/status_macros.h"
#include "core/ir/type.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/session.h"
#include "frontends/pt2/archive.h"
#include "frontends/pt2/convert.h"
#include "frontends/pt2/symbols.h"

namespace {

absl::Status Main(const std::string& path, const std::string& backend) {
  // The five lines of the README: a session, the file, its graph for these sizes, compiled, called.
  INGOT_ASSIGN_OR_RETURN(auto session, ingot::runtime::Session::Create({.backend = backend}));
  INGOT_ASSIGN_OR_RETURN(auto archive, ingot::pt2::Archive::Open(path));
  INGOT_ASSIGN_OR_RETURN(auto types, ingot::pt2::DefaultTypes(archive->program()));
  INGOT_ASSIGN_OR_RETURN(auto recording, ingot::pt2::Convert(*archive, types));
  INGOT_ASSIGN_OR_RETURN(auto graph, session->Compile(std::move(recording)));

  std::vector<ingot::runtime::HostTensor> tensors;
  std::vector<ingot_tensor> arguments, results;
  const auto add = [&](const ingot::ir::TensorType& type, std::vector<ingot_tensor>& to) {
    auto tensor = ingot::runtime::HostTensor::Create(type);
    if (tensor.ok()) to.push_back(tensors.emplace_back(*std::move(tensor)).view());
    return tensor.status();
  };
  tensors.reserve(types.size() + graph->results().size());  // views stay
  for (const ingot::ir::TensorType& type : types) INGOT_RETURN_IF_ERROR(add(type, arguments));
  for (const auto& result : graph->results()) INGOT_RETURN_IF_ERROR(add(result.type, results));
  INGOT_RETURN_IF_ERROR(graph->Run(arguments, results));
  for (const auto& result : graph->results()) {
    std::cout << ingot::ir::ToString(result.type) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: run_pt2 MODEL.pt2 [BACKEND]\n";
    return 2;
  }
  const absl::Status status = Main(argv[1], argc == 3 ? argv[2] : "onednn");
  if (!status.ok()) std::cerr << "run_pt2: " << status.message() << "\n";
  return status.ok() ? 0 : 5;
}
