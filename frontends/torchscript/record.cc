#include "frontends/torchscript/record.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/ir/constant_digests.h"
#include "frontends/torchscript/arguments.h"
#include "frontends/torchscript/default_generator.h"
#include "frontends/torchscript/graph_recorder.h"
#include "frontends/torchscript/guard.h"
#include "frontends/torchscript/module_state.h"
#include "frontends/torchscript/tape.h"
#include "frontends/torchscript/values.h"

namespace ingot::torchscript {
namespace {

using ir::ValueId;

// One recording, from clones to graph.
class Recorder {
 public:
  // `known` (may be null) outlives the recorder.
  Recorder(ClonedArguments arguments, ModuleState state, bool is_module, std::string name,
           ProgramState* known)
      : arguments_(std::move(arguments)),
        state_(std::move(state)),
        is_module_(is_module),
        name_(std::move(name)),
        known_(known != nullptr ? known : &nothing_known_),
        tape_(rules_) {}

  absl::StatusOr<ir::Recording> Record(const Callable& callable) {
    for (const ModuleState::Tensor& tensor : state_.tensors())
      before_.push_back(tape_.Snapshot(tensor.tensor));
    for (const at::Tensor& tensor : known_->captured)
      known_captured_.push_back(tensor.defined() ? tape_.Snapshot(tensor) : TensorSnapshot());
    for (const at::Tensor& tensor : arguments_.tensors) {
      tape_.MarkInput(tensor);
      argument_snapshots_.push_back(tape_.Snapshot(tensor));
    }
    absl::StatusOr<ir::Recording> recording = Guard(
        "recording", [&]() -> absl::StatusOr<ir::Recording> { return RunAndBuild(callable); });
    const absl::Status restored = Guard("restoring the module", [&] {
      Restore();
      return absl::OkStatus();
    });
    if (recording.ok() && !restored.ok()) return restored;
    return recording;
  }

  // See RecordOptions::captured.
  std::vector<at::Tensor> TakeCaptured() { return std::move(captured_); }

 private:
  struct State {
    TensorSnapshot before;
    at::Tensor after;
    std::string name;
  };

  absl::StatusOr<ir::Recording> RunAndBuild(const Callable& callable) {
    INGOT_RETURN_IF_ERROR(Run(callable));
    INGOT_RETURN_IF_ERROR(CheckArgumentsKeptShape());
    INGOT_RETURN_IF_ERROR(FindState());
    GraphRecorder recorder(tape_, name_,
                           [this](StorageId storage) { return state_.NameOf(storage); });
    INGOT_RETURN_IF_ERROR(DefineInputs(recorder));
    for (const Call& call : tape_.calls()) INGOT_RETURN_IF_ERROR(recorder.Process(call));
    INGOT_RETURN_IF_ERROR(AddResults(recorder));
    INGOT_RETURN_IF_ERROR(AddWriteBacks(recorder));
    INGOT_RETURN_IF_ERROR(AddStateUpdates(recorder));
    INGOT_ASSIGN_OR_RETURN(ir::Recording recording, Finish(recorder));
    for (const State& state : states_) {
      if (is_module_) known_->names.insert(state.name);
    }
    for (const at::Tensor& tensor : new_captured_) known_->captured.push_back(tensor);
    return recording;
  }

  absl::Status Run(const Callable& callable) {
    const at::NoGradGuard no_grad;
    const torch::jit::GraphOptimizerEnabledGuard no_optimizer(false);
    const KeepDefaultGenerator keep_generator;
    absl::Status failed = Guard("the model fails on the example arguments", [&] {
      const Tape::Scope scope(tape_);
      result_ = callable(arguments_.values);
      return absl::OkStatus();
    });
    if (failed.ok()) return tape_.status();
    failed.SetPayload(kModelFailed, absl::Cord());
    return failed;
  }

  absl::Status CheckArgumentsKeptShape() const {
    for (size_t slot = 0; slot < arguments_.tensors.size(); ++slot) {
      if (LayoutOf(arguments_.tensors[slot]) == argument_snapshots_[slot].layout) continue;
      return absl::UnimplementedError(
          absl::StrCat("the call changes the shape or strides of argument ", slot,
                       " in place: return a view of it instead"));
    }
    return absl::OkStatus();
  }

  // Tensors of before the call that it wrote or replaced, or uses and other calls write.
  absl::Status FindState() {
    if (!is_module_) {
      FindCaptured();
      return absl::OkStatus();
    }
    absl::flat_hash_set<StorageId> found;
    INGOT_ASSIGN_OR_RETURN(const std::vector<ModuleState::Rebinding> rebindings,
                           state_.FindChanges(tape_));
    for (const ModuleState::Rebinding& rebinding : rebindings) {
      found.insert(before_[rebinding.index].storage);
      states_.push_back(
          {before_[rebinding.index], rebinding.now, state_.tensors()[rebinding.index].name});
    }
    const absl::flat_hash_set<StorageId> used = UsedStorages(rebindings);
    for (size_t i = 0; i < before_.size(); ++i) {
      const StorageId storage = before_[i].storage;
      const std::string& name = state_.tensors()[i].name;
      const bool is_known = known_->names.contains(name) && used.contains(storage);
      if (storage == nullptr || !(is_known || tape_.WasWritten(storage))) continue;
      if (!found.insert(storage).second) continue;
      states_.push_back({before_[i], before_[i].tensor, name});
    }
    return absl::OkStatus();
  }

  absl::flat_hash_set<StorageId> UsedStorages(
      const std::vector<ModuleState::Rebinding>& rebindings) const {
    absl::flat_hash_set<StorageId> used;
    const auto use = [&](const TensorSnapshot& tensor) { used.insert(tensor.storage); };
    for (const Call& call : tape_.calls()) {
      for (const Operand& operand : call.inputs) absl::c_for_each(operand.tensors, use);
    }
    for (const ModuleState::Rebinding& rebinding : rebindings) use(tape_.Snapshot(rebinding.now));
    ForEachTensor(result_, "", [&](const std::string&, const at::Tensor& tensor) {
      use(tape_.Snapshot(tensor));
    });
    return used;
  }

  // What the call used, or returned, before any op had made it, and that is no argument; one tensor
  // a storage. Such are a callable's captured tensors.
  std::vector<TensorSnapshot> UsedFromBefore() const {
    absl::flat_hash_set<StorageId> known;
    std::vector<TensorSnapshot> used;
    for (const TensorSnapshot& argument : argument_snapshots_) known.insert(argument.storage);
    const auto use = [&](const TensorSnapshot& tensor) {
      if (tensor.storage != nullptr && known.insert(tensor.storage).second) used.push_back(tensor);
    };
    for (const Call& call : tape_.calls()) {
      for (const Operand& operand : call.inputs) absl::c_for_each(operand.tensors, use);
      for (const Operand& operand : call.outputs) {
        for (const TensorSnapshot& tensor : operand.tensors) known.insert(tensor.storage);
      }
    }
    ForEachTensor(result_, "", [&](const std::string&, const at::Tensor& tensor) {
      use(tape_.Snapshot(tensor));
    });
    return used;
  }

  void FindCaptured() {
    for (const TensorSnapshot& tensor : UsedFromBefore()) {
      const auto known = absl::c_find_if(known_captured_, [&](const TensorSnapshot& other) {
        return other.storage == tensor.storage;
      });
      if (known != known_captured_.end()) {
        AddCapturedState(*known, static_cast<size_t>(known - known_captured_.begin()));
      } else if (tape_.WasWritten(tensor.storage)) {
        AddCapturedState(tensor, known_captured_.size() + new_captured_.size());
        new_captured_.push_back(tensor.tensor);
      } else {
        captured_.push_back(tensor.tensor);
      }
    }
  }

  void AddCapturedState(const TensorSnapshot& tensor, size_t number) {
    states_.push_back({tensor, tensor.tensor, absl::StrCat("captured.", number)});
  }

  absl::Status DefineInputs(GraphRecorder& recorder) {
    for (const TensorSnapshot& tensor : before_) recorder.memory().DefineConstant(tensor);
    std::vector<ValueId> values;
    for (size_t slot = 0; slot < argument_snapshots_.size(); ++slot) {
      values.push_back(recorder.AddInput(ir::InputRole::kArgument, static_cast<uint32_t>(slot),
                                         arguments_.signature.arguments[slot].type));
    }
    argument_values_ = values;
    INGOT_RETURN_IF_ERROR(DefineArgumentMemory(recorder.memory()));
    for (size_t i = 0; i < states_.size(); ++i) {
      const std::optional<ir::TensorType> type = TypeOf(states_[i].before.layout);
      if (!type)
        return absl::UnimplementedError(
            absl::StrCat("state \"", states_[i].name, "\" has an unsupported dtype"));
      state_values_.push_back(recorder.AddInput(ir::InputRole::kState, static_cast<uint32_t>(i),
                                                *type, states_[i].name));
      recorder.memory().DefineInput(states_[i].before, state_values_.back());
    }
    return absl::OkStatus();
  }

  // Of arguments that share memory the largest is the root, if it holds the others or nobody
  // writes.
  absl::Status DefineArgumentMemory(MemoryModel& memory) const {
    absl::flat_hash_map<StorageId, std::vector<size_t>> groups;
    for (size_t slot = 0; slot < argument_snapshots_.size(); ++slot)
      groups[argument_snapshots_[slot].storage].push_back(slot);
    for (const auto& [storage, slots] : groups) {
      const size_t root = *std::max_element(slots.begin(), slots.end(), [&](size_t a, size_t b) {
        return argument_snapshots_[a].layout.type.NumElements() <
               argument_snapshots_[b].layout.type.NumElements();
      });
      const bool root_has_all = absl::c_all_of(slots, [&](size_t slot) {
        return argument_snapshots_[root].layout.Covers(argument_snapshots_[slot].layout);
      });
      if (root_has_all || !tape_.WasWritten(storage)) {
        memory.DefineInput(argument_snapshots_[root], argument_values_[root]);
      } else {
        std::vector<std::pair<TensorSnapshot, ValueId>> inputs;
        for (size_t slot : slots)
          inputs.emplace_back(argument_snapshots_[slot], argument_values_[slot]);
        INGOT_RETURN_IF_ERROR(memory.DefineUnion(inputs));
      }
      for (size_t slot : slots)
        memory.DefineOverlap(argument_snapshots_[slot], argument_values_[slot]);
    }
    return absl::OkStatus();
  }

  absl::Status AddResults(GraphRecorder& recorder) {
    std::vector<at::Tensor> slots;
    INGOT_ASSIGN_OR_RETURN(ir::Structure structure, ToStructure(result_, Slots::kByObject, slots),
                           "result");
    for (size_t slot = 0; slot < slots.size(); ++slot) {
      const TensorSnapshot tensor = tape_.Snapshot(slots[slot]);
      INGOT_ASSIGN_OR_RETURN(const ValueId value, recorder.memory().Read(tensor),
                             absl::StrCat("result ", slot));
      ir::OutputSpec output = DescribeResult(tensor);
      output.index = static_cast<uint32_t>(slot);
      recorder.graph().AddOutput(std::move(output), value);
    }
    recorder.graph().set_result_structure(std::move(structure));
    return absl::OkStatus();
  }

  // A result that is an argument, a view of one, or neither.
  ir::OutputSpec DescribeResult(const TensorSnapshot& result) const {
    ir::OutputSpec output;
    for (size_t slot = 0; slot < arguments_.tensors.size(); ++slot) {
      if (!result.tensor.is_same(arguments_.tensors[slot])) continue;
      output.role = ir::OutputRole::kAlias;
      output.alias_of = static_cast<uint32_t>(slot);
      return output;
    }
    for (size_t slot = 0; slot < argument_snapshots_.size(); ++slot) {
      if (!IsView(result, argument_snapshots_[slot])) continue;
      output.role = ir::OutputRole::kAlias;
      output.alias_of = static_cast<uint32_t>(slot);
      output.strides = result.layout.strides;
      output.offset = result.layout.offset - argument_snapshots_[slot].layout.offset;
      return output;
    }
    if (!result.layout.IsRowMajor() && result.layout.IsDense())
      output.strides = result.layout.strides;
    return output;
  }

  static bool IsView(const TensorSnapshot& view, const TensorSnapshot& base) {
    // Arguments are neither conjugated nor negated.
    if (view.storage != base.storage || !view.layout.HasElementsOf(base.layout) ||
        view.layout.type.NumElements() == 0) {
      return false;
    }
    const auto [view_begin, view_end] = view.layout.Extent();
    const auto [base_begin, base_end] = base.layout.Extent();
    return view_begin >= base_begin && view_end <= base_end;
  }

  absl::Status AddWriteBacks(GraphRecorder& recorder) {
    for (size_t slot = 0; slot < argument_snapshots_.size(); ++slot) {
      const TensorSnapshot now = tape_.Snapshot(arguments_.tensors[slot]);
      bool is_repeated = false;
      for (size_t earlier = 0; earlier < slot; ++earlier) {
        const TensorSnapshot& other = argument_snapshots_[earlier];
        is_repeated |= other.storage == now.storage && other.layout == now.layout;
      }
      if (is_repeated || !tape_.WasWritten(now.storage)) continue;
      INGOT_ASSIGN_OR_RETURN(const ValueId value, recorder.memory().Read(now),
                             absl::StrCat("argument ", slot));
      if (value == argument_values_[slot]) continue;
      ir::OutputSpec output;
      output.role = ir::OutputRole::kWriteBack;
      output.index = static_cast<uint32_t>(slot);
      recorder.graph().AddOutput(std::move(output), value);
    }
    return absl::OkStatus();
  }

  absl::Status AddStateUpdates(GraphRecorder& recorder) {
    for (size_t i = 0; i < states_.size(); ++i) {
      const TensorSnapshot now = tape_.Snapshot(states_[i].after);
      if (TypeOf(now.layout) != TypeOf(states_[i].before.layout)) {
        return absl::FailedPreconditionError(
            absl::StrCat("the call changes dtype or sizes of the module's tensor \"",
                         states_[i].name, "\": a graph's state keeps them"));
      }
      INGOT_ASSIGN_OR_RETURN(const ValueId value, recorder.memory().Read(now),
                             absl::StrCat("state ", states_[i].name));
      if (value == state_values_[i]) continue;  // only read
      ir::OutputSpec output;
      output.role = ir::OutputRole::kStateUpdate;
      output.index = static_cast<uint32_t>(i);
      recorder.graph().AddOutput(std::move(output), value);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ir::Recording> Finish(GraphRecorder& recorder) {
    ir::Recording recording;
    recording.constants = std::move(recorder.constants()).Finish();
    for (const State& state : states_) {
      const at::Tensor contents = tape_.Contents(state.before);
      if (!contents.defined()) {
        return absl::InternalError(
            absl::StrCat("the initial contents of \"", state.name, "\" were not kept"));
      }
      // The live tensor goes on changing.
      recording.initial_state.push_back(MakeConstant(contents.clone()));
    }
    ir::ComputeDigests(absl::MakeSpan(recording.initial_state));
    recording.signature = std::move(arguments_.signature);
    recording.graph = std::move(recorder.graph());
    return recording;
  }

  // After a call that failed, too, when nobody has looked for its state.
  void Restore() {
    const auto restore = [&](const TensorSnapshot& tensor) {
      if (tensor.storage != nullptr) tape_.Restore(tensor.storage);
    };
    absl::c_for_each(before_, restore);
    absl::c_for_each(known_captured_, restore);
    if (!is_module_) absl::c_for_each(UsedFromBefore(), restore);
    state_.UndoRebindings();
  }

  ClonedArguments arguments_;
  ModuleState state_;
  const bool is_module_;
  const std::string name_;
  ProgramState nothing_known_;
  ProgramState* const known_;
  OpRules rules_;
  Tape tape_;
  c10::IValue result_;
  std::vector<TensorSnapshot> before_;          // of the module's tensors
  std::vector<TensorSnapshot> known_captured_;  // of known_->captured
  std::vector<TensorSnapshot> argument_snapshots_;
  std::vector<ValueId> argument_values_;
  std::vector<State> states_;
  std::vector<ValueId> state_values_;
  std::vector<at::Tensor> captured_;      // weights
  std::vector<at::Tensor> new_captured_;  // state that wasn't known
};

// Drops those from `first` on that nobody else holds: memory of the call's own, which it made
// without an op and which no other call will see.
void DropOwnMemory(std::vector<at::Tensor>& captured, size_t first) {
  for (size_t i = first; i < captured.size(); ++i) {
    const auto& storage = captured[i].storage();
    if (captured[i].use_count() == 1 && storage.use_count() == 1) captured[i].reset();
  }
}

}  // namespace

absl::Status DataDependentError(absl::string_view op, absl::string_view what) {
  absl::Status status =
      absl::FailedPreconditionError(absl::StrCat("data-dependent: ", op, " ", what));
  status.SetPayload(kDataDependentOp, absl::Cord(op));
  return status;
}

absl::StatusOr<ir::Recording> Record(const torch::jit::Module& module,
                                     const std::vector<c10::IValue>& args,
                                     const RecordOptions& options) {
  return Guard("recording", [&]() -> absl::StatusOr<ir::Recording> {
    INGOT_ASSIGN_OR_RETURN(ClonedArguments arguments, CloneArguments(args));
    INGOT_ASSIGN_OR_RETURN(ModuleState state, ModuleState::Of(module));
    std::string name = options.name;
    if (name.empty() && module.type()->name()) name = module.type()->name()->name();
    const DataNumbers none;
    const DataNumbers& numbers = options.numbers != nullptr ? *options.numbers : none;
    numbers.Mark(arguments.signature.arguments_structure);
    Recorder recorder(std::move(arguments), std::move(state), true, std::move(name), options.state);
    torch::jit::Module callee = module;
    absl::StatusOr<ir::Recording> recording = recorder.Record([&](std::vector<c10::IValue> values) {
      return callee.forward(numbers.WithProbes(std::move(values)));
    });
    if (numbers.empty()) return recording;
    const absl::Status bound = recording.ok() ? numbers.Bind(args, *recording) : recording.status();
    if (bound.ok()) return recording;
    // With numbers of the recorder's own a model may also fail where it wouldn't with the caller's.
    absl::Status status = bound;
    status.SetPayload(kNumbersAreNoData, absl::Cord());
    return status;
  });
}

absl::StatusOr<ir::Recording> Record(const Callable& callable, const std::vector<c10::IValue>& args,
                                     const RecordOptions& options) {
  return Guard("recording", [&]() -> absl::StatusOr<ir::Recording> {
    INGOT_ASSIGN_OR_RETURN(ClonedArguments arguments, CloneArguments(args));
    const size_t known = options.state != nullptr ? options.state->captured.size() : 0;
    absl::StatusOr<ir::Recording> recording;
    {
      Recorder recorder(std::move(arguments), ModuleState(), false, options.name, options.state);
      recording = recorder.Record(callable);
      if (options.captured != nullptr) *options.captured = recorder.TakeCaptured();
    }
    if (options.state != nullptr) DropOwnMemory(options.state->captured, known);
    return recording;
  });
}

}  // namespace ingot::torchscript
