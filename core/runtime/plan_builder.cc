#include "core/runtime/plan_builder.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/memory_plan.h"
#include "core/base/status_macros.h"

namespace ingot::runtime {
namespace {

// Builds the plan in the order of a call; arena buffers get their offsets at the end, when all
// lifetimes are known. Until then a location in the arena holds the buffer's number.
class PlanBuilder {
 public:
  PlanBuilder(const ir::Graph& graph, const ir::Signature& signature,
              const std::vector<ResultSpec>& results, const std::vector<CompiledGroup>& groups)
      : graph_(graph),
        signature_(signature),
        results_(results),
        groups_(groups),
        locations_(graph.num_values()),
        copy_step_(static_cast<uint32_t>(groups.size())) {}

  absl::StatusOr<RunPlan> Build() {
    PlaceInputs();
    PlaceResults();
    for (uint32_t step = 0; step < groups_.size(); ++step) INGOT_RETURN_IF_ERROR(AddStep(step));
    INGOT_RETURN_IF_ERROR(AddCopies());
    AssignOffsets();
    AddPatches();
    return std::move(plan_);
  }

 private:
  ir::Dims ArgumentStrides(size_t slot) const {
    const ir::ArgumentSpec& spec = signature_.arguments[slot];
    return spec.strides.empty() ? ir::ContiguousStrides(spec.type.dims) : spec.strides;
  }

  Location NewBuffer(size_t bytes, uint32_t first, uint32_t last) {
    buffers_.push_back({bytes, first, last});
    return {Place::kArena, buffers_.size() - 1};
  }

  void PlaceInputs() {
    for (const ir::InputSpec& input : graph_.inputs()) {
      switch (input.role) {
        case ir::InputRole::kArgument:
          locations_[input.value] = {Place::kArgument, input.index};
          break;
        case ir::InputRole::kScalar:
          locations_[input.value] = {Place::kScalar, input.index};
          break;
        case ir::InputRole::kState:
          locations_[input.value] = {Place::kState, input.index};
          break;
        case ir::InputRole::kSeed:
          locations_[input.value] = {Place::kSeed, 0};
          break;
        case ir::InputRole::kConstant:
          locations_[input.value] = {Place::kConstant, input.index};
          break;
      }
    }
  }

  // A value that is a row-major result is computed in the caller's memory: the first slot that has
  // it.
  void PlaceResults() {
    for (const ir::OutputSpec& output : graph_.outputs()) {
      if (output.role != ir::OutputRole::kResult || !output.strides.empty()) continue;
      if (!locations_[output.value]) locations_[output.value] = {Place::kResult, output.index};
    }
  }

  // The row-major copy of a strided argument, made once, before the first step.
  Location Gathered(uint32_t slot, uint32_t step) {
    gathered_.resize(signature_.arguments.size());
    const ir::TensorType& type = signature_.arguments[slot].type;
    if (!gathered_[slot]) {
      gathered_[slot] = NewBuffer(type.NumBytes(), 0, step);
      plan_.gathers.push_back({type,
                               {Place::kArgument, slot},
                               *gathered_[slot],
                               ArgumentStrides(slot),
                               ir::ContiguousStrides(type.dims)});
    }
    buffers_[gathered_[slot]->index].last = step;
    return *gathered_[slot];
  }

  absl::StatusOr<Location> ForReading(ir::ValueId value, uint32_t step) {
    if (!locations_[value]) {
      return absl::InternalError(absl::StrCat("value %", value, " is used by group ", step,
                                              " but no input or earlier group provides it"));
    }
    Location location = *locations_[value];
    if (location.place == Place::kArena) buffers_[location.index].last = step;
    if (location.place == Place::kSeed) location.index = step;
    if (location.place == Place::kArgument &&
        !signature_.arguments[location.index].strides.empty()) {
      return Gathered(static_cast<uint32_t>(location.index), step);
    }
    return location;
  }

  void Bind(ir::ValueId value, Location location) {
    const ir::TensorType& type = graph_.type(value);
    plan_.tensors.push_back({location, type, ir::ContiguousStrides(type.dims)});
  }

  absl::Status AddStep(uint32_t number) {
    const CompiledGroup& group = groups_[number];
    Step step;
    step.executable = group.executable;
    step.nodes = group.nodes;
    step.first_tensor = static_cast<uint32_t>(plan_.tensors.size());
    step.num_inputs = static_cast<uint32_t>(group.mapping->inputs.size());
    step.num_outputs = static_cast<uint32_t>(group.mapping->outputs.size());
    for (ir::ValueId value : group.mapping->inputs) {
      INGOT_ASSIGN_OR_RETURN(Location location, ForReading(value, number));
      Bind(value, location);
    }
    for (ir::ValueId value : group.mapping->outputs) {
      if (!locations_[value]) {
        locations_[value] = NewBuffer(graph_.type(value).NumBytes(), number, number);
      }
      Bind(value, *locations_[value]);
    }
    step.workspace = NewBuffer(step.executable->workspace_bytes(), number, number).index;
    plan_.steps.push_back(std::move(step));
    return absl::OkStatus();
  }

  ir::Dims StridesAt(const Location& location, const ir::TensorType& type) const {
    if (location.place == Place::kArgument) return ArgumentStrides(location.index);
    if (location.place == Place::kResult && !results_[location.index].strides.empty()) {
      return results_[location.index].strides;
    }
    return ir::ContiguousStrides(type.dims);
  }

  absl::Status AddCopy(ir::ValueId value, Location to) {
    if (!locations_[value]) {
      return absl::InternalError(absl::StrCat("output %", value, " is computed by no group"));
    }
    Location from = *locations_[value];
    if (from.place == Place::kSeed) {  // the verifier knows; there is one a step, or none
      return absl::InternalError(absl::StrCat("output %", value, " is the seed"));
    }
    if (from.place == to.place && from.index == to.index) return absl::OkStatus();
    const ir::TensorType& type = graph_.type(value);
    if (from.place == Place::kArena) buffers_[from.index].last = copy_step_;
    // An input that other outputs overwrite is read before any of them is written.
    const bool overwritten = to.place == Place::kArgument || to.place == Place::kState;
    if (overwritten && (from.place == Place::kArgument || from.place == Place::kState)) {
      const Location snapshot = NewBuffer(type.NumBytes(), copy_step_, copy_step_);
      snapshots_.push_back(
          {type, from, snapshot, StridesAt(from, type), StridesAt(snapshot, type)});
      from = snapshot;
    }
    copies_.push_back({type, from, to, StridesAt(from, type), StridesAt(to, type)});
    return absl::OkStatus();
  }

  absl::Status AddCopies() {
    static constexpr std::pair<ir::OutputRole, Place> kOrder[] = {
        {ir::OutputRole::kResult, Place::kResult},
        {ir::OutputRole::kStateUpdate, Place::kState},
        {ir::OutputRole::kWriteBack, Place::kArgument},
    };
    for (const auto& [role, place] : kOrder) {
      for (const ir::OutputSpec& output : graph_.outputs()) {
        if (output.role == role)
          INGOT_RETURN_IF_ERROR(AddCopy(output.value, {place, output.index}));
      }
    }
    plan_.copies = std::move(snapshots_);
    plan_.copies.insert(plan_.copies.end(), copies_.begin(), copies_.end());
    return absl::OkStatus();
  }

  void AssignOffsets() {
    const MemoryPlan memory = PlanMemory(buffers_);
    plan_.arena_bytes = memory.arena_bytes;
    const auto place = [&](Location& location) {
      if (location.place == Place::kArena) location.index = memory.offsets[location.index];
    };
    for (BoundTensor& tensor : plan_.tensors) place(tensor.location);
    for (Step& step : plan_.steps) step.workspace = memory.offsets[step.workspace];
    for (std::vector<Copy>* copies : {&plan_.gathers, &plan_.copies}) {
      for (Copy& copy : *copies) {
        place(copy.from);
        place(copy.to);
      }
    }
  }

  void AddPatches() {
    for (uint32_t i = 0; i < plan_.tensors.size(); ++i) {
      const Location& location = plan_.tensors[i].location;
      const std::pair<uint32_t, uint32_t> patch(i, static_cast<uint32_t>(location.index));
      if (location.place == Place::kArgument) plan_.argument_patches.push_back(patch);
      if (location.place == Place::kResult) plan_.result_patches.push_back(patch);
      if (location.place == Place::kState) plan_.state_patches.push_back(patch);
    }
  }

  const ir::Graph& graph_;
  const ir::Signature& signature_;
  const std::vector<ResultSpec>& results_;
  const std::vector<CompiledGroup>& groups_;
  std::vector<std::optional<Location>> locations_;  // by value
  std::vector<std::optional<Location>> gathered_;   // by argument slot
  std::vector<BufferLifetime> buffers_;
  std::vector<Copy> snapshots_, copies_;
  const uint32_t copy_step_;  // the copies count as one step after the last
  RunPlan plan_;
};

}  // namespace

absl::StatusOr<std::vector<ResultSpec>> MakeResultSpecs(const ir::Graph& graph) {
  std::vector<std::optional<ResultSpec>> slots;
  for (const ir::OutputSpec& output : graph.outputs()) {
    const bool alias = output.role == ir::OutputRole::kAlias;
    if (!alias && output.role != ir::OutputRole::kResult) continue;
    if (output.index >= slots.size()) slots.resize(output.index + 1);
    slots[output.index] =
        ResultSpec{graph.type(output.value), output.strides, alias, output.alias_of, output.offset};
  }
  std::vector<ResultSpec> results;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i])
      return absl::InvalidArgumentError(absl::StrCat("the graph has no result for slot ", i));
    results.push_back(*std::move(slots[i]));
  }
  return results;
}

absl::StatusOr<RunPlan> MakeRunPlan(const ir::Graph& graph, const ir::Signature& signature,
                                    const std::vector<ResultSpec>& results,
                                    const std::vector<CompiledGroup>& groups) {
  return PlanBuilder(graph, signature, results, groups).Build();
}

}  // namespace ingot::runtime
