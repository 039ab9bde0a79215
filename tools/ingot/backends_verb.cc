// ingot backends: which backends there are, and why others can't be used.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/runtime/session.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/console.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

class BackendsVerb : public Verb {
 public:
  std::string name() const override { return "backends"; }
  std::string summary() const override {
    return "list the backends that are there, or why one can't be used";
  }
  void Declare(OptionSet& options) override {
    options.Value("config", "file with lines \"name = value\", e.g. plugin_folders",
                  &flags_.config);
    options.Flag("json", "print one JSON object", &flags_.json);
  }
  absl::StatusOr<ExitCode> Run() override {
    INGOT_ASSIGN_OR_RETURN(const runtime::Options options, flags_.Resolve());
    Json backends = Json::array();
    std::string text;
    for (const runtime::BackendListing& b : runtime::ListBackends(options)) {
      const bool usable = b.unavailable.empty();
      backends.push_back({{"name", b.name},
                          {"available", usable},
                          {"version", b.version},
                          {"library_version", b.library_version},
                          {"path", b.path},
                          {"reason", b.unavailable}});
      absl::StrAppendFormat(&text, "%-12s %s\n", b.name,
                            usable ? absl::StrCat(b.version, b.library_version.empty() ? "" : ", ",
                                                  b.library_version, ", ", b.path)
                                   : absl::StrCat("not available: ", b.unavailable));
    }
    if (flags_.json) {
      PrintJsonLine({{"backends", backends}});
    } else {
      PrintText(text.empty() ? "no backend found beside the executable" : text);
    }
    return ExitCode::kOk;
  }

 private:
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeBackendsVerb() { return std::make_unique<BackendsVerb>(); }

}  // namespace ingot::tools
