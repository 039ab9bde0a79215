#include "core/runtime/stored_options.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/runtime/options.h"

namespace ingot::runtime {

std::string BackendNames(const Session& session, const CompiledGraph& graph) {
  std::vector<std::string> names;
  for (const GroupReport& group : graph.groups()) {
    if (std::find(names.begin(), names.end(), group.backend) == names.end()) {
      names.push_back(group.backend);
    }
  }
  if (names.empty() && !session.backends().empty()) names.push_back(session.backends()[0]->name());
  return absl::StrJoin(names, ",");
}

std::map<std::string, std::string> StoredOptions(const Session& session,
                                                 const CompiledGraph& graph) {
  const Options& options = session.options();
  const bool automatic = options.backend == "auto";
  std::map<std::string, std::string> stored = {
      {"backend", automatic ? BackendNames(session, graph) : options.backend},
      {"fallback", std::string(FallbackPolicyName(options.fallback))}};
  if (options.precision != Precision::kF32) {
    stored["precision"] = std::string(PrecisionName(options.precision));
  }
  return stored;
}

}  // namespace ingot::runtime
