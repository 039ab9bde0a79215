// make_artifact GRAPH.txt OUT.ingot: an .ingot file from a graph in text form, so that tests of the
// command line need no LibTorch. Arguments are row-major and share no memory.
#include <cstdio>
#include <string>

#include "core/artifact/artifact.h"
#include "core/base/env.h"
#include "core/base/status_macros.h"
#include "core/ir/text.h"

namespace ingot {
namespace {

absl::Status MakeArtifact(const std::string& source, const std::string& target) {
  INGOT_ASSIGN_OR_RETURN(const auto file, Env::Default().Map(source));
  ir::Recording recording;
  INGOT_ASSIGN_OR_RETURN(recording.graph, ir::ParseGraph(file->bytes()));
  std::vector<ir::Structure> arguments;
  for (const ir::InputSpec& input : recording.graph.inputs()) {
    if (input.role != ir::InputRole::kArgument) continue;
    const uint32_t slot = static_cast<uint32_t>(recording.signature.arguments.size());
    recording.signature.aliases.push_back({slot, 0});
    recording.signature.arguments.push_back({recording.graph.type(input.value), {}});
    arguments.push_back(ir::Structure::Tensor(static_cast<int32_t>(slot)));
  }
  recording.signature.arguments_structure = ir::Structure::Tuple(std::move(arguments));
  return artifact::WriteArtifact(target, recording);
}

}  // namespace
}  // namespace ingot

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_artifact GRAPH.txt OUT.ingot\n");
    return 2;
  }
  const absl::Status status = ingot::MakeArtifact(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
