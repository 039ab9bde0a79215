// make_npz OUT.npz [LITERAL…]: arrays arg0, arg1, … from literals of the command line.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "tools/ingot/literals.h"
#include "tools/ingot/npz.h"

namespace ingot::tools {
namespace {

absl::Status MakeNpz(const std::string& path, const std::vector<std::string>& literals) {
  Random random(0);
  std::vector<runtime::HostTensor> tensors;
  std::vector<std::pair<std::string, ingot_tensor>> arrays;
  for (const std::string& literal : literals) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor, ParseLiteral(literal, random));
    tensors.push_back(std::move(tensor));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    arrays.emplace_back(absl::StrCat("arg", i), tensors[i].view());
  }
  return WriteNpz(path, arrays);
}

}  // namespace
}  // namespace ingot::tools

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: make_npz OUT.npz [LITERAL...]\n");
    return 2;
  }
  const absl::Status status = ingot::tools::MakeNpz(argv[1], {argv + 2, argv + argc});
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
