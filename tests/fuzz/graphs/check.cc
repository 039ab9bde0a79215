#include "tests/fuzz/graphs/check.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/runtime/session.h"
#include "frontends/torch/ingot.h"
#include "frontends/torchscript/arguments.h"
#include "tests/fuzz/graphs/eager.h"
#include "tests/fuzz/graphs/transform.h"

namespace ingot::fuzz {
namespace {

using Tensors = std::vector<at::Tensor>;
using Kind = Verdict::Kind;

constexpr int kCalls = 2, kStatefulCalls = 3;
constexpr uint64_t kNoisyRuns = 16;

std::vector<c10::IValue> ToIValues(const Tensors& tensors) {
  return std::vector<c10::IValue>(tensors.begin(), tensors.end());
}

Tensors Leaves(const c10::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  Tensors tensors;
  for (const c10::IValue& element : value.toTupleRef().elements()) {
    tensors.push_back(element.toTensor());
  }
  return tensors;
}

// Which argument's memory a tensor is in, or -1.
int AliasOf(const at::Tensor& tensor, const Tensors& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (tensor.numel() > 0 && tensor.is_alias_of(arguments[i])) return static_cast<int>(i);
  }
  return -1;
}

// Where they count.
bool HasStridesOf(const at::Tensor& a, const at::Tensor& b) {
  for (int64_t d = 0; d < b.dim(); ++d) {
    if (b.size(d) > 1 && a.stride(d) != b.stride(d)) return false;
  }
  return true;
}

bool HasPlainStrides(const at::Tensor& tensor) {
  return tensor.is_contiguous() || !tensor.is_non_overlapping_and_dense();
}

// Aliases and strides: those of `expected`, a program's outcome on arguments of its own.
std::string LayoutDifference(const Outcome& actual, const Outcome& expected) {
  for (size_t i = 0; i < expected.results.size(); ++i) {
    const at::Tensor& a = actual.results[i];
    const at::Tensor& e = expected.results[i];
    const int alias = AliasOf(e, expected.arguments);
    if (AliasOf(a, actual.arguments) != alias) {
      return absl::StrCat("result ", i, ": memory of argument ", AliasOf(a, actual.arguments),
                          " instead of ", alias);
    }
    for (size_t k = 0; k < expected.arguments.size(); ++k) {
      if (e.is_same(expected.arguments[k]) && !a.is_same(actual.arguments[k])) {
        return absl::StrCat("result ", i, " is not argument ", k, " itself");
      }
    }
    const bool same_place = alias < 0 || a.storage_offset() == e.storage_offset();
    const bool same_strides =
        e.numel() == 0 || (alias < 0 && HasPlainStrides(e)) || HasStridesOf(a, e);
    if (same_place && same_strides) continue;
    std::ostringstream text;
    text << "result " << i << ": strides " << a.strides() << " offset " << a.storage_offset()
         << " instead of " << e.strides() << " offset " << e.storage_offset();
    return text.str();
  }
  return "";
}

// One check: the case in eager, and compiled.
class Run {
 public:
  Run(const Case& c, const Session& session, const Checker::Inspect& inspect)
      : case_(c), session_(session), inspect_(inspect) {}

  Verdict Check() {
    const absl::Status status = [&]() -> absl::Status {
      INGOT_RETURN_IF_ERROR(Prepare());
      const int calls = case_.states.empty() ? kCalls : kStatefulCalls;
      for (int call = 0; call < calls && verdict_.kind == Kind::kOk; ++call) {
        INGOT_RETURN_IF_ERROR(Call(call));
      }
      return absl::OkStatus();
    }();
    if (!status.ok() && verdict_.kind == Kind::kOk) {
      verdict_.kind = Kind::kError;
      verdict_.message = std::string(status.message());
    }
    return verdict_;
  }

  const std::optional<CompiledGraph>& compiled() const { return compiled_; }

 private:
  absl::Status Fail(Kind kind, std::string message) {
    verdict_.kind = kind;
    verdict_.message = std::move(message);
    return absl::OkStatus();
  }

  absl::Status Prepare() {
    INGOT_ASSIGN_OR_RETURN(Eager eager, Eager::Create(case_));
    eager_.emplace(std::move(eager));
    // Eager decides first whether there is anything to record.
    INGOT_ASSIGN_OR_RETURN(states_, eager_->States());
    INGOT_ASSIGN_OR_RETURN(const Tensors arguments, eager_->Arguments(0));
    const absl::StatusOr<Outcome> outcome = eager_->Run(arguments, states_);
    if (absl::IsInternal(outcome.status())) {
      return Fail(Kind::kMismatch, std::string(outcome.status().message()));
    }
    if (!outcome.ok()) return Fail(Kind::kRefused, std::string(outcome.status().message()));
    first_states_ = states_;
    narrow_ = eager_->NarrowParts();
    INGOT_ASSIGN_OR_RETURN(CompiledGraph compiled, Compile());
    compiled_ = std::move(compiled);
    if (!case_.states.empty()) {
      state_ = compiled_->runtime().NewState();
      second_state_ = compiled_->runtime().NewState();
    }
    const std::string objection = inspect_ ? inspect_(compiled_->runtime()) : "";
    return objection.empty() ? absl::OkStatus() : Fail(Kind::kMismatch, objection);
  }

  absl::StatusOr<CompiledGraph> Compile() {
    INGOT_ASSIGN_OR_RETURN(const Tensors arguments, eager_->Arguments(0));
    if (case_.is_program) {
      const auto program = [this](std::vector<c10::IValue> args) -> c10::IValue {
        Tensors tensors;
        for (const c10::IValue& arg : args) tensors.push_back(arg.toTensor());
        const absl::StatusOr<Outcome> outcome = eager_->Run(tensors, {});
        TORCH_CHECK(outcome.ok(), outcome.status().message());
        return c10::ivalue::Tuple::create(ToIValues(outcome->results));
      };
      return session_.Extract(program, ToIValues(arguments), "fuzz");
    }
    INGOT_ASSIGN_OR_RETURN(ir::Recording recording, ToRecording(case_));
    INGOT_ASSIGN_OR_RETURN(torchscript::ClonedArguments clones,
                           torchscript::CloneArguments(ToIValues(arguments)));
    recording.signature = std::move(clones.signature);
    INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const runtime::CompiledGraph> graph,
                           session_.runtime().Compile(std::move(recording)));
    return CompiledGraph(std::move(graph));
  }

  absl::StatusOr<Outcome> RunCompiled(int call, runtime::State* state) {
    INGOT_ASSIGN_OR_RETURN(Tensors arguments, eager_->Arguments(call));
    RunContext context;
    context.seed = case_.seed;
    context.state = state;
    INGOT_ASSIGN_OR_RETURN(c10::IValue results, compiled_->Run(ToIValues(arguments), context));
    return Outcome{.results = Leaves(results), .arguments = std::move(arguments)};
  }

  // Eager's outcomes of this call when rounding errors are put in from the first call on; nullopt
  // if it refuses them.
  absl::StatusOr<std::optional<std::vector<Outcome>>> NoisyRuns(int call) {
    std::vector<Outcome> noisy;
    for (uint64_t run = 0; run < kNoisyRuns; ++run) {
      Rng rng(case_.seed + run);
      Tensors states = first_states_;
      for (int k = 0; k <= call; ++k) {
        INGOT_ASSIGN_OR_RETURN(const Tensors arguments, eager_->Arguments(k));
        absl::StatusOr<Outcome> outcome = eager_->Run(arguments, states, &rng);
        if (!outcome.ok()) return std::nullopt;
        states = outcome->states;
        if (k == call) noisy.push_back(*std::move(outcome));
      }
    }
    return noisy;
  }

  absl::Status Call(int call) {
    INGOT_ASSIGN_OR_RETURN(const Tensors arguments, eager_->Arguments(call));
    absl::StatusOr<Outcome> expected = eager_->Run(arguments, states_);
    if (!expected.ok()) return Fail(Kind::kRefused, std::string(expected.status().message()));
    states_ = expected->states;
    INGOT_ASSIGN_OR_RETURN(const Outcome actual, RunCompiled(call, state_.get()));
    for (const at::Tensor& result : expected->results) verdict_.elements += result.numel();
    std::string difference = Difference(actual, *expected, {}, narrow_, verdict_.loose);
    if (!difference.empty()) {
      INGOT_ASSIGN_OR_RETURN(const std::optional<std::vector<Outcome>> noisy, NoisyRuns(call));
      if (!noisy) return Fail(Kind::kRefused, "with noise only");
      difference = Difference(actual, *expected, *noisy, narrow_, verdict_.loose);
    }
    if (difference.empty() && case_.is_program) difference = LayoutDifference(actual, *expected);
    if (!difference.empty()) {
      return Fail(Kind::kMismatch, absl::StrCat("call ", call, ": ", difference));
    }
    INGOT_ASSIGN_OR_RETURN(const Outcome again, RunCompiled(call, second_state_.get()));
    if (SameBits(actual, again)) return absl::OkStatus();
    return Fail(Kind::kMismatch, absl::StrCat("call ", call, ": other bits in the second run"));
  }

  const Case& case_;
  const Session& session_;
  const Checker::Inspect& inspect_;
  std::optional<Eager> eager_;
  std::optional<CompiledGraph> compiled_;
  std::unique_ptr<runtime::State> state_, second_state_;
  Tensors first_states_, states_;
  Narrow narrow_;
  Verdict verdict_;
};

class TorchChecker final : public Checker {
 public:
  explicit TorchChecker(Session session) : session_(std::move(session)) {}

  Verdict Check(const Case& c) override {
    Run run(c, session_, inspect_);
    Verdict verdict = run.Check();
    if (run.compiled()) {
      const runtime::CompiledGraph& graph = run.compiled()->runtime();
      for (const auto& group : graph.groups()) {
        verdict.nodes[group.backend] += static_cast<int64_t>(group.nodes.size());
      }
      for (const auto& fallback : graph.fallbacks()) ++verdict.fallbacks[fallback.op];
    }
    return verdict;
  }

  void set_force_fallback(std::vector<std::string> ops) override {
    session_.runtime().set_force_fallback(std::move(ops));
  }
  void set_inspect(Inspect inspect) override { inspect_ = std::move(inspect); }

 private:
  Session session_;
  Inspect inspect_;
};

}  // namespace

const char* Name(Verdict::Kind kind) {
  constexpr const char* kNames[] = {"ok", "refused", "mismatch", "error"};
  return kNames[static_cast<size_t>(kind)];
}

absl::StatusOr<std::unique_ptr<Checker>> Checker::Create(const CheckerOptions& options) {
  at::set_num_threads(1);
  // Eager warns of the variance of one element, thousands of times.
  class Silence final : public c10::WarningHandler {
    void process(const c10::Warning&) override {}
  };
  static Silence& silence = *new Silence;
  c10::WarningUtils::set_warning_handler(&silence);
  Options session_options;
  session_options.backend = options.backend;
  session_options.fallback = FallbackPolicy::kAllow;
  session_options.plugin_folders = options.plugin_folders;
  session_options.threads = 1;
  session_options.cache_bytes = size_t{1} << 20;
  session_options.seed = 1;
  INGOT_ASSIGN_OR_RETURN(Session session, Session::Create(session_options));
  return std::make_unique<TorchChecker>(std::move(session));
}

absl::StatusOr<Case> WithoutRefused(Case c) {
  if (!c.is_program) return c;
  for (int round = 0; round < 8; ++round) {
    INGOT_ASSIGN_OR_RETURN(const Eager eager, Eager::Create(c));
    INGOT_ASSIGN_OR_RETURN(const std::vector<bool> refused, eager.Refused());
    if (std::find(refused.begin(), refused.end(), true) == refused.end()) break;
    INGOT_ASSIGN_OR_RETURN(Case rest, Without(c, refused));
    c = std::move(rest);
  }
  return c;
}

}  // namespace ingot::fuzz
