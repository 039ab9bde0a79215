// ingot run: one call, its results as text, JSON or .npz.
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "tools/ingot/call.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/exit_code.h"
#include "tools/ingot/npz.h"
#include "tools/ingot/verbs.h"

namespace ingot::tools {
namespace {

// JSON has no nan and inf: they are strings.
Json NumberJson(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

Json ElementsJson(const ingot_tensor& tensor) {
  const ir::DType dtype = TypeOf(tensor).dtype;
  Json data = Json::array();
  if (dtype == ir::DType::kBool) {
    for (const int64_t i : ElementsAsInt(tensor)) data.push_back(i != 0);
  } else if (ir::IsIntegralOrBool(dtype)) {
    for (const int64_t i : ElementsAsInt(tensor)) data.push_back(i);
  } else if (ir::IsComplex(dtype)) {
    for (const std::complex<double> c : ElementsAsComplex(tensor)) {
      data.push_back({NumberJson(c.real()), NumberJson(c.imag())});
    }
  } else {
    for (const double d : ElementsAsDouble(tensor)) data.push_back(NumberJson(d));
  }
  return data;
}

Json TensorJson(const std::string& name, const ingot_tensor& tensor) {
  const ir::TensorType type = TypeOf(tensor);
  return {{"name", name},
          {"dtype", ir::DTypeName(type.dtype)},
          {"shape", std::vector<int64_t>(type.dims.begin(), type.dims.end())},
          {"data", ElementsJson(tensor)}};
}

using NamedViews = std::vector<std::pair<std::string, ingot_tensor>>;

class RunVerb : public Verb {
 public:
  std::string name() const override { return "run"; }
  std::string summary() const override { return "call a model once and show its results"; }
  void Declare(OptionSet& options) override {
    options.Positional("MODEL", "a .pt, .pt2 or .ingot file", &model_);
    options.Alias("output", 'o');
    options.Value("output",
                  ".npz file for the results (out0, out1, …) and the arguments that the call "
                  "changed (arg0, …)",
                  &output_);
    flags_.Declare(options);
  }
  absl::StatusOr<ExitCode> Run() override {
    INGOT_ASSIGN_OR_RETURN(const Compiled compiled,
                           OpenAndCompile(model_, flags_, IfNoGraph::kFallBack));
    if (compiled.graph == nullptr) return RunWhole(compiled);
    INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(compiled.graph, compiled.opened.arguments));
    runtime::RunContext context;
    INGOT_ASSIGN_OR_RETURN(context.seed, flags_.Seed());
    {
      const Progress progress("running");
      INGOT_RETURN_IF_ERROR(call.Run(context));
    }
    NamedViews results, arguments;
    for (size_t i = 0; i < call.result_count(); ++i) {
      results.emplace_back(absl::StrCat("out", i), call.result(i));
    }
    for (const uint32_t i : compiled.graph->written_arguments()) {
      arguments.emplace_back(absl::StrCat("arg", i), call.argument(i));
    }
    return Show(compiled.backend(), ir::ToString(compiled.graph->result_structure()), results,
                arguments);
  }

 private:
  absl::StatusOr<ExitCode> RunWhole(const Compiled& compiled) {
    const Arguments& given_arguments = compiled.opened.arguments;
    INGOT_ASSIGN_OR_RETURN(const std::optional<uint64_t> seed, flags_.Seed());
    INGOT_ASSIGN_OR_RETURN(const Outcome outcome,
                           compiled.whole.runner->Run(given_arguments, seed.value_or(0)));
    NamedViews results, arguments;
    const std::vector<ingot_tensor> given = Views(given_arguments);
    const std::vector<ingot_tensor> after = Views(outcome.arguments);
    const std::vector<ingot_tensor> returned = Views(outcome.results);
    for (size_t i = 0; i < returned.size(); ++i)
      results.emplace_back(absl::StrCat("out", i), returned[i]);
    for (size_t i = 0; i < after.size(); ++i) {
      if (RowMajorBytes(after[i]) != RowMajorBytes(given[i]))
        arguments.emplace_back(absl::StrCat("arg", i), after[i]);
    }
    return Show(compiled.backend(), "", results, arguments);
  }

  absl::StatusOr<ExitCode> Show(const std::string& backend, const std::string& structure,
                                const NamedViews& results, const NamedViews& arguments) const {
    if (!output_.empty()) {
      NamedViews all = results;
      all.insert(all.end(), arguments.begin(), arguments.end());
      INGOT_RETURN_IF_ERROR(AtStage(Stage::kOutput, WriteNpz(output_, all)));
    }
    if (flags_.json) {
      PrintJson(backend, structure, results, arguments);
    } else {
      PrintTensors(backend, structure, results, arguments);
    }
    return ExitCode::kOk;
  }

  void PrintJson(const std::string& backend, const std::string& structure,
                 const NamedViews& results, const NamedViews& arguments) const {
    Json json = {{"model", model_},
                 {"backend", backend},
                 {"structure", structure},
                 {"results", Json::array()},
                 {"arguments", Json::array()}};
    if (!output_.empty()) json["output"] = output_;
    // With a file the elements are there, once.
    for (const auto& [name, tensor] : results) json["results"].push_back(Describe(name, tensor));
    for (const auto& [name, tensor] : arguments) {
      json["arguments"].push_back(Describe(name, tensor));
    }
    PrintJsonLine(json);
  }

  Json Describe(const std::string& name, const ingot_tensor& tensor) const {
    Json json = TensorJson(name, tensor);
    if (!output_.empty()) json.erase("data");
    return json;
  }

  void PrintTensors(const std::string& backend, const std::string& structure,
                    const NamedViews& results, const NamedViews& arguments) const {
    std::string text;
    for (const NamedViews* views : {&results, &arguments}) {
      for (const auto& [name, tensor] : *views) {
        absl::StrAppend(&text, name, ": ", ir::ToString(TypeOf(tensor)));
        absl::StrAppend(&text, output_.empty() ? " = " + ElementsText(tensor) : "", "\n");
      }
    }
    absl::StrAppend(&text, "returned ", structure.empty() ? "" : structure + " ", "on ", backend,
                    "\n");
    if (!output_.empty()) absl::StrAppend(&text, "written to ", output_, "\n");
    PrintText(text);
  }

  std::string model_, output_;
  CommonFlags flags_;
};

}  // namespace

std::unique_ptr<Verb> MakeRunVerb() { return std::make_unique<RunVerb>(); }

}  // namespace ingot::tools
