// What of a case its caller sees: results, written arguments, state, aliases; and how its arguments
// lie in memory.
#include <algorithm>
#include <cassert>
#include <numeric>

#include "tests/fuzz/graphs/gen.h"

namespace ingot::fuzz {
namespace {

using ir::ValueId;

constexpr size_t kMaxResults = 8;

// Strides of a dense tensor whose dimensions lie in memory in another order.
ir::Dims PermutedStrides(const ir::Dims& dims, Rng& rng) {
  std::vector<size_t> order(dims.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[rng.Int(0, static_cast<int64_t>(i) - 1)]);
  }
  ir::Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t at : order) {
    strides[at] = stride;
    stride *= std::max<int64_t>(dims[at], 1);
  }
  return strides;
}

bool MayPermute(const ir::TensorType& type) { return type.rank() >= 2 && type.NumElements() > 1; }

}  // namespace

void Gen::PlaceArguments() {
  const std::vector<ValueId> arguments = Inputs(case_.graph, ir::InputRole::kArgument);
  for (size_t i = 0; i < arguments.size(); ++i) {
    Placement& placement = case_.placements[i];
    if (placement.view_of < 0 && !is_base_[i] && MayPermute(type(arguments[i])) && rng_.OneIn(5)) {
      placement.strides = PermutedStrides(type(arguments[i]).dims, rng_);
    }
  }
}

// An argument that is memory of an earlier one, which stays row-major.
void Gen::AddOverlap() {
  const std::vector<ValueId> arguments = Inputs(case_.graph, ir::InputRole::kArgument);
  const auto of = static_cast<size_t>(rng_.Int(0, static_cast<int64_t>(arguments.size()) - 1));
  const ValueId base = arguments[of];
  if (case_.placements[of].view_of >= 0 || type(base).NumElements() == 0) return;
  ir::TensorType type = this->type(base);
  Placement placement{.strides = ir::ContiguousStrides(type.dims), .view_of = static_cast<int>(of)};
  if (!type.dims.empty() && rng_.OneIn(2)) {
    // All but the first slices of a dimension.
    const auto dim = static_cast<size_t>(rng_.Int(0, type.rank() - 1));
    const int64_t skip = rng_.Int(0, type.dims[dim] - 1);
    type.dims[dim] -= skip;
    placement.offset = skip * placement.strides[dim];
  }
  if (type.rank() >= 2 && rng_.OneIn(3)) {
    std::swap(type.dims[0], type.dims[1]);
    std::swap(placement.strides[0], placement.strides[1]);
  }
  const ValueId v = AddInput(ir::InputRole::kArgument, type, case_.arguments[of]);
  case_.placements.back() = placement;
  is_base_[of] = true;
  memory_[v] = memory_[base];
}

void Gen::AddOutput(ir::OutputRole role, uint32_t index, ValueId v) {
  ir::OutputSpec spec;
  spec.role = role;
  spec.index = index;
  if (role == ir::OutputRole::kResult && !is_program() && MayPermute(type(v)) && rng_.OneIn(6)) {
    spec.strides = PermutedStrides(type(v).dims, rng_);
  }
  case_.graph.AddOutput(spec, v);
}

void Gen::UpdateState() {
  const std::vector<ValueId> states = Inputs(case_.graph, ir::InputRole::kState);
  for (size_t i = 0; i < states.size(); ++i) {
    // The next call relies on the same bounds.
    const auto fits = [&](ValueId v) { return type(v) == type(states[i]) && !info(v).special; };
    const std::optional<ValueId> found = Find(fits);
    if (!found) continue;
    const ValueId v = Clamped(*found, case_.states[i].low, case_.states[i].high);
    AddOutput(ir::OutputRole::kStateUpdate, static_cast<uint32_t>(i), v);
  }
}

void Gen::WriteArguments(uint32_t& results) {
  const std::vector<ValueId> arguments = Inputs(case_.graph, ir::InputRole::kArgument);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const ValueId argument = arguments[i];
    ValueId contents = argument;
    if (rng_.OneIn(5)) {
      const auto same = [&](ValueId v) { return v != argument && type(v) == type(argument); };
      if (const std::optional<ValueId> found = Find(same)) {
        contents = *found;
        AddOutput(ir::OutputRole::kWriteBack, static_cast<uint32_t>(i), contents);
      }
    }
    if (!rng_.OneIn(8) || results >= kMaxResults) continue;
    ir::OutputSpec alias;
    alias.role = ir::OutputRole::kAlias;
    alias.index = results++;
    alias.alias_of = static_cast<uint32_t>(i);
    case_.graph.AddOutput(alias, contents);
  }
}

Case Gen::Finish() && {
  if (!is_program()) UpdateState();
  std::vector<bool> used(case_.graph.num_values());
  for (const ir::Node& node : case_.graph.nodes()) {
    ir::ForEachOperand(node, [&](ValueId v) { used[v] = true; });
  }
  uint32_t results = 0;
  for (auto v = pool_.rbegin(); v != pool_.rend() && results < kMaxResults - 2; ++v) {
    if (!used[*v]) AddOutput(ir::OutputRole::kResult, results++, *v);
  }
  const int64_t more = rng_.Int(results == 0 ? 1 : 0, 2);
  for (int64_t i = 0; i < more; ++i) AddOutput(ir::OutputRole::kResult, results++, Any());
  if (!is_program()) WriteArguments(results);
  PlaceArguments();
  std::vector<ir::Structure> slots;
  for (uint32_t i = 0; i < results; ++i) {
    slots.push_back(ir::Structure::Tensor(static_cast<int32_t>(i)));
  }
  case_.graph.set_result_structure(slots.size() == 1 ? slots[0] : ir::Structure::Tuple(slots));
  // Fails for tensors that memory can't hold; these are small.
  const absl::Status digests = SetDigests(case_);
  assert(digests.ok());
  static_cast<void>(digests);
  return std::move(case_);
}

}  // namespace ingot::fuzz
