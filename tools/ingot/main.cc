// ingot: the command line. See design of the verbs in tools/ingot/README.md.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/status_macros.h"
#include "core/base/version.h"
#include "tools/ingot/command_line.h"
#include "tools/ingot/console.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/interrupt.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

// In the order of `ingot --help`.
constexpr std::unique_ptr<Verb> (*kVerbs[])() = {
    MakeDemoVerb,  MakeExtractVerb, MakeInspectVerb,  MakeRunVerb,    MakeVerifyVerb,
    MakeBenchVerb, MakeProfileVerb, MakeBackendsVerb, MakeOracleVerb, MakeSandboxedVerb,
};

absl::StatusOr<ExitCode> Main(const std::vector<std::string>& arguments) {
  VerbList verbs;
  for (const auto make : kVerbs) verbs.push_back(make());
  INGOT_ASSIGN_OR_RETURN(const ParsedCommand command, ParseCommandLine(verbs, kVersion, arguments));
  if (command.verb == nullptr) {
    PrintText(command.text);
    return ExitCode::kOk;
  }
  return command.verb->Run();
}

// `bazel run` starts programs in their runfiles; paths are meant from where the user is.
void ReturnToCallersFolder() {
  const char* const folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (folder != nullptr && chdir(folder) != 0) std::perror("ingot: BUILD_WORKING_DIRECTORY");
}

}  // namespace
}  // namespace ingot::tools

int main(int argc, char** argv) {
  using namespace ingot::tools;  // NOLINT: main stands outside
  InstallInterruptHandler();
  ReturnToCallersFolder();
  const absl::StatusOr<ExitCode> result = Main({argv + 1, argv + argc});
  if (result.ok()) return static_cast<int>(*result);
  std::fprintf(stderr, "ingot: %s\n", OneLine(result.status()).c_str());
  return static_cast<int>(ExitCodeOf(result.status()));
}
