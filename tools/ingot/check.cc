#include "tools/ingot/check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/exit_code.h"

namespace ingot::tools {
namespace {

constexpr double kErrorRatio = 4;  // against float64: how much worse than LibTorch is still right
constexpr double kFloorUnits = 4;  // units of machine precision

// One tensor of an outcome: result `index`, or argument `index` after the call.
struct Part {
  bool is_result = true;
  size_t index = 0;
  friend auto operator<=>(const Part&, const Part&) = default;
};

std::string Describe(const Part& part) {
  return part.is_result ? absl::StrCat("result ", part.index)
                        : absl::StrCat("argument ", part.index, " after the call");
}

const runtime::HostTensor& Find(const Outcome& outcome, const Part& part) {
  return (part.is_result ? outcome.results : outcome.arguments)[part.index];
}

bool RunsOn(const runtime::CompiledGraph& graph, absl::string_view backend) {
  return std::all_of(graph.groups().begin(), graph.groups().end(),
                     [&](const runtime::GroupReport& group) { return group.backend == backend; });
}

// Errors against float64 of one part, over all draws.
struct AccuracyTally {
  double error = 0, torch_error = 0, magnitude = 0, epsilon = 0;

  double Limit() const {
    return std::max(kErrorRatio * torch_error, kFloorUnits * epsilon * magnitude);
  }
};

class Checker {
 public:
  Checker(Oracle& checked, const SeedDependence& random, Oracle& oracle, Oracle* float64,
          const CheckOptions& options)
      : checked_(checked), oracle_(oracle), float64_(float64), options_(options), random_(random) {}

  absl::StatusOr<CheckReport> Run(const Arguments& given) {
    INGOT_RETURN_IF_ERROR(Draw(given, 0));
    Random random(options_.seed);
    for (int64_t k = 1; k <= options_.fresh && report_.ok; ++k) {
      INGOT_ASSIGN_OR_RETURN(const Arguments fresh, FreshArguments(given, random));
      INGOT_RETURN_IF_ERROR(Draw(fresh, k));
    }
    FinishAccuracy();
    if (report_.ok) report_.message = WhatWasNotCompared();
    return std::move(report_);
  }

 private:
  absl::Status Draw(const Arguments& arguments, int64_t number) {
    const uint64_t seed = options_.seed + static_cast<uint64_t>(number);
    absl::StatusOr<Outcome> expected = oracle_.Run(arguments, seed);
    absl::StatusOr<Outcome> exact =
        float64_ != nullptr && expected.ok() ? float64_->Run(arguments, seed) : Outcome();
    const absl::Status& refusal = expected.ok() ? exact.status() : expected.status();
    if (!refusal.ok()) {
      if (number == 0) return AtStage(Stage::kModel, refusal);
      ++report_.left_out;
      return absl::OkStatus();
    }
    INGOT_ASSIGN_OR_RETURN(const Outcome actual, checked_.Run(arguments, seed));
    ++report_.draws;
    if (actual.results.size() != expected->results.size() ||
        actual.arguments.size() != expected->arguments.size()) {
      return absl::InternalError(absl::StrCat(oracle_.name(), " yields ", expected->results.size(),
                                              " results and ", checked_.name(), " ",
                                              actual.results.size()));
    }
    CompareDraw(actual, *expected, *exact, number);
    if (!report_.ok && options_.arbiter != nullptr) {
      INGOT_RETURN_IF_ERROR(Arbitrate(actual, *expected, arguments, number));
    }
    if (!report_.ok && number > 0 && ContradictsItself(*expected, arguments, seed)) {
      report_.ok = true;
      report_.message.clear();
      --report_.draws;
      ++report_.left_out;
      return absl::OkStatus();
    }
    if (!report_.ok) return KeepFailing(arguments, seed);
    return absl::OkStatus();
  }

  // Fresh arguments may be such that the oracle reads memory that nobody wrote (offsets out of
  // order): then it yields something else the next time.
  bool ContradictsItself(const Outcome& expected, const Arguments& arguments, uint64_t seed) {
    const absl::StatusOr<Outcome> again = oracle_.Run(arguments, seed);
    if (!again.ok() || again->results.size() != expected.results.size()) return true;
    for (size_t i = 0; i < expected.results.size(); ++i) {
      const Tolerances exact{0.0, 0.0};
      if (!Compare(again->results[i].view(), expected.results[i].view(), exact).ok) return true;
    }
    return false;
  }

  // Compares once more, this time with the run in float64 at hand.
  absl::Status Arbitrate(const Outcome& actual, const Outcome& expected, const Arguments& arguments,
                         int64_t number) {
    if (arbiter_ == nullptr) {
      absl::StatusOr<std::unique_ptr<Oracle>> made = options_.arbiter();
      if (!made.ok()) return absl::OkStatus();  // then nobody speaks for the result
      arbiter_ = *std::move(made);
    }
    absl::StatusOr<Outcome> exact =
        arbiter_->Run(arguments, options_.seed + static_cast<uint64_t>(number));
    if (!exact.ok() || exact->results.size() != expected.results.size() ||
        exact->arguments.size() != expected.arguments.size()) {
      return absl::OkStatus();
    }
    report_.ok = true;
    report_.message.clear();
    arbitration_ = &*exact;
    CompareDraw(actual, expected, Outcome(), number);
    arbitration_ = nullptr;
    return absl::OkStatus();
  }

  absl::Status KeepFailing(const Arguments& arguments, uint64_t seed) {
    INGOT_ASSIGN_OR_RETURN(report_.failing, CopyTensors(arguments));
    report_.failing_seed = seed;
    return absl::OkStatus();
  }

  void CompareDraw(const Outcome& actual, const Outcome& expected, const Outcome& exact,
                   int64_t number) {
    for (const bool is_result : {true, false}) {
      const size_t count = (is_result ? actual.results : actual.arguments).size();
      for (size_t i = 0; i < count && report_.ok; ++i) {
        ComparePart({is_result, i}, actual, expected, exact, number);
      }
    }
  }

  void ComparePart(const Part& part, const Outcome& actual, const Outcome& expected,
                   const Outcome& exact, int64_t number) {
    const ingot_tensor a = Find(actual, part).view(), e = Find(expected, part).view();
    const bool random = (part.is_result ? random_.results : random_.arguments)
                            .count(static_cast<uint32_t>(part.index)) > 0;
    const ir::DType dtype = TypeOf(e).dtype;
    const bool same_type = TypeOf(a) == TypeOf(e);
    if (same_type && random) {
      not_compared_.insert(part);
      return;
    }
    if (same_type && float64_ != nullptr && !ir::IsIntegralOrBool(dtype)) {
      TallyAccuracy(part, a, e, Find(exact, part).view(), number);
      return;
    }
    ingot_tensor arbiter;
    if (arbitration_ != nullptr) arbiter = Find(*arbitration_, part).view();
    const Comparison comparison =
        Compare(a, e, options_.tolerances, arbitration_ == nullptr ? nullptr : &arbiter);
    report_.arbitrated += comparison.arbitrated;
    report_.max_abs_err = std::max(report_.max_abs_err, comparison.max_abs_err);
    report_.max_rel_err = std::max(report_.max_rel_err, comparison.max_rel_err);
    if (!comparison.ok) Fail(part, number, comparison.message);
  }

  void TallyAccuracy(const Part& part, const ingot_tensor& actual, const ingot_tensor& torch,
                     const ingot_tensor& exact, int64_t number) {
    const std::optional<double> error = MaxAbsError(actual, exact);
    const std::optional<double> torch_error = MaxAbsError(torch, exact);
    if (!error || !torch_error) {
      Fail(part, number, absl::StrCat("float64 yields ", ir::ToString(TypeOf(exact))));
      return;
    }
    AccuracyTally& tally = accuracy_[part];
    tally.error = std::max(tally.error, *error);
    tally.torch_error = std::max(tally.torch_error, *torch_error);
    tally.magnitude = std::max(tally.magnitude, MaxMagnitude(exact));
    tally.epsilon = Epsilon(TypeOf(actual).dtype);
  }

  void FinishAccuracy() {
    for (const auto& [part, tally] : accuracy_) {
      report_.max_abs_err = std::max(report_.max_abs_err, tally.error);
      if (tally.magnitude > 0) {
        report_.max_rel_err = std::max(report_.max_rel_err, tally.error / tally.magnitude);
      }
      // Not `>`: an error that is NaN is no success.
      if (!(tally.error <= tally.Limit()) && report_.ok) {
        report_.ok = false;
        report_.message = absl::StrFormat(
            "%s: the largest error against float64 is %.3g; LibTorch's own is %.3g, so %.3g is the "
            "limit",
            Describe(part), tally.error, tally.torch_error, tally.Limit());
      }
    }
  }

  void Fail(const Part& part, int64_t number, const std::string& what) {
    report_.ok = false;
    report_.message = absl::StrCat(
        Describe(part),
        number == 0 ? std::string(", given arguments: ")
                    : absl::StrCat(", fresh arguments ", number, " of ", options_.fresh, ": "),
        what);
  }

  std::string WhatWasNotCompared() const {
    if (not_compared_.empty()) {
      if (report_.arbitrated == 0) return "";
      return absl::StrCat(report_.arbitrated,
                          " elements are within the tolerances of a run in float64 and not of "
                          "LibTorch's own");
    }
    std::vector<std::string> parts;
    for (const Part& part : not_compared_) parts.push_back(Describe(part));
    return absl::StrCat("drawn at random, so compared in dtype and sizes only: ",
                        absl::StrJoin(parts, ", "));
  }

  Oracle& checked_;
  Oracle& oracle_;
  Oracle* float64_;
  const CheckOptions& options_;
  const SeedDependence& random_;  // parts whose values are not compared
  std::set<Part> not_compared_;
  std::map<Part, AccuracyTally> accuracy_;
  CheckReport report_;
  std::unique_ptr<Oracle> arbiter_;
  const Outcome* arbitration_ = nullptr;  // set while the arbiter is heard
};

}  // namespace

absl::StatusOr<CheckReport> Check(const std::shared_ptr<const runtime::CompiledGraph>& graph,
                                  Oracle& oracle, Oracle* float64, const Arguments& arguments,
                                  const CheckOptions& options) {
  GraphOracle checked("the compiled graph", graph);
  // The torchscript backend draws LibTorch's numbers.
  SeedDependence random;
  if (float64 != nullptr || !RunsOn(*graph, "torchscript")) {
    random = FindSeedDependence(graph->graph());
  }
  return Check(checked, random, oracle, float64, arguments, options);
}

absl::StatusOr<CheckReport> Check(Oracle& checked, const SeedDependence& random, Oracle& oracle,
                                  Oracle* float64, const Arguments& arguments,
                                  const CheckOptions& options) {
  return Checker(checked, random, oracle, float64, options).Run(arguments);
}

SeedDependence FindSeedDependence(const ir::Graph& graph) {
  std::vector<bool> depends(graph.num_values(), false);
  for (const ir::InputSpec& input : graph.inputs()) {
    if (input.role == ir::InputRole::kSeed) depends[input.value] = true;
  }
  for (const ir::Node& node : graph.nodes()) {
    bool random = false;
    ir::ForEachOperand(node, [&](ir::ValueId value) { random = random || depends[value]; });
    for (const ir::ValueId output : node.outputs) {
      if (output != ir::kNoValue) depends[output] = random;
    }
  }
  SeedDependence found;
  for (const ir::OutputSpec& output : graph.outputs()) {
    if (!depends[output.value]) continue;
    if (output.role == ir::OutputRole::kWriteBack) {
      found.arguments.insert(output.index);
    } else if (output.role != ir::OutputRole::kStateUpdate) {
      found.results.insert(output.index);
    }
  }
  // A result that is an argument, or a view of it, is as random as what was written there.
  for (const ir::OutputSpec& output : graph.outputs()) {
    if (output.role == ir::OutputRole::kAlias && found.arguments.count(output.alias_of) > 0) {
      found.results.insert(output.index);
    }
  }
  return found;
}

}  // namespace ingot::tools
