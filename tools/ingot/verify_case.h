// One case of `ingot verify`: a model file with arguments, checked on a backend.
//
//   CaseResult result = VerifyCase("m.pt", arguments, flags, settings);
//   PrintJsonLine(ToJson(result));
//
// Never fails: whatever goes wrong is the case's outcome.
#ifndef INGOT_TOOLS_INGOT_VERIFY_CASE_H_
#define INGOT_TOOLS_INGOT_VERIFY_CASE_H_

#include <map>
#include <optional>
#include <string>

#include "tools/ingot/check.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/exit_code.h"

namespace ingot::tools {

struct VerifySettings {
  bool float64 = false;  // --oracle=float64
  int64_t fresh = 10;
};

struct CaseResult {
  std::string model, backend;
  ExitCode code = ExitCode::kOk;
  std::string message;
  CheckReport report;
  std::map<std::string, int64_t> fallback;  // by op
};

CaseResult VerifyCase(const std::string& path, std::optional<Arguments> arguments,
                      const CommonFlags& flags, const VerifySettings& settings);

// {"model","backend","status","message","max_abs_err","max_rel_err","fallback", and beyond the
// contract: "draws","left_out"}. An error that is no number (a NaN on one side only) is null.
Json ToJson(const CaseResult& result);
// The same for people, on one line.
std::string ToText(const CaseResult& result);

}  // namespace ingot::tools

#endif  // INGOT_TOOLS_INGOT_VERIFY_CASE_H_
