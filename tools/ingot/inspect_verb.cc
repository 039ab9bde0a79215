// ingot inspect: what a model's graph is and what runs it.
#include <memory>
#include <string>
#include <vector>

#include "core/base/status_macros.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/graph_view.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

std::string AsText(const GraphView& view) { return view.ToText(); }
std::string AsJson(const GraphView& view) { return JsonText(view.ToJson()); }
std::string AsDot(const GraphView& view) { return view.graph_dot; }
std::string AsHtml(const GraphView& view) { return view.ToHtml(); }

struct Format {
  const char* name;
  std::string (*print)(const GraphView&);
};
constexpr Format kFormats[] = {
    {"text", AsText}, {"json", AsJson}, {"dot", AsDot}, {"html", AsHtml}};

class InspectVerb : public Verb {
 public:
  std::string name() const override { return "inspect"; }
  std::string summary() const override {
    return "show a model's graph, and which backend runs what";
  }
  void Declare(OptionSet& options) override {
    options.Positional(
        "MODEL", "a .pt file (recorded with the given inputs), a .pt2 or an .ingot file", &model_);
    std::vector<std::string> names;
    for (const Format& format : kFormats) names.push_back(format.name);
    options.Choice("format", "text (default), json, dot or html", names, &format_);
    flags_.Declare(options);
  }
  absl::StatusOr<ExitCode> Run() override {
    INGOT_ASSIGN_OR_RETURN(Opened opened, Open(model_, flags_));
    INGOT_ASSIGN_OR_RETURN(const auto graph, CompileOrShowFallback(opened));
    const GraphView view = MakeGraphView(*graph);
    if (flags_.json) format_ = "json";
    for (const Format& format : kFormats) {
      if (format_ == format.name) PrintText(format.print(view));
    }
    return ExitCode::kOk;
  }

 private:
  // What is refused while fallback is forbidden is shown with the reasons instead.
  absl::StatusOr<std::shared_ptr<const runtime::CompiledGraph>> CompileOrShowFallback(
      Opened& opened) {
    INGOT_ASSIGN_OR_RETURN(const auto session, CreateSession(opened.options));
    INGOT_ASSIGN_OR_RETURN(const ir::Recording recording, Record(model_, opened));
    auto graph = Compile(*session, recording);
    if (!absl::IsUnimplemented(graph.status())) return graph;
    opened.options.fallback = runtime::FallbackPolicy::kAllow;
    INGOT_ASSIGN_OR_RETURN(const auto allowing, CreateSession(opened.options));
    return Compile(*allowing, recording);
  }

  std::string model_, format_ = "text";
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeInspectVerb() { return std::make_unique<InspectVerb>(); }

}  // namespace ingot::tools
