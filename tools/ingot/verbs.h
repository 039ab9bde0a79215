// The verbs of the CLI; each lives in <name>_verb.cc.
#ifndef INGOT_TOOLS_INGOT_VERBS_H_
#define INGOT_TOOLS_INGOT_VERBS_H_

#include <memory>

#include "tools/ingot/command_line.h"

namespace ingot::tools {

std::unique_ptr<Verb> MakeDemoVerb();
std::unique_ptr<Verb> MakeExtractVerb();
std::unique_ptr<Verb> MakeInspectVerb();
std::unique_ptr<Verb> MakeRunVerb();
std::unique_ptr<Verb> MakeVerifyVerb();
std::unique_ptr<Verb> MakeBenchVerb();
std::unique_ptr<Verb> MakeProfileVerb();
std::unique_ptr<Verb> MakeBackendsVerb();
std::unique_ptr<Verb> MakeOracleVerb();
std::unique_ptr<Verb> MakeSandboxedVerb();

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_VERBS_H_
